"""Every request of a campaign, by its number: the same seed and number make the same request."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from shared.entrypoint import MAX_PUSH_BYTES, SCHEDULE_TIME
from tests.fuzz import contract
from tests.fuzz.cast import Cast
from tests.fuzz.pushes import ENTRIES, PUSHED, Pushes
from tests.fuzz.webhooks import TOKEN, Webhooks
from tests.fuzz.wire import BROKEN, Changes, Framing, Request

Make = Callable[[random.Random, Request], Request]
_PUSHED = frozenset(function.name for function in PUSHED)
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

    def __init__(self, seed: int, cast: Cast, token: str) -> None:
        self._seed = seed
        pushes, webhooks = Pushes(cast), Webhooks(cast, token)
        ticks: dict[str, Make] = {"tick": _tick, "odd schedule time": _odd_time}
        self._plain: Mapping[str, Mapping[str, Make]] = {
            function.name: pushes.kinds
            if function.name in _PUSHED
            else ticks
            if function.schedule
            else webhooks.kinds
            for function in ENTRIES
        }
        self._odd: Mapping[str, Make] = {
            "odd method": _odd_method,
            "odd target": _odd_target,
            "odd content headers": _odd_content,
            "odd headers": _odd_headers,
            "odd framing": _odd_framing,
            "huge body": _huge,
        }

    def make(self, number: int) -> Request:
        """Return the request of this number."""
        rng = random.Random(f"{self._seed}/{number}")
        entry = ENTRIES[number % len(ENTRIES)].name
        kind = rng.choice(tuple(self._plain[entry]))
        request = self._plain[entry][kind](rng, Request(number=number, entry=entry, kind=kind))
        if rng.random() >= _ODD_SHARE:
            return request
        kind = rng.choices(tuple(self._odd), (4, 4, 4, 4, 4, 1))[0]
        return self._odd[kind](rng, replace(request, kind=kind))


def _tick(rng: random.Random, request: Request) -> Request:
    """Return a tick, hardly ever at another time than now: a late one puts off all timers."""
    named = ((SCHEDULE_TIME, contract.instant(rng)),) if rng.random() < 0.05 else ()
    return replace(request, headers=named, body=rng.choice((b"", b"{}", rng.randbytes(50))))


def _odd_time(rng: random.Random, request: Request) -> Request:
    return replace(request, headers=((SCHEDULE_TIME, rng.choice(_TIMES)),))


def _refused(request: Request, *statuses: int) -> Request:
    allowed = frozenset(statuses) if statuses else frozenset(range(300, 500))
    return replace(request, changes=Changes.NOTHING, hopeless=False, statuses=allowed)


def _odd_method(rng: random.Random, request: Request) -> Request:
    if rng.random() < 0.2:
        return _refused(replace(request, method=rng.choice(_NO_METHODS)))
    return _refused(replace(request, method=rng.choice(_METHODS)), 405)


def _odd_target(rng: random.Random, request: Request) -> Request:
    if rng.random() < 0.15:
        return _refused(replace(request, target=rng.choice(_ERROR_PAGES)), 404)
    moved = replace(request, target=rng.choice(_TARGETS))
    return _refused(moved) if request.changes is Changes.NOTHING else _unsure(moved)


def _unsure(request: Request) -> Request:
    """Return the request with no promise but the ones that hold for every request."""
    return replace(request, changes=Changes.ANYTHING, statuses=None, hopeless=False)


def _odd_content(rng: random.Random, request: Request) -> Request:
    return replace(request, headers=(*request.headers, rng.choice(_CONTENT)))


def _odd_headers(rng: random.Random, request: Request) -> Request:
    added = tuple(rng.sample(_HEADERS, rng.randint(1, 3)))
    changed = replace(request, headers=(*request.headers, *added))
    return _refused(changed) if request.changes is Changes.NOTHING else _unsure(changed)


def _odd_framing(rng: random.Random, request: Request) -> Request:
    framing = rng.choice(tuple(Framing))
    framed = replace(request, framing=framing)
    if framing in BROKEN:
        return replace(_refused(framed), statuses=frozenset({0, *range(300, 500)}))
    if framing is Framing.NONE and request.changes is not Changes.NOTHING:
        return _unsure(replace(framed, message_id=None))
    return framed


def _huge(rng: random.Random, request: Request) -> Request:
    size = rng.choice((1024 * 1024, 1024 * 1024 + 1, 5_000_000, MAX_PUSH_BYTES, MAX_PUSH_BYTES + 1))
    huge = replace(request, body=b"x" * size, message_id=None)
    return huge if request.changes is Changes.NOTHING else _unsure(huge)
