"""Visits to the pages of manage_booking: by true links, by what is left of them, and by none."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

import msgspec

from shared.domain.notifications import Recipient
from shared.domain.order import Order
from shared.links import Link, LinkSigner, Purpose
from tests.bookings import READER
from tests.fuzz.bookings import Bookings, slot
from tests.fuzz.contract import ODD_TEXTS
from tests.fuzz.forms import IMPOSSIBLE, NAMES, ODD_VALUES, RIGHT, Fields, multipart, written
from tests.fuzz.mutations import noise
from tests.fuzz.tokens import broken
from tests.fuzz.wire import Changes, Request

# Without the reader's language a page says everything in each of them.
EVERY_LANGUAGE = ("id", "en")
_ADMINS_LANGUAGE = "id"
_ACTS = tuple(purpose for purpose in Purpose if purpose is not Purpose.MANAGE)
_SHOWN, _DONE = frozenset({200, 409}), frozenset({303})
_TOLD_WRONG = frozenset({400, 409, 422})
_NO_LINK = frozenset({400})


@dataclass(frozen=True)
class _Visitor:
    """Somebody with a link of one purpose to one order, and that order's reader."""

    bookings: Bookings
    purpose: Purpose
    order: Order
    link: Link

    @property
    def token(self) -> str:
        return self.bookings.signer.token(self.purpose, self.link)

    @property
    def languages(self) -> tuple[str, ...]:
        readers = {Recipient.MENTEE: self.order.mentee, Recipient.MENTOR: self.order.mentor}
        reader = readers.get(self.link.recipient)
        return (reader.locale if reader else _ADMINS_LANGUAGE,)

    def get(self, request: Request, token: str | None = None, more: Fields = ()) -> Request:
        sent = self.token if token is None else token
        query = urlencode([("token", sent), *more], encoding="utf-8", errors="surrogatepass")
        return self._true(replace(request, method="GET", target=f"/{self.purpose}?{query}"))

    def post(self, request: Request, fields: Fields, token: str | None = None) -> Request:
        sent = self.token if token is None else token
        body = urlencode([("token", sent), *fields]).encode()
        return self._true(replace(request, target=f"/{self.purpose}", body=body))

    def _true(self, request: Request) -> Request:
        return replace(
            request,
            opens=self.order.id,
            languages=self.languages,
            secrets=(self.token,),
            changes=Changes.NOTHING,
        )


class Visits:
    """Makes the visits of one campaign."""

    def __init__(self, bookings: Bookings) -> None:
        self._bookings = bookings
        self.kinds: Mapping[str, Callable[[random.Random, Request], Request]] = {
            "link": self._opened,
            "form": self._form,
            "form of odd fields": self._odd_form,
            "impossible form": self._impossible,
            "mutated link": self._mutated,
            "another's link": self._anothers,
            "expired link": self._expired,
            "overtaken link": self._overtaken,
            "odd path": self._odd_path,
            "odd query": self._odd_query,
            "odd form data": self._odd_body,
        }

    def _visitor(
        self, rng: random.Random, request: Request, purpose: Purpose | None = None, at: str = ""
    ) -> _Visitor:
        """Return one of a purpose, at an order of it, or of any (``at`` is "any")."""
        wanted = purpose or rng.choice(tuple(Purpose))
        place = rng.choice(tuple(Purpose)) if at == "any" else wanted
        order = self._bookings.orders[place][slot(request.number)]
        recipient = rng.choice(tuple(Recipient)) if wanted is Purpose.MANAGE else None
        link = self._bookings.link(wanted, order, recipient)
        return _Visitor(self._bookings, wanted, order, link)

    def _opened(self, rng: random.Random, request: Request) -> Request:
        visitor = self._visitor(rng, request, at=rng.choice(("", "any")))
        done = rng.choice(((), (("done", rng.choice((*Purpose, *ODD_TEXTS))),)))
        opened = visitor.get(request, more=done)
        method = rng.choice(("GET", "GET", "HEAD"))
        return replace(opened, method=method, statuses=_SHOWN)

    def _form(self, rng: random.Random, request: Request) -> Request:
        visitor = self._visitor(rng, request, rng.choice(_ACTS))
        sent = visitor.post(request, self._right(rng, visitor))
        return replace(sent, changes=Changes.SUBJECT, subject=visitor.order.id, statuses=_DONE)

    def _odd_form(self, rng: random.Random, request: Request) -> Request:
        """Return one of which this cannot tell whether it is one that can be followed."""
        visitor = self._visitor(rng, request, rng.choice(_ACTS), at=rng.choice(("", "any")))
        fields = list(self._right(rng, visitor))
        for name in rng.sample(NAMES[visitor.purpose], rng.randint(1, len(NAMES[visitor.purpose]))):
            odd = rng.choice(ODD_VALUES)
            fields = [pair for pair in fields if pair[0] != name or rng.random() < 0.2]
            fields.insert(rng.randint(0, len(fields)), (name, odd))
        sent = visitor.post(request, fields)
        return replace(
            sent,
            changes=Changes.SUBJECT,
            subject=visitor.order.id,
            statuses=_DONE | _TOLD_WRONG | {413},
            languages=visitor.languages if len(sent.body) < 60_000 else EVERY_LANGUAGE,
        )

    def _impossible(self, rng: random.Random, request: Request) -> Request:
        purpose = rng.choice(tuple(IMPOSSIBLE))
        visitor = self._visitor(rng, request, purpose)
        fields = rng.choice(IMPOSSIBLE[purpose](self._bookings, visitor.order))
        if rng.random() < 0.1:
            crowd = [(f"f{n}", "x") for n in range(rng.choice((30, 3000)))]
            return _refused(visitor.post(request, (*fields, *crowd)), {400})
        allowed = {405} if purpose is Purpose.MANAGE else _TOLD_WRONG
        return replace(visitor.post(request, fields), statuses=frozenset(allowed))

    def _mutated(self, rng: random.Random, request: Request) -> Request:
        visitor = self._visitor(rng, request)
        return self._either(rng, visitor, request, broken(rng, visitor.token), _NO_LINK)

    def _anothers(self, rng: random.Random, request: Request) -> Request:
        visitor = self._visitor(rng, request)
        kind = rng.choice(("purpose", "reader", "secret", "order"))
        purpose, link, signer = visitor.purpose, visitor.link, self._bookings.signer
        if kind == "purpose":
            purpose = rng.choice([other for other in Purpose if other is not purpose])
        elif kind == "reader":
            visitor = self._visitor(rng, request, rng.choice(_ACTS))
            purpose, others = visitor.purpose, set(Recipient) - {READER[visitor.purpose]}
            link = msgspec.structs.replace(visitor.link, recipient=rng.choice(sorted(others)))
        elif kind == "secret":
            signer = LinkSigner([rng.choice(("", "s" * 32, "secret"))], "https://b.example")
        else:
            link = msgspec.structs.replace(link, order_id=f"FZ-{rng.getrandbits(64):x}")
        allowed = {404} if kind == "order" else _NO_LINK
        return self._either(rng, visitor, request, signer.token(purpose, link), allowed)

    def _expired(self, rng: random.Random, request: Request) -> Request:
        visitor = self._visitor(rng, request)
        past = int(self._bookings.made_at.timestamp()) - rng.choice((1, 86_400, 40_000_000))
        link = msgspec.structs.replace(visitor.link, expires_at=rng.choice((past, 0, -1)))
        token = self._bookings.signer.token(visitor.purpose, link)
        told = self._either(rng, visitor, request, token, {410})
        return replace(told, languages=visitor.languages)

    def _overtaken(self, rng: random.Random, request: Request) -> Request:
        visitor = self._visitor(rng, request, rng.choice(_ACTS[:4]))
        revision = visitor.order.revision + rng.choice((-1, 1, 2, 2**31, -(2**63)))
        link = msgspec.structs.replace(visitor.link, revision=revision)
        old = replace(visitor, link=link)
        sent = old.post(request, self._right(rng, visitor))
        return replace(rng.choice((old.get(request), sent)), statuses=frozenset({410}))

    def _odd_path(self, rng: random.Random, request: Request) -> Request:
        visitor = self._visitor(rng, request)
        path = rng.choice(_PATHS)(visitor.purpose)
        opened = visitor.get(request)
        odd = replace(opened, target=path + opened.target.removeprefix(f"/{visitor.purpose}"))
        allowed = _SHOWN | {308, 400, 404}
        if visitor.purpose is not Purpose.MANAGE and rng.random() < 0.5:
            sent = visitor.post(request, self._right(rng, visitor))
            odd = replace(sent, target=path, changes=Changes.SUBJECT, subject=visitor.order.id)
            allowed = _DONE | {308, 400, 404}
        return replace(odd, statuses=frozenset(allowed), languages=None)

    def _odd_query(self, rng: random.Random, request: Request) -> Request:
        """Return one with two tokens, or one where it does not belong. The first one counts."""
        visitor = self._visitor(rng, request)
        wrong, right = broken(rng, visitor.token), visitor.token
        if rng.random() < 0.3:
            twice = visitor.get(request, more=(("token", wrong), ("TOKEN", wrong)))
            return replace(twice, statuses=_SHOWN)
        said = rng.choice(
            (
                urlencode([("token", wrong), ("token", right)]),
                urlencode([("TOKEN", right)]),
                urlencode([("token[]", right)]),
                f"a=1;token={right}",
                f"&&=&token=%ff%00{right}",
                f"%74oke%6e%00={right}",
                f"token%20={right}",
                "token",
                "token=" + "x" * 60_000,
                "&" * 3000,
            )
        )
        return _refused(replace(visitor.get(request), target=f"/{visitor.purpose}?{said}"), {400})

    def _odd_body(self, rng: random.Random, request: Request) -> Request:
        """Return a true token, and what it would need, in a shape that no form of ours sends."""
        visitor = self._visitor(rng, request, rng.choice(_ACTS))
        fields = (("token", visitor.token), *self._right(rng, visitor))
        sent = visitor.post(request, ())
        said = {name: value for name, value in fields if isinstance(value, str)}
        kind, body = rng.choice(
            (
                ("multipart/form-data; boundary=x", multipart(said)),
                ("application/json", msgspec.json.encode(said)),
                ("text/plain", b"first=line\r\n" + urlencode(said).encode()),
                ("application/x-www-form-urlencoded", urlencode(said).encode("utf-16")),
                ("application/x-www-form-urlencoded", b"token=&" + urlencode(said).encode()),
                ("application/x-www-form-urlencoded", noise(rng)),
                ("", b""),
            )
        )
        odd = replace(sent, body=body, headers=(("Content-Type", kind),))
        if rng.random() < 0.3:  # the token belongs into the form
            odd = replace(odd, target=f"{sent.target}?token={quote(visitor.token)}", body=b"")
        return _refused(odd, {400, 413})

    def _either(
        self,
        rng: random.Random,
        visitor: _Visitor,
        request: Request,
        token: str,
        statuses: set[int] | frozenset[int],
    ) -> Request:
        """Return a visit by a token that shows and does nothing, by GET or with a right form."""
        if rng.random() < 0.5:
            return _refused(visitor.get(request, token), statuses, token)
        sent = visitor.post(request, self._right(rng, visitor), token)
        # Pure noise may be longer than a form can be.
        return _refused(sent, {*statuses, *({413} if len(sent.body) > 60_000 else ())}, token)

    def _right(self, rng: random.Random, visitor: _Visitor) -> Fields:
        """Return the fields of a form that can be followed."""
        if visitor.purpose is Purpose.RESCHEDULE:
            return (("starts_at", rng.choice(written(self._free(rng)))),)
        return rng.choice(RIGHT[visitor.purpose](visitor.order))

    def _free(self, rng: random.Random) -> datetime:
        """Return a time at which no mentor of ours has anything."""
        return self._bookings.made_at + timedelta(days=5, seconds=rng.randint(0, 4 * 86_400))


_PATHS: Sequence[Callable[[str], str]] = (
    lambda name: f"/b/{name}",
    lambda name: f"/{name}/",
    lambda name: f"//{name}",
    lambda name: f"///evil.example//{name}",
    lambda name: f"/{name}//",
    lambda name: f"/../{name}",
    lambda name: f"/a/../{name}",
    lambda name: f"/{name}/..",
    lambda name: f"/{name}/.",
    lambda name: f"/{name.upper()}",
    lambda name: f"/%{ord(name[0]):x}{name[1:]}",
    lambda name: f"/{name}%00",
    lambda name: f"/{name}%2f",
    lambda name: f"/a%2F{name}",
    lambda name: f"/{name};v=1",
    lambda name: f"/{name}.html",
    lambda name: f"/{name}%0d%0aSet-Cookie:a=b",
    lambda name: f"/%ff{name}",
    lambda name: f"/{name}\u017e",
    lambda name: f"http://evil.example/{name}",
    lambda name: "/" + "x" * 20_000 + f"/{name}",
)


def _refused(request: Request, statuses: set[int] | frozenset[int], token: str = "") -> Request:
    """Return the request as one by no link: it shows nothing of any order, and changes nothing."""
    return replace(
        request,
        opens="",
        languages=EVERY_LANGUAGE,
        changes=Changes.NOTHING,
        statuses=frozenset(statuses),
        secrets=(*request.secrets, token),
    )
