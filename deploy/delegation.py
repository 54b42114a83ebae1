"""Which functions act for the Workspace user, with which scopes: what its admin has to allow."""

from collections.abc import Mapping

from deploy.functions import service_name
from deploy.gcloud import Gcloud
from local.staging import ROOT
from local.topology import FUNCTIONS
from shared.adapters import gmail, google_calendar

_SCOPES: Mapping[str, tuple[str, ...]] = {
    "wiring.meetings": google_calendar.SCOPES,
    "wiring.mailer": gmail.SCOPES,
}


def delegated() -> dict[str, tuple[str, ...]]:
    """Return the accounts that sign for the Workspace user, and their scopes."""
    found = {}
    for function in FUNCTIONS:
        text = (ROOT / "functions" / function.name / "main.py").read_text(encoding="utf-8")
        scopes = tuple(scope for used, own in _SCOPES.items() if used in text for scope in own)
        if scopes:
            found[service_name(function.name)] = scopes
    return found


def client_ids(gcloud: Gcloud) -> dict[str, str]:
    """Return the number by which the admin console knows each of these accounts."""
    listed = gcloud.read("iam", "service-accounts", "list")
    numbers = {found["email"].partition("@")[0]: found["uniqueId"] for found in listed}
    return {account: numbers[account] for account in delegated()}
