"""How each function is deployed: its service, its accounts, what it is configured with."""

import ast
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from local.staging import ROOT
from local.topology import FUNCTIONS, Function
from shared import settings
from shared.settings import BackendSettings, Section

REGION = "asia-southeast2"
TIME_ZONE = "Asia/Jakarta"
BASE_IMAGE = "python312"

# Settings that are kept in Secret Manager. To add one, add its line here.
SECRETS = (
    "XENDIT_SECRET_KEY",
    "XENDIT_CALLBACK_TOKEN",
)


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """How Cloud Run runs a function. ``concurrency`` is also its number of threads."""

    concurrency: int = 16
    min_instances: int = 0
    max_instances: int = 10
    memory: str = "512Mi"
    timeout: timedelta = timedelta(seconds=60)
    public: bool = False


# A tick is alone: at most one instance with one request, so that no two of them overlap.
_TICK = Service(concurrency=1, max_instances=1, timeout=timedelta(seconds=180))
SERVICES: Mapping[str, Service] = {
    "create_invoice": Service(),
    "payment_callback": Service(public=True),
    "create_meeting": Service(),
    "send_reminder": _TICK,
    "reconcile_orders": _TICK,
    "send_notification": Service(),
    "keep_dead_letter": Service(max_instances=2),
}

# Builds the images; publishes orders in the web app's name.
BUILDER = "function-builder"
ORDER_PUBLISHER = "order-publisher"


def service_name(function: str) -> str:
    """Return the function's Cloud Run service, which is also its account: no underscores there."""
    return function.replace("_", "-")


def caller_name(function: str) -> str:
    """Return the account as which Pub/Sub or the scheduler calls the function."""
    return f"{service_name(function)}-caller"


def is_called(function: Function) -> bool:
    """Return whether Pub/Sub or the scheduler calls it."""
    return bool(function.topics or function.schedule)


def accounts() -> dict[str, str]:
    """Return every service account and what it is for."""
    known = {service_name(f.name): f"Runs the function {f.name}" for f in FUNCTIONS}
    known |= {
        caller_name(f.name): f"Calls the function {f.name}" for f in FUNCTIONS if is_called(f)
    }
    known[BUILDER] = "Builds the images of the functions"
    known[ORDER_PUBLISHER] = "Publishes order.created for the web app"
    return known


def email(account: str, project: str) -> str:
    """Return the address of one of our service accounts."""
    return f"{account}@{project}.iam.gserviceaccount.com"


def secret_id(variable: str) -> str:
    """Return the secret that a setting is kept in."""
    return variable.lower().replace("_", "-")


def sections(function: str) -> tuple[type[Section], ...]:
    """Return the settings that a function reads: those that its main.py gives to Wiring."""
    tree = ast.parse((ROOT / "functions" / function / "main.py").read_text(encoding="utf-8"))
    (wiring,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Wiring"
    )
    return (BackendSettings, *(getattr(settings, ast.unparse(name)) for name in wiring.args))


def variables(section: type[Section]) -> dict[str, bool]:
    """Return the environment variables of a section, and whether each must be set."""
    return {
        f"{section.prefix}{field.name.upper()}": field.required
        for field in msgspec.structs.fields(section)
    }


def environment(function: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the function's plain environment variables, out of all that was given."""
    read = {name for section in sections(function) for name in variables(section)}
    threads = str(SERVICES[function].concurrency)
    chosen = {name: given[name] for name in sorted(read - set(SECRETS)) if name in given}
    return {**chosen, "BACKEND": "gcp", "LOG_EXECUTION_ID": "true", "THREADS": threads}


def secrets_of(function: str) -> tuple[str, ...]:
    """Return the secret settings that the function reads."""
    read = {name for section in sections(function) for name in variables(section)}
    return tuple(name for name in SECRETS if name in read)
