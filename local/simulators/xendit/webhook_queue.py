"""The webhooks that are still to be sent, and what became of those that were."""

import random
import secrets
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from local.simulators.records import Records
from local.simulators.xendit.agenda import Agenda
from local.simulators.xendit.model import Clock

KIND: Final = "webhook"
# "Automatic retry" in Xendit's webhook documentation: the waits after an answer that is not 2xx.
RETRY_WAITS: Final = tuple(
    timedelta(minutes=minutes) for minutes in (15, 60, 3 * 60, 6 * 60, 12 * 60, 24 * 60)
)
SUCCESS: Final = range(200, 300)

Outcome = Literal["waiting", "delivered", "timed_out", "given_up", "dropped"]
DeliveryError = Literal["timeout", "no_connection"]


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How badly webhooks behave.

    ``drop_probability`` of never being sent; ``duplicate_probability`` of being sent twice;
    ``delay_seconds``: each first attempt waits a random share of it, so that webhooks overtake each
    other; ``early_seconds``: for how long after a payment the API does not know of it yet.
    Seconds are seconds of the local world.
    """

    drop_probability: float = 0.0
    duplicate_probability: float = 0.0
    delay_seconds: float = 0.0
    early_seconds: float = 0.0
    expired_enabled: bool = True
    omit_id: bool = False


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try: the answer's ``status``, or the ``error`` that took its place."""

    at: datetime
    status: int | None = None
    error: DeliveryError | None = None


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook; ``due_at`` is None once nothing more will be tried."""

    id: str
    invoice_id: str
    body: dict[str, Any]
    due_at: datetime | None
    outcome: Outcome = "waiting"
    duplicate: bool = False
    attempts: tuple[Attempt, ...] = ()

    def after(self, attempt: Attempt, time_scale: float) -> "Webhook":
        """Return the webhook as Xendit leaves it after an attempt: done, due again, or given up."""
        outcome, wait = _consequence(attempt, len(self.attempts))
        return msgspec.structs.replace(
            self,
            attempts=(*self.attempts, attempt),
            outcome=outcome,
            due_at=None if wait is None else attempt.at + wait / time_scale,
        )


def _consequence(attempt: Attempt, retries_made: int) -> tuple[Outcome, timedelta | None]:
    if attempt.status in SUCCESS:
        return "delivered", None
    if attempt.error == "timeout":
        # Older pages of Xendit say so, and it is the case that a receiver has to heal by itself.
        return "timed_out", None
    if retries_made >= len(RETRY_WAITS):
        return "given_up", None
    return "waiting", RETRY_WAITS[retries_made]


class WebhookQueue:
    """Webhooks in ``records``, so that those still to be sent survive the process."""

    def __init__(
        self, records: Records, clock: Clock, chance: random.Random, time_scale: float
    ) -> None:
        self._records = records
        self._clock = clock
        self._chance = chance
        self._time_scale = time_scale
        self._agenda = Agenda()
        self._in_flight: set[str] = set()
        stored = records.get("settings", KIND)
        self._settings = msgspec.convert(stored or {}, WebhookSettings)
        for webhook in self.all():
            if webhook.due_at is not None:
                self._agenda.add(webhook.due_at, webhook.id)

    @property
    def settings(self) -> WebhookSettings:
        """How badly webhooks behave now."""
        return self._settings

    def configure(self, settings: WebhookSettings) -> None:
        """Change how webhooks behave from now on."""
        self._settings = settings
        self._records.put("settings", KIND, msgspec.to_builtins(settings))

    def all(self) -> list[Webhook]:
        """Return every webhook there ever was, the oldest first."""
        return [msgspec.convert(document, Webhook) for document in self._records.list(KIND)]

    def add(self, invoice_id: str, body: dict[str, Any]) -> None:
        """Queue a webhook, unless chance has it dropped, and perhaps another just like it."""
        if self._chance.random() < self._settings.drop_probability:
            self._put(self._new(invoice_id, body, due_at=None, outcome="dropped"))
            return
        self._put(self._new(invoice_id, body, due_at=self._first_due_at()))
        if self._chance.random() < self._settings.duplicate_probability:
            due_at = self._first_due_at()
            self._put(self._new(invoice_id, body, due_at=due_at, duplicate=True))

    def take_due(self, limit: int) -> list[Webhook]:
        """Return at most ``limit`` webhooks to send now; they are in flight until noted."""
        ids = self._agenda.take_due(self._clock.now(), limit)
        self._in_flight.update(ids)
        return [self._get(webhook_id) for webhook_id in ids]

    def note(self, webhook: Webhook, status: int | None, error: DeliveryError | None) -> None:
        """Write down how an attempt ended."""
        if webhook.id not in self._in_flight:
            return  # a reset forgot it while it was on its way
        self._in_flight.remove(webhook.id)
        attempt = Attempt(at=self._clock.now(), status=status, error=error)
        self._put(webhook.after(attempt, self._time_scale))

    def count_due(self) -> int:
        """Return how many webhooks wait for nothing but their turn."""
        return self._agenda.count_due(self._clock.now())

    def count_in_flight(self) -> int:
        """Return how many webhooks are on their way."""
        return len(self._in_flight)

    def next_at(self) -> datetime | None:
        """Return when the next webhook becomes due."""
        return self._agenda.next_after(self._clock.now())

    def forget(self) -> None:
        """Follow a reset of the records."""
        self._agenda.clear()
        self._in_flight.clear()
        self._settings = WebhookSettings()

    def _new(self, invoice_id: str, body: dict[str, Any], **rest: Any) -> Webhook:
        return Webhook(id=secrets.token_hex(12), invoice_id=invoice_id, body=body, **rest)

    def _first_due_at(self) -> datetime:
        delay_s = self._settings.delay_seconds * self._chance.random()
        return self._clock.now() + timedelta(seconds=delay_s)

    def _get(self, webhook_id: str) -> Webhook:
        return msgspec.convert(self._records.get(KIND, webhook_id), Webhook)

    def _put(self, webhook: Webhook) -> None:
        self._records.put(KIND, webhook.id, msgspec.to_builtins(webhook))
        if webhook.due_at is not None:
            self._agenda.add(webhook.due_at, webhook.id)
