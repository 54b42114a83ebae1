"""Which functions act for the Workspace user, with which scopes: what its admin has to allow."""

from collections.abc import Iterable, Mapping

from deploy.functions import functions, service_name
from deploy.gcloud import Gcloud
from local.staging import ROOT
from shared.adapters import gmail, google_calendar, google_freebusy


def delegated(given: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the accounts that sign for the Workspace user, and their scopes."""
    found, known = {}, _scopes(given)
    for function in functions(given):
        text = (ROOT / "functions" / function.name / "main.py").read_text(encoding="utf-8")
        scopes = tuple(scope for used, own in known.items() if used in text for scope in own)
        if scopes:
            found[service_name(function.name)] = scopes
    return found


def _scopes(given: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return what each adapter of Google's needs; with other choices some are not used."""
    scopes: dict[str, tuple[str, ...]] = {"wiring.meetings": google_calendar.SCOPES}
    if given.get("MAIL_TRANSPORT") != "smtp":
        scopes["wiring.mailer"] = gmail.SCOPES
    if given.get("MENTOR_CALENDARS") == "shared":
        scopes["wiring.busy_calendars"] = google_freebusy.SCOPES
    return scopes


def client_ids(gcloud: Gcloud, accounts: Iterable[str]) -> dict[str, str]:
    """Return the number by which the admin console knows each of these accounts."""
    listed = gcloud.read("iam", "service-accounts", "list")
    numbers = {found["email"].partition("@")[0]: found["uniqueId"] for found in listed}
    return {account: numbers[account] for account in accounts}
