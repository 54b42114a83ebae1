"""What becomes of a message, told by webhooks: sent and delivered, or failed.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/status
https://developers.facebook.com/docs/graph-api/webhooks/getting-started (retries, for days)
"""

import json
import random
import secrets
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from local.simulators.records import Records
from local.simulators.whatsapp.messages import Clock, Message, Messages, Status
from local.simulators.whatsapp.wire import WORDS
from local.simulators.xendit.agenda import Agenda

KIND: Final = "webhook"
# Meta tries "with decreasing frequency"; it does not say how often.
RETRY_WAITS: Final = tuple(
    timedelta(seconds=s) for s in (10, 60, 300, 1800, 2 * 3600, 12 * 3600, 24 * 3600, 48 * 3600)
)
SUCCESS: Final = range(200, 300)
_UNDELIVERABLE: Final = 131026

Outcome = Literal["waiting", "taken", "given_up", "dropped"]


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How badly webhooks behave: never sent, sent twice, or late by up to so many world seconds."""

    drop_probability: float = 0.0
    duplicate_probability: float = 0.0
    delay_seconds: float = 0.0


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook; ``due_at`` is None once nothing more will be tried."""

    id: str
    message_id: str
    status: Status
    body: str
    due_at: datetime | None
    outcome: Outcome = "waiting"
    answers: tuple[int | None, ...] = ()


class Progress:
    """The fates of messages and the webhooks about them, in ``records``.

    ``step`` is how long each stage takes in the world's time; ``time_scale`` divides the waits
    between tries.
    """

    def __init__(
        self,
        records: Records,
        messages: Messages,
        clock: Clock,
        *,
        phone_number_id: str,
        chance: random.Random,
        step: timedelta,
        time_scale: float,
    ) -> None:
        self._records = records
        self._messages = messages
        self._clock = clock
        self._phone_number_id = phone_number_id
        self._chance = chance
        self._step = step
        self._time_scale = time_scale
        self._agenda = Agenda()
        self.in_flight: set[str] = set()
        self.settings = WebhookSettings()
        for webhook in self.all():
            if webhook.due_at is not None:
                self._agenda.add(webhook.due_at, webhook.id)

    def begin(self, message: Message, *, arrives: bool) -> None:
        """Plan what will be told of a new message."""
        stages: tuple[Status, ...] = ("sent", "delivered") if arrives else ("failed",)
        for number, status in enumerate(stages, start=1):
            self._plan(message, status, self._clock.now() + number * self._step)

    def all(self) -> list[Webhook]:
        """Return every webhook there ever was, the oldest first."""
        return [msgspec.convert(document, Webhook) for document in self._records.list(KIND)]

    def take_due(self, limit: int) -> list[Webhook]:
        """Return at most ``limit`` webhooks to send now; they are in flight until noted."""
        ids = self._agenda.take_due(self._clock.now(), limit)
        self.in_flight.update(ids)
        taken = [msgspec.convert(self._records.get(KIND, each), Webhook) for each in ids]
        for webhook in taken:
            self._messages.note(webhook.message_id, webhook.status)
        return taken

    def note(self, webhook: Webhook, answer: int | None) -> None:
        """Write down how a try ended: with an answer's status, or with None for no answer."""
        if webhook.id not in self.in_flight:
            return  # a reset forgot it while it was on its way
        self.in_flight.remove(webhook.id)
        tries = len(webhook.answers)
        outcome: Outcome = "waiting"
        due_at = None
        if answer is not None and answer in SUCCESS:
            outcome = "taken"
        elif tries >= len(RETRY_WAITS):
            outcome = "given_up"
        else:
            due_at = self._clock.now() + RETRY_WAITS[tries] / self._time_scale
        answers = (*webhook.answers, answer)
        self._put(msgspec.structs.replace(webhook, answers=answers, outcome=outcome, due_at=due_at))

    def count_due(self) -> int:
        """Return how many webhooks wait for nothing but their turn."""
        return self._agenda.count_due(self._clock.now())

    def next_at(self) -> datetime | None:
        """Return when the next webhook becomes due."""
        return self._agenda.next_after(self._clock.now())

    def forget(self) -> None:
        """Follow a reset of the records."""
        self._agenda.clear()
        self.in_flight.clear()
        self.settings = WebhookSettings()

    def _plan(self, message: Message, status: Status, at: datetime) -> None:
        dropped = self._chance.random() < self.settings.drop_probability
        twice = self._chance.random() < self.settings.duplicate_probability
        for _ in range(2 if twice and not dropped else 1):
            late = timedelta(seconds=self._chance.random() * self.settings.delay_seconds)
            self._put(
                Webhook(
                    id=secrets.token_hex(8),
                    message_id=message.id,
                    status=status,
                    body=self._body(message, status, at),
                    due_at=None if dropped else at + late,
                    outcome="dropped" if dropped else "waiting",
                )
            )

    def _put(self, webhook: Webhook) -> None:
        self._records.put(KIND, webhook.id, msgspec.to_builtins(webhook))
        if webhook.due_at is not None:
            self._agenda.add(webhook.due_at, webhook.id)

    def _body(self, message: Message, status: Status, at: datetime) -> str:
        told: dict[str, Any] = {
            "id": message.id,
            "status": status,
            "timestamp": str(int(at.timestamp())),
            "recipient_id": message.to,
        }
        if message.key:
            told["biz_opaque_callback_data"] = message.key
        if status == "failed":
            told["errors"] = [_undeliverable()]
        metadata = {
            "display_phone_number": "6281100000000",
            "phone_number_id": self._phone_number_id,
        }
        value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [told]}
        entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
        return json.dumps({"object": "whatsapp_business_account", "entry": [entry]})


def _undeliverable() -> dict[str, Any]:
    _, title = WORDS[_UNDELIVERABLE]
    details = "Message Undeliverable."
    said = {"code": _UNDELIVERABLE, "title": title, "message": title}
    return {**said, "error_data": {"details": details}}
