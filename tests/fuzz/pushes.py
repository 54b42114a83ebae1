"""Pub/Sub pushes, from right ones to what no Pub/Sub would ever send."""

import base64
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from local.topology import FUNCTIONS, Function
from shared import messages
from shared.domain.events import TOPICS
from shared.domain.order import Order
from tests.fuzz import contract
from tests.fuzz.cast import Cast
from tests.fuzz.mutations import mutated, noise
from tests.fuzz.wire import Changes, Request

_KEPT = frozenset({200})
_TRACES = (
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "",
    "00-ab-cd-01",
    "x" * 5000,
    "line\r\nce-type: other",
    "šňůra",
)
_DEAD = {
    "CloudPubSubDeadLetterSourceSubscription": "create_invoice--order.created",
    "CloudPubSubDeadLetterSourceDeliveryCount": "5",
}
PUSHED = tuple(function for function in FUNCTIONS if function.topics)
_BY_NAME = {function.name: function for function in FUNCTIONS}


def takes(function: Function) -> tuple[str, ...]:
    """Return the topics whose events the function decodes: none for the keeper of dead letters."""
    return tuple(topic for topic in function.topics if topic in TOPICS)


class Pushes:
    """Makes the pushes of one campaign; each has a message id of its own."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self.kinds: Mapping[str, Callable[[random.Random, Request], Request]] = {
            "valid event": self._valid,
            "event of a known order": self._known,
            "mutated event": self._mutated,
            "noise as data": self._noise,
            "wrong type attribute": self._wrong_type,
            "odd attributes": self._odd_attributes,
            "wrong base64": self._wrong_base64,
            "wrong envelope": self._wrong_envelope,
            "envelope of noise": self._no_envelope,
        }

    def event(self, rng: random.Random, function: Function) -> tuple[str, dict[str, Any]]:
        """Return a topic of the function and an event that its schema takes."""
        topic = rng.choice(takes(function) or tuple(TOPICS))
        made = contract.event(rng, topic)
        if rng.random() < 0.4:
            made["order_id"] = rng.choice(self._cast.all).id
        elif rng.random() < 0.8:
            made["order_id"] = f"FZ-{rng.getrandbits(64):x}"
        if topic == "order.created" and rng.random() < 0.8:
            made["mentor"]["id"] = f"fz-{rng.getrandbits(64):x}"
        return topic, made

    def _valid(self, rng: random.Random, request: Request) -> Request:
        topic, made = self.event(rng, _BY_NAME[request.entry])
        return _push(rng, request, topic, json.dumps(made).encode())

    def _known(self, rng: random.Random, request: Request) -> Request:
        """Return one that the order of the cast could really cause, or nearly."""
        topic, made = self.event(rng, _BY_NAME[request.entry])
        order = rng.choice(self._cast.all)
        made |= {name: value for name, value in _said_of(order).items() if name in made}
        return _push(rng, request, topic, json.dumps(made).encode())

    def _mutated(self, rng: random.Random, request: Request) -> Request:
        topic, made = self.event(rng, _BY_NAME[request.entry])
        return _push(rng, request, topic, mutated(rng, made))

    def _noise(self, rng: random.Random, request: Request) -> Request:
        topic, _ = self.event(rng, _BY_NAME[request.entry])
        return _push(rng, request, topic, noise(rng))

    def _wrong_type(self, rng: random.Random, request: Request) -> Request:
        function = _BY_NAME[request.entry]
        topic, made = self.event(rng, function)
        wrong = rng.choice(
            (
                "",
                f"mentoring.{topic}.v2",
                f"MENTORING.{topic}.v1",
                topic,
                f" mentoring.{topic}.v1",
                *(f"mentoring.{other}.v1" for other in TOPICS if other not in takes(function)),
                *contract.ODD_TEXTS,
                "x" * 100_000,
            )
        )
        attributes: dict[str, Any] = {"ce-type": wrong}
        pushed = _push(rng, request, topic, json.dumps(made).encode(), attributes)
        return _hopeless(pushed) if takes(function) else pushed

    def _odd_attributes(self, rng: random.Random, request: Request) -> Request:
        topic, made = self.event(rng, _BY_NAME[request.entry])
        odd: dict[str, Any] = {
            "ce-type": f"mentoring.{topic}.v1",
            "ce-traceparent": rng.choice(_TRACES),
            "Content-Type": rng.choice(("application/json", "image/png", "ž")),
            rng.choice(("", "__name__", "a.b", "`", "é" * 300)): rng.choice(contract.ODD_TEXTS),
        }
        if rng.random() < 0.2:
            odd |= {f"a{n}": "v" * 1000 for n in range(rng.choice((90, 150, 2000)))}
        if rng.random() < 0.3:
            odd |= _DEAD | {next(iter(_DEAD)): rng.choice((*contract.ODD_TEXTS, "/" * 1000))}
        return _push(rng, request, topic, json.dumps(made).encode(), odd)

    def _wrong_base64(self, rng: random.Random, request: Request) -> Request:
        topic, made = self.event(rng, _BY_NAME[request.entry])
        right = base64.b64encode(json.dumps(made).encode()).decode()
        wrong = rng.choice(
            (right + "%", right[:-1], "-_" + right, right + "\n", "ž" + right, "=", "\x00")
        )
        body = _envelope(rng, f"fz-{request.number}", topic, b"")
        body["message"]["data"] = wrong
        return _hopeless(replace(request, body=json.dumps(body).encode(), message_id=None))

    def _wrong_envelope(self, rng: random.Random, request: Request) -> Request:
        topic, made = self.event(rng, _BY_NAME[request.entry])
        body = _envelope(rng, f"fz-{request.number}", topic, json.dumps(made).encode())
        return replace(request, body=mutated(rng, body))

    def _no_envelope(self, rng: random.Random, request: Request) -> Request:
        topic, made = self.event(rng, _BY_NAME[request.entry])
        bodies: tuple[Any, ...] = (made, [made], {"message": None}, {"message": []})
        structured = {"specversion": "1.0", "type": f"mentoring.{topic}.v1", "data": made}
        body = json.dumps(rng.choice((*bodies, structured))).encode()
        return _hopeless(replace(request, body=rng.choice((b"", noise(rng), body))))


def _said_of(order: Order) -> dict[str, Any]:
    invoice_id = order.invoice.id if order.invoice else "none"
    said = {
        "order_id": order.id,
        "topic": order.subject,
        "mentee": order.mentee,
        "mentor": order.mentor,
        "session": order.session,
        "price": order.price,
        "invoice_id": invoice_id,
    }
    built: dict[str, Any] = msgspec.to_builtins(said)
    return built


def _envelope(
    rng: random.Random,
    message_id: str,
    topic: str,
    data: bytes,
    attributes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    named = {"ce-type": f"mentoring.{topic}.v1", "ce-traceparent": _TRACES[0]}
    own = dict(named if attributes is None else attributes)
    if topic == "order.created" and attributes is None and rng.random() < 0.3:
        own = {}  # as the web app publishes it
    return messages.push_body(
        message_id,
        data,
        own,
        published_at="2026-11-24T02:00:05Z",
        subscription=f"projects/demo/subscriptions/any--{topic}",
        attempt=rng.randint(1, 5),
    )


def _push(
    rng: random.Random,
    request: Request,
    topic: str,
    data: bytes,
    attributes: Mapping[str, Any] | None = None,
) -> Request:
    """Return a push of the data; hopeless if the topic's schema says so."""
    function = _BY_NAME[request.entry]
    message_id = f"fz-{request.number}"
    if attributes is None and not takes(function) and rng.random() < 0.8:
        attributes = _DEAD | {"ce-type": f"mentoring.{topic}.v1"}
    body = json.dumps(_envelope(rng, message_id, topic, data, attributes)).encode()
    pushed = replace(request, body=body, message_id=message_id)
    never = takes(function) and contract.refused(topic, data)
    return _hopeless(pushed) if never else pushed


def _hopeless(request: Request) -> Request:
    return replace(request, hopeless=True, changes=Changes.REJECTED, statuses=_KEPT)
