"""Meta's webhooks about chats: as it sends them, as it might, and as somebody else does."""

import hashlib
import hmac
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from local.config import WorldConfig
from shared.domain.deliveries import Delivery
from shared.whatsapp_webhook import SIGNATURE
from tests.component.functions.test_channels import status
from tests.fuzz.bookings import Bookings, slot
from tests.fuzz.contract import ODD_NUMBERS, ODD_TEXTS
from tests.fuzz.mutations import mutated, noise
from tests.fuzz.wire import Changes, Request

CHALLENGE = "hub.challenge"
_FAILED = "failed"
_HEARD = frozenset({200})
_REFUSED_SIZE = frozenset({413})
# The server itself refuses a signature that is longer than headers may be.
_REFUSED = frozenset({401, 431})
_WORDS = (_FAILED, "sent", "delivered", "read", "deleted", "warning", "FAILED", "", "x" * 5000)
_TOO_LARGE = 4 * 1024 * 1024 + 1
Query = Sequence[tuple[str, str]]


class Chats:
    """Makes the webhooks of Meta of one campaign, and the registering of their address."""

    def __init__(self, bookings: Bookings, config: WorldConfig) -> None:
        self._bookings = bookings
        self._secret = config.secrets.whatsapp_app
        self._verify = config.secrets.whatsapp_verify
        self.kinds: Mapping[str, Callable[[random.Random, Request], Request]] = {
            "status of a chat": self._status,
            "mutated status": self._mutated,
            "signed noise": self._noise,
            "deep or large status": self._large,
            "no true signature": self._unsigned,
            "handshake": self._handshake,
            "wrong handshake": self._wrong_handshake,
        }

    def _status(self, rng: random.Random, request: Request) -> Request:
        word, details = rng.choice(_WORDS), _details(rng)
        webhook = status(self._chat(request).key, word, **details)
        told = webhook["entry"][0]["changes"][0]["value"]["statuses"]
        told += (told[0] | {"biz_opaque_callback_data": key} for key in _others(rng))
        told *= rng.choice((1, 1, 2))
        rng.shuffle(told)
        sent = self._signed(request, json.dumps(webhook).encode())
        if word == _FAILED:
            return sent
        # What cannot be read is kept, whatever it says.
        changes = Changes.REJECTED if _has_odd_code(details) else Changes.NOTHING
        return replace(sent, changes=changes)

    def _mutated(self, rng: random.Random, request: Request) -> Request:
        webhook = status(self._chat(request).key, rng.choice((_FAILED, *_WORDS)), **_details(rng))
        return self._signed(request, mutated(rng, webhook))

    def _noise(self, rng: random.Random, request: Request) -> Request:
        sent = self._signed(request, rng.choice((b"", noise(rng))))
        return replace(sent, changes=Changes.REJECTED)

    def _large(self, rng: random.Random, request: Request) -> Request:
        """Return one that says little in many bytes, or more bytes than anybody may send."""
        key = self._chat(request).key
        webhook = status(key, **_details(rng))
        (change,) = webhook["entry"][0]["changes"]
        kind = rng.choice(("many", "long", "deep", "too large"))
        if kind == "many":
            strange = change["value"]["statuses"][0] | {"biz_opaque_callback_data": "nobody's"}
            change["value"]["statuses"] += [strange] * rng.choice((100, 3000))
        elif kind == "long":
            reason = rng.choice(("x", "ж", "🦊", "\x00")) * rng.choice((5000, 300_000))
            change["value"]["statuses"][0]["errors"] = [{"code": 1, "title": reason}]
        elif kind == "deep":
            depth = rng.choice((50, 500, 50_000))
            text = json.dumps(webhook | {"deep": 0}).replace(": 0}", ": " + "[" * depth)
            return self._signed(request, (text + "]" * depth + "}").encode())
        else:
            body = json.dumps(webhook).encode().ljust(rng.choice((_TOO_LARGE, 2 * _TOO_LARGE)))
            sent = self._signed(request, body)
            return replace(sent, changes=Changes.NOTHING)
        return self._signed(request, json.dumps(webhook, ensure_ascii=False).encode())

    def _unsigned(self, rng: random.Random, request: Request) -> Request:
        webhook = status(self._chat(request).key, **_details(rng))
        body = rng.choice((json.dumps(webhook).encode(), mutated(rng, webhook), noise(rng), b""))
        headers, target = self._wrong(rng, body)
        return replace(
            request,
            body=body,
            headers=headers,
            target=target,
            changes=Changes.NOTHING,
            statuses=_REFUSED,
        )

    def _handshake(self, rng: random.Random, request: Request) -> Request:
        challenge = rng.choice((*ODD_TEXTS, "1158201444"))
        return self._get(request, self._registering(challenge), 200)

    def _wrong_handshake(self, rng: random.Random, request: Request) -> Request:
        right = dict(self._registering("1158201444"))
        token, mode = "hub.verify_token", "hub.mode"
        wrong: Sequence[Query] = (
            (),
            *(tuple((n, v) for n, v in right.items() if n != left) for left in right),
            *(tuple((right | {token: each}).items()) for each in self._no_tokens(rng)),
            *(tuple((right | {mode: each}).items()) for each in ("", "unsubscribe", "SUBSCRIBE")),
            ((token, "x"), *right.items()),
            tuple((name.replace(".", "_"), value) for name, value in right.items()),
            tuple((right | {CHALLENGE: self._verify, token: "x"}).items()),
        )
        return self._get(request, rng.choice(wrong), 403)

    def _registering(self, challenge: str) -> Query:
        return (
            ("hub.mode", "subscribe"),
            ("hub.verify_token", self._verify),
            (CHALLENGE, challenge),
        )

    def _get(self, request: Request, query: Query, status: int) -> Request:
        return replace(
            request,
            method="GET",
            target=f"/?{urlencode(query)}",
            changes=Changes.NOTHING,
            statuses=frozenset({status}),
        )

    def _chat(self, request: Request) -> Delivery:
        return self._bookings.chats[slot(request.number)]

    def _signed(self, request: Request, body: bytes) -> Request:
        return replace(
            request,
            body=body,
            headers=((SIGNATURE, self._signature(body)),),
            statuses=_HEARD if len(body) < _TOO_LARGE else _REFUSED_SIZE,
            subject=self._chat(request).key,
            changes=Changes.SUBJECT,
        )

    def _signature(self, body: bytes, secret: str | None = None) -> str:
        known = self._secret if secret is None else secret
        return f"sha256={hmac.new(known.encode(), body, hashlib.sha256).hexdigest()}"

    def _no_tokens(self, rng: random.Random) -> Sequence[str]:
        right = self._verify
        wrong = ("", right[:-1], f"{right}x", right.swapcase(), f"{right},{right}", f" {right}")
        return (*wrong, rng.choice(ODD_TEXTS), "x" * 30_000)

    def _wrong(self, rng: random.Random, body: bytes) -> tuple[tuple[tuple[str, str], ...], str]:
        """Return headers and a target that do not hold the signature where it belongs."""
        right = self._signature(body)
        digest = right.removeprefix("sha256=")
        wrong = (
            "",
            "sha256=",
            digest,
            right[:-1],
            f"{right}0",
            right.upper(),
            right.replace("sha256", "sha1"),
            f"sha256={hashlib.sha256(body).hexdigest()}",
            self._signature(body, ""),
            self._signature(body, "wrong"),
            self._signature(body + b" "),
            self._signature(b"")[:-1],
            f"{right}, {right}",
            f'"{right}"',
            "sha256=" + "ž" * 64,
            "sha256=" + "0" * 30_000,
            rng.choice([text for text in ODD_TEXTS if text.isprintable()]),
        )
        return rng.choice(
            (
                ((), "/"),
                (((SIGNATURE, rng.choice(wrong)),), "/"),
                (((SIGNATURE, rng.choice(wrong)),), "/"),
                (((SIGNATURE, right), (SIGNATURE, right)), "/"),
                (((SIGNATURE, right), (SIGNATURE, rng.choice(wrong))), "/"),
                ((("X-Hub-Signature", f"sha1={digest}"),), "/"),
                ((("x_hub_signature_256", right),), "/"),
                ((("Cookie", f"{SIGNATURE}={right}"),), "/"),
                ((), f"/?{urlencode([(SIGNATURE, right)])}"),
                ((), f"/?{urlencode(self._registering('1'))}"),
            )
        )


def _details(rng: random.Random) -> dict[str, Any]:
    """Return what else a status says, as Meta says it or nearly."""
    said: tuple[dict[str, Any], ...] = (
        {},
        {"errors": None},
        {"errors": []},
        {"errors": [{"code": rng.choice(ODD_NUMBERS), "title": rng.choice(ODD_TEXTS)}]},
        {"errors": [{"code": "131026", "message": rng.choice(ODD_TEXTS)}, {}]},
        {"timestamp": rng.choice(("", "soon", "-1", "9" * 11, "9" * 400, 0, 2**40, None))},
        {"id": rng.choice(ODD_TEXTS), "pricing": {"billable": True}, "conversation": None},
    )
    return rng.choice(said)


def _has_odd_code(details: Mapping[str, Any]) -> bool:
    """Whether a code is a number that Meta does not have: a fraction, or too large for 64 bits."""
    codes = [error.get("code") for error in details.get("errors") or ()]
    return any(isinstance(c, float) or (isinstance(c, int) and abs(c) >= 2**63) for c in codes)


def _others(rng: random.Random) -> Sequence[str]:
    """Return keys of messages that were not sent by us, if any."""
    keys = (
        *ODD_TEXTS,
        "NUS-1:reminder-60:mentee:whatsapp",
        "../deliveries/x",
        "__name__",
        "k" * 2000,
    )
    return rng.sample(keys, rng.randint(0, 3))
