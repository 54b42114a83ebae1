"""Takes down what deploy.sh has made. The database stays, unless it is asked for as well."""

from collections.abc import Callable

from deploy import request_logs
from deploy.access import Access
from deploy.functions import REGION, SECRETS, accounts, email, secret_id, service_name
from deploy.gcloud import Gcloud, in_parallel
from deploy.messaging import all_topics
from deploy.monitoring.apply import remove_monitoring
from local.topology import FUNCTIONS

Command = tuple[str, ...]


def take_down(gcloud: Gcloud, say: Callable[[str], None], *, with_data: bool) -> None:
    """Delete what is there: callers first, so that nothing is called that is gone."""
    Access(gcloud, number="").clear_project()
    for what, listing, ours, delete in _kinds(gcloud):
        listed = gcloud.read_or([], *listing)
        there = {_name(found) for found in listed} & set(ours)
        say(f"{what}: {len(there)}")
        in_parallel(lambda name: gcloud.change(f"no {name}", *delete, name), sorted(there))  # noqa: B023 - used at once
    remove_monitoring(gcloud)
    request_logs.remove_exclusion(gcloud)
    if with_data:
        _delete_database(gcloud)


def _kinds(gcloud: Gcloud) -> list[tuple[str, Command, list[str], Command]]:
    """Return for each kind of resource how to list it, what of it is ours, how to delete it."""
    services = [service_name(function.name) for function in FUNCTIONS]
    subscriptions = [name for function in FUNCTIONS for name in function.subscriptions()]
    emails = [email(account, gcloud.project) for account in accounts()]
    jobs, run = ("scheduler", "jobs"), ("run", "services")
    return [
        (
            "jobs",
            (*jobs, "list", f"--location={REGION}"),
            services,
            (*jobs, "delete", f"--location={REGION}"),
        ),
        _simple("subscriptions", ("pubsub", "subscriptions"), subscriptions),
        _simple("topics", ("pubsub", "topics"), list(all_topics(FUNCTIONS))),
        (
            "functions",
            (*run, "list", f"--region={REGION}"),
            services,
            (*run, "delete", f"--region={REGION}"),
        ),
        _simple("secrets", ("secrets",), [secret_id(variable) for variable in SECRETS]),
        _simple("accounts", ("iam", "service-accounts"), emails),
    ]


def _simple(what: str, group: Command, ours: list[str]) -> tuple[str, Command, list[str], Command]:
    return what, (*group, "list"), ours, (*group, "delete")


def _name(found: dict[str, str | dict[str, str]]) -> str:
    metadata = found.get("metadata")
    name = metadata["name"] if isinstance(metadata, dict) else found["name"]
    return str(name).rpartition("/")[2]


def _delete_database(gcloud: Gcloud) -> None:
    database = "--database=(default)"
    for found in gcloud.read_or([], "firestore", "databases", "list"):
        if found["name"].endswith("/(default)"):
            update = ("firestore", "databases", "update", database, "--no-delete-protection")
            gcloud.change("the database may be deleted", *update)
            gcloud.change("no database", "firestore", "databases", "delete", database)
