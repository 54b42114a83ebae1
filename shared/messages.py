"""The wire format of events: Pub/Sub push bodies in, data and CloudEvents attributes out."""

import base64
import hashlib
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from shared.domain.events import Event
from shared.errors import InvalidMessageError
from shared.ports import RejectedMessage

TYPE_PREFIX = "mentoring."
SOURCE = "urn:mentoring:order-pipeline"
# Our own events are below 4 KB; beyond this it is not one, and Firestore could not keep it whole.
MAX_DATA_BYTES = 256 * 1024
MAX_KEPT_CHARACTERS = 64 * 1024

# Pub/Sub's own limits, in bytes: https://cloud.google.com/pubsub/quotas#resource_limits. It takes
# 100 attributes, and adds a few to a dead letter.
_Attributes = Annotated[
    dict[Annotated[str, Meta(max_length=256)], Annotated[str, Meta(max_length=1024)]],
    Meta(max_length=120),
]

E = TypeVar("E", bound=Event)


class PushedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The message inside a push request, with its data decoded from base64."""

    id: str
    data: bytes
    attributes: dict[str, str]
    subscription: str
    delivery_attempt: int | None

    @property
    def traceparent(self) -> str | None:
        """The trace that the message belongs to."""
        return self.attributes.get("ce-traceparent")


class _Message(msgspec.Struct, frozen=True, kw_only=True):
    data: str = ""
    attributes: _Attributes = {}
    message_id: Annotated[str, Meta(min_length=1, max_length=256)] = msgspec.field(name="messageId")


class _Envelope(msgspec.Struct, frozen=True, kw_only=True):
    message: _Message
    subscription: str = ""
    delivery_attempt: int | None = msgspec.field(name="deliveryAttempt", default=None)


def event_type(event: type[Event]) -> str:
    """Return the versioned CloudEvents type, like ``mentoring.invoice.paid.v1``."""
    return f"{TYPE_PREFIX}{event.topic}.v{event.version}"


def encode(event: Event) -> bytes:
    """Return the event's JSON."""
    return msgspec.json.encode(event)


def attributes(event: Event, *, traceparent: str, at: datetime) -> dict[str, str]:
    """Return the attributes of CloudEvents' Pub/Sub binding, version 1.0."""
    return {
        "Content-Type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": event.id,
        "ce-source": SOURCE,
        "ce-type": event_type(type(event)),
        "ce-time": at.isoformat(),
        "ce-correlationid": event.order_id,
        "ce-traceparent": traceparent,
    }


def push_body(
    message_id: str,
    data: bytes,
    attrs: dict[str, str],
    *,
    published_at: str,
    subscription: str,
    attempt: int,
) -> dict[str, Any]:
    """Return the body of a push request, both spellings of the ids included, as Pub/Sub sends it."""
    return {
        "message": {
            "attributes": attrs,
            "data": base64.b64encode(data).decode(),
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": published_at,
            "publish_time": published_at,
        },
        "subscription": subscription,
        "deliveryAttempt": attempt,
    }


def read_push(body: bytes) -> PushedMessage:
    """Return the message in a push request. Raises InvalidMessageError if it is not one."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        data = base64.b64decode(envelope.message.data, validate=True)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InvalidMessageError(f"not a Pub/Sub push request: {error}") from error
    return PushedMessage(
        id=envelope.message.message_id,
        data=data,
        attributes=envelope.message.attributes,
        subscription=envelope.subscription,
        delivery_attempt=envelope.delivery_attempt,
    )


def decode(message: PushedMessage, *expected: type[E]) -> E:
    """Return the event in the message, which must be one of the expected types.

    The type attribute decides. Without one (the web app's plain JSON) a single expected type is
    assumed. Raises InvalidMessageError with what is wrong and where.
    """
    if len(message.data) > MAX_DATA_BYTES:
        raise InvalidMessageError(
            f"{len(message.data)} bytes of data; an event has at most {MAX_DATA_BYTES}"
        )
    kind = _expected_type(message.attributes.get("ce-type"), expected)
    try:
        return msgspec.json.decode(message.data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessageError(f"not a valid {kind.topic} event: {error}") from error


def _expected_type(named: str | None, expected: tuple[type[E], ...]) -> type[E]:
    known = {event_type(kind): kind for kind in expected}
    if named is None and len(expected) == 1:
        return expected[0]
    if named not in known:
        raise InvalidMessageError(f"event type {named!r}; expected one of {', '.join(known)}")
    return known[named]


def rejected(
    message_id: str,
    body: bytes,
    *,
    source: str,
    reason: str,
    attributes: dict[str, str],
    at: datetime,
    topic: str = "",
) -> RejectedMessage:
    """Return the record of a message that could not be handled."""
    return RejectedMessage(
        id=message_id,
        source=source,
        reason=reason,
        received_at=at,
        body=body.decode(errors="replace")[:MAX_KEPT_CHARACTERS],
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        attributes=attributes,
        topic=topic,
    )


def body_to_replay(message: RejectedMessage) -> bytes:
    """Return the body of a kept message, to be published on its topic again.

    Raises InvalidMessageError when it came from no topic, or was not kept as it was.
    """
    if not message.topic:
        raise InvalidMessageError(f"{message.id} did not come from a topic")
    body = message.body.encode()
    if hashlib.sha256(body).hexdigest() != message.sha256:
        raise InvalidMessageError(
            f"{message.id}: only the text of its first {MAX_KEPT_CHARACTERS} characters was kept"
        )
    return body
