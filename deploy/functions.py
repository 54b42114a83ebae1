"""How each function is deployed: its service, its accounts, what it is configured with."""

import ast
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec
from cryptography.fernet import Fernet

from local.staging import ROOT
from local.topology import FUNCTIONS, Function
from shared import settings
from shared.settings import BackendSettings, Section

REGION = "asia-southeast2"
BASE_IMAGE = "python312"

# Settings that are kept in Secret Manager. To add one, add its line here.
SECRETS = (
    "XENDIT_SECRET_KEY",
    "XENDIT_CALLBACK_TOKEN",
    "LINKS_SECRETS",
    "VAULT_KEYS",
    "WHATSAPP_ACCESS_TOKEN",
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_VERIFY_TOKEN",
    "SMTP_PASSWORD",
)
# Those of them that nobody else has to know, and how one key of them is made.
MADE: Mapping[str, Callable[[], str]] = {
    "LINKS_SECRETS": lambda: secrets.token_urlsafe(32),
    "VAULT_KEYS": lambda: Fernet.generate_key().decode(),
}
# The choices that bring other settings, and with them other functions and grants.
CHOICES = (
    ("MAIL_TRANSPORT", "smtp"),
    ("WHATSAPP", "on"),
    ("MENTOR_CALENDARS", "shared"),
)


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """How Cloud Run runs a function. ``concurrency`` is also its number of threads.

    By default it is the most at which requests do not wait long for each other
    (docs/performance.md).

    ``public`` says why everybody may call it; empty for one that only its caller may.
    ``only_with`` is the choice without which it is not deployed. ``retries``: how often the
    scheduler calls again after a failure.
    """

    concurrency: int = 16
    min_instances: int = 0
    max_instances: int = 10
    memory: str = "512Mi"
    timeout: timedelta = timedelta(seconds=60)
    public: str = ""
    only_with: tuple[str, str] | None = None
    retries: int = 0


# A tick is alone: at most one instance with one request, so that no two of them overlap.
# The next minute's does what one could not.
_TICK = Service(concurrency=1, max_instances=1, timeout=timedelta(seconds=180))
SERVICES: Mapping[str, Service] = {
    "create_invoice": Service(),
    "payment_callback": Service(public="Xendit calls it; its token is checked"),
    "create_meeting": Service(),
    "manage_booking": Service(public="people open it; links are signed"),
    "close_order": Service(),
    "refund_payment": Service(),
    "send_reminder": _TICK,
    "reconcile_orders": _TICK,
    "send_notification": Service(),
    "track_delivery": Service(
        public="Meta calls it; its signature is checked", only_with=("WHATSAPP", "on")
    ),
    # Once a day: the next one would be a day late. Cloud Scheduler takes at most five. All orders
    # of a day are in its memory.
    "send_digest": msgspec.structs.replace(_TICK, retries=5, memory="2Gi"),
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


def functions(given: Mapping[str, str]) -> tuple[Function, ...]:
    """Return the functions that are deployed with these settings."""
    wanted = {name: service.only_with for name, service in SERVICES.items()}
    return tuple(f for f in FUNCTIONS if _is_chosen(wanted[f.name], given))


def _is_chosen(choice: tuple[str, str] | None, given: Mapping[str, str]) -> bool:
    return choice is None or given.get(choice[0]) == choice[1]


def accounts(functions: tuple[Function, ...] = FUNCTIONS) -> dict[str, str]:
    """Return the service accounts of these functions, and the shared ones: what each is for."""
    known = {service_name(f.name): f"Runs the function {f.name}" for f in functions}
    known |= {
        caller_name(f.name): f"Calls the function {f.name}" for f in functions if is_called(f)
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


def sections(function: str, given: Mapping[str, str]) -> tuple[type[Section], ...]:
    """Return the settings that a function reads: what its main.py names, and what that implies."""
    found: list[type[Section]] = [BackendSettings, *_named(function)]
    for section in found:
        found += [more for more in implied(section, given) if more not in found]
    return tuple(found)


def _named(function: str) -> list[type[Section]]:
    """Return what the function's main.py gives to Wiring."""
    tree = ast.parse((ROOT / "functions" / function / "main.py").read_text(encoding="utf-8"))
    (wiring,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Wiring"
    )
    return [getattr(settings, ast.unparse(name)) for name in wiring.args]


def implied(section: type[Section], given: Mapping[str, str]) -> tuple[type[Section], ...]:
    """Return what a section brings with it, as it is chosen; of one that is wrong, nothing."""
    values = {
        field.name: given[variable]
        for field, variable in zip(msgspec.structs.fields(section), variables(section), strict=True)
        if variable in given
    }
    try:
        return msgspec.convert(values, section, strict=False).implied
    except msgspec.ValidationError:
        return ()


def variables(section: type[Section]) -> dict[str, bool]:
    """Return the environment variables of a section, and whether each must be set."""
    return {
        f"{section.prefix}{field.name.upper()}": field.required
        for field in msgspec.structs.fields(section)
    }


def environment(function: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the function's plain environment variables, out of all that was given."""
    read = {name for section in sections(function, given) for name in variables(section)}
    threads = str(SERVICES[function].concurrency)
    chosen = {name: given[name] for name in sorted(read - set(SECRETS)) if name in given}
    return {**chosen, "BACKEND": "gcp", "LOG_EXECUTION_ID": "true", "THREADS": threads}


def secrets_of(function: str, given: Mapping[str, str]) -> tuple[str, ...]:
    """Return the secret settings that the function reads: those that are given, or made."""
    read = {name for section in sections(function, given) for name in variables(section)}
    return tuple(name for name in SECRETS if name in read and (name in MADE or name in given))
