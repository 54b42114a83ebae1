"""What the model takes for given, read from ``parameters.toml``. Times are in seconds."""

from pathlib import Path

import msgspec

PARAMETERS = Path(__file__).parent / "parameters.toml"


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A log-normal time."""

    median: float
    sigma: float = 0.0


class Day(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a day's orders are spread: a weight for each hour from midnight."""

    hours: tuple[float, ...]


class OrderHabits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What mentees do."""

    paid_share: float
    sessions_on_the_hour: float
    pay_median_s: float
    pay_sigma: float
    notice_days: int
    busiest_mentor_share: float
    whatsapp_share: float


class CloudRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How Cloud Run starts, feeds and ends instances."""

    target_utilisation: float
    evaluate_every: float
    idle_for: float
    start: float
    sandbox_start: float
    queue_patience: float
    processor_factor: float
    firestore_cpu: float


class PushRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How Pub/Sub pushes: how many messages at once, and how long one is on its way."""

    first_window: int
    largest_window: int
    transport: Latency


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What vendors allow; in 60 s, unless the name says otherwise."""

    xendit_create: float
    xendit_get: float
    xendit_find: float
    calendar_user: float
    calendar_project: float
    gmail_units: float
    gmail_draft_units: float
    gmail_send_units: float
    gmail_mails_a_day: float
    firestore_writes_a_second: float
    firestore_document_writes_a_second: float
    whatsapp_a_second: float


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of them."""

    day: Day
    order: OrderHabits
    cloud_run: CloudRun
    pubsub: PushRules
    latency: dict[str, Latency]
    limits: Limits


def load(path: Path = PARAMETERS) -> Parameters:
    """Read the parameters."""
    return msgspec.toml.decode(path.read_bytes(), type=Parameters)
