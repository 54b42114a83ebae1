"""What must hold for every request, whatever it was."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from shared.adapters.sqlite_queue import QueuedMessage
from shared.domain.deliveries import Delivery
from shared.domain.order import Order, Status
from shared.ports import RejectedMessage
from tests.fuzz import contract
from tests.fuzz.chats import CHALLENGE
from tests.fuzz.pushes import PUSHED
from tests.fuzz.wire import BROKEN, Answer, Framing, Request

TROUBLE = re.compile("unforeseen error|Traceback|Error handling request|Worker .* was sent")
# Firestore's and Pub/Sub's own limits, which the embedded backend does not have.
MAX_DOCUMENT_BYTES = 1024 * 1024
MAX_ATTRIBUTE_BYTES = 1024
# Nobody reads more, and every reader of the record would have to.
MAX_REASON_BYTES = 4096

_PUSHED = frozenset(function.name for function in PUSHED)
_RETRY = frozenset({429, 503})
_SERVER_ERROR = 500
_SEE_OTHER = 303
_SECRET_LENGTH = 12
# A reason that is only an exception's name is what an unforeseen one is answered with.
_UNFORESEEN = re.compile(r"^\w+$")
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


class _Message(msgspec.Struct):
    message_id: str = msgspec.field(name="messageId")
    attributes: dict[str, str] = {}


class _Push(msgspec.Struct):
    message: _Message


def outcome(answer: Answer) -> str:
    """Return the ``outcome`` in an answer's body, or nothing."""
    return str(_said(answer).get("outcome", ""))


def wrong_answer(request: Request, answer: Answer) -> Iterator[str]:
    """Yield what is wrong with the answer alone."""
    if answer.status == 0 and request.framing not in BROKEN:
        yield "the connection was closed without an answer"
    if answer.status >= _SERVER_ERROR or answer.status in _RETRY:
        yield from _undeclared(answer)
    if request.statuses is not None and answer.status not in request.statuses:
        yield f"answered {answer.status}; allowed are {_shown(request.statuses)}"
    if request.hopeless and outcome(answer) != "rejected":
        yield "it can never be handled, and was not kept"
    reused = "already exists with other content" in _said(answer).get("reason", "")
    if request.kind == "valid event" and outcome(answer) == "rejected" and not reused:
        yield "it is right by the published schema, and was not handled"


def _undeclared(answer: Answer) -> Iterator[str]:
    said = _said(answer)
    if answer.status not in _RETRY or said.get("outcome") != "retry":
        yield f"{answer.status} is not a declared answer"
    elif not answer.headers.get("retry-after", "").isdigit():
        yield "asked to come again without a Retry-After"
    elif _UNFORESEEN.match(said.get("reason", "")):
        yield f"unforeseen error: {said['reason']}"


def kept_nowhere(request: Request, answer: Answer, kept: set[str]) -> str | None:
    """Return the problem if the answer says that the message was kept, and it was not."""
    promised = outcome(answer) == "rejected"
    promised |= request.entry == "keep_dead_letter" and answer.status == 204
    if promised and not kept & set(kept_ids(request)):
        return "answered as kept, and is not in the rejected store"
    return None


def kept_ids(request: Request) -> Iterator[str]:
    """Yield the ids that the request's message can be kept under."""
    body = b"" if request.framing is Framing.NONE else request.body
    yield f"{request.entry}-{hashlib.sha256(body).hexdigest()[:16]}"
    try:
        message = msgspec.json.decode(body, type=_Push).message
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    yield f"{request.entry}-{message.message_id}"
    source = message.attributes.get("CloudPubSubDeadLetterSourceSubscription", "unknown")
    yield f"dead-{source}-{message.message_id}"


def did(request: Request, answer: Answer) -> bool:
    """Whether the answer says that the request has changed its subject."""
    if request.entry == "manage_booking":
        return answer.status == _SEE_OTHER
    return bool(_said(answer).get("undelivered"))


def wrong_echo(request: Request, answer: Answer) -> Iterator[str]:
    """Yield what is wrong with the answer to a handshake: it is told its challenge, as text."""
    if request.kind == "handshake":
        challenge = dict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True))
        if answer.body.decode() != challenge[CHALLENGE]:
            yield "the challenge is not what was sent back"
        if not answer.headers.get("content-type", "").startswith("text/plain"):
            yield f"the challenge is sent as {answer.headers.get('content-type')}"


def told_secrets(answer: Answer, secrets: Iterable[str]) -> Iterator[str]:
    """Yield the secrets that stand in an answer."""
    said = b"\n".join((answer.body, *(value.encode() for value in answer.headers.values())))
    yield from (f"answered with a secret: {word}" for word in secrets if word.encode() in said)


def leaked(line: str, secrets: Iterable[str]) -> Iterator[str]:
    """Yield the secrets that stand in a line of a log. Short ones stand everywhere."""
    known = (word for word in secrets if len(word) >= _SECRET_LENGTH)
    yield from (f"logged a secret, {word}: {line[-3000:]}" for word in known if word in line)


def wrong_chat(_request: Request, before: Delivery, after: Delivery | None) -> str | None:
    """Return the problem if more became of a chat than that it has failed, for a short reason."""
    reason = (after.failed if after else None) or ""
    if after == msgspec.structs.replace(before, failed=reason):
        size = len(reason.encode())
        return None if 0 < size <= MAX_REASON_BYTES else f"{before.key} failed in {size} bytes"
    return f"{before.key} became {after}"


def wrong_orders(orders: Iterable[Order], may_be_paid: frozenset[str]) -> Iterator[str]:
    """Yield the orders that became paid without money."""
    for order in orders:
        if (order.was(Status.PAID) or order.payment) and order.id not in may_be_paid:
            yield f"order {order.id} is {order.status}, and nobody paid it"


def wrong_messages(published: Iterable[QueuedMessage]) -> Iterator[str]:
    """Yield what was published and could not have been, or would not be understood."""
    for message in published:
        if contract.refused(message.topic, message.data):
            yield f"published what {message.topic}'s schema refuses: {message.data[:300]!r}"
        if not _TRACEPARENT.match(message.attributes["ce-traceparent"]):
            yield f"published an unusable trace: {message.attributes['ce-traceparent'][:100]!r}"
        for name, value in message.attributes.items():
            if len(value.encode()) > MAX_ATTRIBUTE_BYTES:
                yield f"published an attribute {name} of {len(value)} characters"


def unfit(records: Iterable[RejectedMessage]) -> Iterator[str]:
    """Yield the records that Firestore would not take."""
    for record in records:
        if (size := len(msgspec.json.encode(record))) > MAX_DOCUMENT_BYTES:
            yield f"{record.id[:100]} is kept in {size} bytes"


def _said(answer: Answer) -> Mapping[str, Any]:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _shown(statuses: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(statuses))) if len(statuses) < 4 else "3xx and 4xx"
