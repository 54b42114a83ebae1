"""Every request of a campaign, by its number: the same seed and number make the same request."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from local.config import WorldConfig
from local.topology import FUNCTIONS, Function
from shared.entrypoint import MAX_PUSH_BYTES, SCHEDULE_TIME
from tests.fuzz import contract
from tests.fuzz.cast import Cast
from tests.fuzz.chats import Chats
from tests.fuzz.pushes import Pushes
from tests.fuzz.visits import Visits
from tests.fuzz.webhooks import TOKEN, Webhooks
from tests.fuzz.wire import BROKEN, Changes, Framing, Request

Make = Callable[[random.Random, Request], Request]
_ODD_SHARE = 0.2
_METHODS = ("GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "PROPFIND")
_NO_METHODS = ("post", "P", "POST,POST", "PÖST")
_TARGETS = (
    "/create_invoice",
    "/a/b/c",
    "//double//slashes",
    "/../../etc/passwd",
    "/%2e%2e/%00",
    "/%ff%fe",
    "/%zz",
    "/?a=b&a=c",
    "/?__debug__=1&x=%00",
    "/;v=1",
    "*",
    "http://127.0.0.1/absolute",
    "/" + "x" * 5000,
    "/?" + "y=1&" * 2000,
)
# What these answer to other methods than POST.
_ALSO = {"manage_booking": {"GET", "HEAD"}, "track_delivery": {"GET"}}
_REDIRECTION = 300
_ERROR_PAGES = ("/robots.txt", "/favicon.ico")
_CONTENT = (
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Content-Type", "multipart/form-data; boundary=x"),
    ("Content-Type", "multipart/form-data"),
    ("Content-Type", "application/json; charset=utf-16"),
    ("Content-Type", "application/cloudevents+json"),
    ("Content-Type", "žádný"),
    ("Content-Type", ""),
    ("Content-Encoding", "gzip"),
    ("Content-Encoding", "br, gzip, nothing"),
    ("Expect", "100-continue"),
)
_HEADERS = (
    ("traceparent", "x" * 4000),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("traceparent", "žluťoučký"),
    ("Function-Execution-Id", "x" * 3000),
    ("X-Cloud-Trace-Context", "a/b;o=1"),
    ("ce-type", "mentoring.order.created.v1"),
    ("Cookie", "a=b; " * 500),
    ("Range", "bytes=0-5"),
    ("If-Match", "*"),
    ("Accept", "image/png;q=garbage"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-HTTP-Method-Override", "DELETE"),
    (TOKEN, "wrong"),
    ("Host", "evil.example"),
    ("Transfer_Encoding", "chunked"),
    ("Content_Length", "7"),
    ("X-Long", "v" * 8000),
)
_TIMES = (
    "",
    "soon",
    "NaN",
    "1795485605",
    "2026-12-01",
    "2026-12-01T12:00:00",
    "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "2026-12-01T12:00:00+99:99",
    "2026-W48-2T12:00:00Z",
    "\uff12\uff10\uff12\uff16-12-01T12:00:00Z",
    "2026-12-01T12:00:00Z, 2026-12-01T12:00:00Z",
    "x" * 5000,
)


class Requests:
    """Makes the requests of one campaign."""

    def __init__(self, seed: int, cast: Cast, config: WorldConfig) -> None:
        self._seed = seed
        self._pushes = Pushes(cast)
        self._called: Mapping[str, Mapping[str, Make]] = {
            "payment_callback": Webhooks(cast, config.callback_token).kinds,
            "manage_booking": Visits(cast.bookings).kinds,
            "track_delivery": Chats(cast.bookings, config).kinds,
        }
        self._plain = {function.name: self._kinds(function) for function in FUNCTIONS}

    def _kinds(self, function: Function) -> Mapping[str, Make]:
        if function.topics:
            return self._pushes.kinds
        return _TICKS if function.schedule else self._called[function.name]

    def make(self, number: int) -> Request:
        """Return the request of this number."""
        rng = random.Random(f"{self._seed}/{number}")
        entry = FUNCTIONS[number % len(FUNCTIONS)].name
        kind = rng.choice(tuple(self._plain[entry]))
        request = self._plain[entry][kind](rng, Request(number=number, entry=entry, kind=kind))
        if rng.random() >= _ODD_SHARE:
            return request
        kind = rng.choices(tuple(_ODD), (4, 4, 4, 4, 4, 1))[0]
        return _ODD[kind](rng, replace(request, kind=kind))


def _tick(rng: random.Random, request: Request) -> Request:
    """Return a tick, hardly ever at another time than now: a late one puts off all timers."""
    named = ((SCHEDULE_TIME, contract.instant(rng)),) if rng.random() < 0.05 else ()
    return replace(request, headers=named, body=rng.choice((b"", b"{}", rng.randbytes(50))))


def _odd_time(rng: random.Random, request: Request) -> Request:
    return replace(request, headers=((SCHEDULE_TIME, rng.choice(_TIMES)),))


def _refused(request: Request, *statuses: int) -> Request:
    allowed = frozenset(statuses) if statuses else frozenset(range(300, 500))
    return replace(
        request,
        changes=Changes.NOTHING,
        hopeless=False,
        statuses=allowed,
        opens="",
        languages=None,
    )


def _odd_method(rng: random.Random, request: Request) -> Request:
    if rng.random() < 0.2:
        return _refused(replace(request, method=rng.choice(_NO_METHODS)))
    methods = [method for method in _METHODS if method not in _ALSO.get(request.entry, ())]
    # At an odd path or with a huge header, the server may answer before anybody sees the method.
    before = (request.statuses or frozenset()) & {308, 400, 404, 431}
    return _refused(replace(request, method=rng.choice(methods)), 405, *before)


def _odd_target(rng: random.Random, request: Request) -> Request:
    if rng.random() < 0.15:
        return _refused(replace(request, target=rng.choice(_ERROR_PAGES)), 404)
    return _unsure(replace(request, target=rng.choice(_TARGETS)))


def _unsure(request: Request) -> Request:
    """Return the request with no promise but the ones that hold for every request.

    What is refused stays refused, and what changes nothing does not begin to.
    """
    refused = request.statuses is not None and min(request.statuses) >= _REDIRECTION
    if refused and request.changes is Changes.NOTHING:
        return replace(_refused(request), opens=request.opens)
    return replace(
        request,
        changes=Changes.ANYTHING if request.changes is Changes.REJECTED else request.changes,
        statuses=None,
        hopeless=False,
        languages=None,
    )


def _odd_content(rng: random.Random, request: Request) -> Request:
    return replace(request, headers=(*request.headers, rng.choice(_CONTENT)))


def _odd_headers(rng: random.Random, request: Request) -> Request:
    added = tuple(rng.sample(_HEADERS, rng.randint(1, 3)))
    return _unsure(replace(request, headers=(*request.headers, *added)))


def _odd_framing(rng: random.Random, request: Request) -> Request:
    framing = rng.choice(tuple(Framing))
    framed = replace(request, framing=framing)
    if framing in BROKEN:
        return replace(_refused(framed), statuses=frozenset({0, *range(300, 500)}))
    return _of_other_body(framed) if framing is Framing.NONE else framed


def _huge(rng: random.Random, request: Request) -> Request:
    size = rng.choice((1024 * 1024, 1024 * 1024 + 1, 5_000_000, MAX_PUSH_BYTES, MAX_PUSH_BYTES + 1))
    return _of_other_body(replace(request, body=b"x" * size))


def _of_other_body(request: Request) -> Request:
    # Xendit's token is looked at before the body.
    by_token = request.entry == "payment_callback" and request.changes is Changes.NOTHING
    return request if by_token else _unsure(replace(request, message_id=None))


_TICKS: Mapping[str, Make] = {"tick": _tick, "odd schedule time": _odd_time}
_ODD: Mapping[str, Make] = {
    "odd method": _odd_method,
    "odd target": _odd_target,
    "odd content headers": _odd_content,
    "odd headers": _odd_headers,
    "odd framing": _odd_framing,
    "huge body": _huge,
}
# No request of these kinds needs to reach the function itself.
ODD_KINDS = frozenset(_ODD)
