"""The messages that were accepted, and what has become of each."""

import base64
import secrets
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from local.simulators.records import Records

KIND = "message"
Status = Literal["accepted", "sent", "delivered", "failed"]
_ORDER: tuple[Status, ...] = ("accepted", "sent", "delivered", "failed")


class Clock(Protocol):
    """The world's time."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message: ``to`` in digits, ``text`` as its reader sees it, ``key`` as its sender calls it."""

    id: str
    key: str
    to: str
    template: str
    language: str
    parameters: tuple[str, ...]
    text: str
    at: datetime
    status: Status = "accepted"


class Messages:
    """Messages in ``records``."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def transaction(self) -> AbstractContextManager[None]:
        """Let a message and what is planned for it be kept together, or not at all."""
        return self._records.transaction()

    def accept(
        self, *, key: str, to: str, template: str, language: str, parameters: list[str], text: str
    ) -> Message:
        """Keep a new message."""
        message = Message(
            id=_new_id(to),
            key=key,
            to=to,
            template=template,
            language=language,
            parameters=tuple(parameters),
            text=text,
            at=self._clock.now(),
        )
        self._put(message)
        return message

    def all(self, to: str | None = None, skip: int = 0) -> list[Message]:
        """Return messages in the order they came, without the first ``skip``; to one, or to all."""
        kept = [msgspec.convert(d, Message) for d in self._records.list(KIND, skip)]
        return [message for message in kept if to in (None, message.to)]

    def note(self, message_id: str, status: Status) -> None:
        """Write down what has become of a message, which never goes back.

        One that a reset forgot is no error.
        """
        document = self._records.get(KIND, message_id)
        if document is None:
            return
        known = msgspec.convert(document, Message)
        if _ORDER.index(status) > _ORDER.index(known.status):
            self._put(msgspec.structs.replace(known, status=status))

    def _put(self, message: Message) -> None:
        self._records.put(KIND, message.id, msgspec.to_builtins(message))


def _new_id(to: str) -> str:
    # Meta's are long, and hold the reader's number in base64.
    unique = f"{to}{secrets.token_hex(9)}".encode()
    return f"wamid.{base64.b64encode(unique).decode()}"
