"""Webhooks as Xendit sends them, as it might, and as somebody sends them who is not Xendit."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from shared.domain.order import Order
from tests.component.functions.test_webhooks import paid
from tests.fuzz.cast import Cast
from tests.fuzz.contract import ODD_NUMBERS, ODD_TEXTS
from tests.fuzz.mutations import mutated, noise
from tests.fuzz.wire import Changes, Request

TOKEN = "x-callback-token"
# The server itself refuses a token that is longer than headers may be.
_REFUSED = frozenset({401, 431})
_STATUSES = ("PAID", "SETTLED", "EXPIRED", "PENDING", "paid", "", "FAILED", "A_STATUS_OF_TOMORROW")


class Webhooks:
    """Makes the webhooks of one campaign."""

    def __init__(self, cast: Cast, token: str) -> None:
        self._cast = cast
        self._token = token
        self.kinds: Mapping[str, Callable[[random.Random, Request], Request]] = {
            "webhook": self._webhook,
            "forged PAID": self._forged,
            "mutated webhook": self._mutated,
            "webhook of noise": self._noise,
            "no valid token": self._unauthorised,
        }

    def _webhook(self, rng: random.Random, request: Request) -> Request:
        return self._known(request, _any(rng, self._cast))

    def _forged(self, rng: random.Random, request: Request) -> Request:
        """Return one about an unpaid order, with all that a forger could know."""
        return self._known(request, _forgery(rng, self._cast))

    def _mutated(self, rng: random.Random, request: Request) -> Request:
        return self._known(request, mutated(rng, json.loads(_any(rng, self._cast))))

    def _noise(self, rng: random.Random, request: Request) -> Request:
        return self._known(request, rng.choice((b"", noise(rng))))

    def _unauthorised(self, rng: random.Random, request: Request) -> Request:
        body = rng.choice(
            (
                _forgery(rng, self._cast),
                _truth(rng, self._cast),
                mutated(rng, json.loads(_any(rng, self._cast))),
                noise(rng),
                b"",
            )
        )
        headers, target = self._wrong(rng)
        return replace(
            request,
            body=body,
            headers=headers,
            target=target,
            changes=Changes.NOTHING,
            statuses=_REFUSED,
        )

    def _known(self, request: Request, body: bytes) -> Request:
        return replace(request, body=body, headers=((TOKEN, self._token),))

    def _wrong(self, rng: random.Random) -> tuple[tuple[tuple[str, str], ...], str]:
        """Return headers and a target that do not hold the token where it belongs."""
        right, other = self._token, rng.choice(self._token)
        wrong = (
            "",
            right[:-1],
            right + other,
            right[1:],
            right.swapcase(),
            right[::-1],
            f"{right},{right}",
            f"Bearer {right}",
            f'"{right}"',
            f"{right}ž",
            "".join(chr(ord(letter) ^ 0x80) for letter in right),
            "x" * 30_000,
            rng.choice([text for text in ODD_TEXTS if text.isprintable()]),
            "undefined",
            "None",
        )
        return rng.choice(
            (
                ((), "/"),
                (((TOKEN, rng.choice(wrong)),), "/"),
                (((TOKEN, rng.choice(wrong)),), "/"),
                (((TOKEN, right), (TOKEN, right)), "/"),
                (((TOKEN, right), (TOKEN, rng.choice(wrong))), "/"),
                (((TOKEN, right), (TOKEN, "")), "/"),
                ((("Authorization", f"Bearer {right}"),), "/"),
                ((("x_callback_token", right),), "/"),
                ((("x-callback-token-2", right), ("Cookie", f"{TOKEN}={right}")), "/"),
                ((), f"/?{TOKEN}={right}"),
                ((), f"/{right}"),
            )
        )


def _any(rng: random.Random, cast: Cast) -> bytes:
    return rng.choice((_unknown, _forgery, _truth, _other_product))(rng, cast)


def _unknown(rng: random.Random, cast: Cast) -> bytes:
    changes = {"external_id": rng.choice(ODD_TEXTS), "status": rng.choice(_STATUSES)}
    return _body(paid(rng.choice(cast.unpaid), **changes))


def _forgery(rng: random.Random, cast: Cast) -> bytes:
    order = rng.choice(cast.unpaid)
    changes: dict[str, Any] = {"status": rng.choice(_STATUSES[:2])}
    if rng.random() < 0.4:
        changes["id"] = rng.choice((*map(_invoice_id, cast.all), None, "", "../invoices", "?a=b"))
    if rng.random() < 0.3:
        changes[rng.choice(("amount", "paid_amount"))] = rng.choice(ODD_NUMBERS)
    return _body(paid(order, **changes))


def _truth(rng: random.Random, cast: Cast) -> bytes:
    order = rng.choice((*cast.payable, *cast.paid, cast.others[0]))
    return _body(paid(order, status=rng.choice(_STATUSES)))


def _other_product(rng: random.Random, cast: Cast) -> bytes:
    order = rng.choice(cast.all)
    named = rng.choice(({"external_id": order.id}, {"reference_id": order.id}))
    return _body({"event": "refund.succeeded", "business_id": "b-1", "data": {}} | named)


def _invoice_id(order: Order) -> str | None:
    return order.invoice.id if order.invoice else None


def _body(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode()
