"""What the forms of manage_booking are sent with: what is right, what never is, and what is odd."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

from functions.manage_booking.action_pages import TOLD
from shared.domain.order import Order
from shared.links import Purpose
from tests.fuzz.bookings import Bookings
from tests.fuzz.contract import ODD_TEXTS

Value = str | bytes
Fields = Sequence[tuple[str, Value]]
_OUT_OF_ITS_VALUE = "\"><svg/onload=alert('x')>"
_UNSEEN = ("\u200b\u200b\u200b", "\u2060\ufeff\u00ad", "\u200d \u3000 \u200d")
ODD_VALUES: tuple[Value, ...] = (
    *ODD_TEXTS,
    b"\xff\xfe\x00",
    b"\xed\xa0\x80",
    b"\xc3",
    "</textarea><script>alert(1)</script>",
    _OUT_OF_ITS_VALUE,
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)",
    "&lt;b&gt;&#0;&#x1;",
    "{0.__class__} {note} {}",
    *_UNSEEN,
    "\x1b[31mred\x07",
    "12345678901234567890",
    "1234 5678-90.12",
    "\u0661\u0662\u0663\u0664\u0665\u0666",
    "1\x002345\x00",
    "+62 812 3456 7890",
    "ж" * 40_000,
)
_NO_TIMES = (
    "",
    "soon",
    "1795485605",
    "-1",
    "NaN",
    "2026-12-01",
    "2026-12-01T12:00:00",
    "20261201T120000Z",
    "2026-W49-2T12:00:00Z",
    "2026-12-01T24:00:00Z",
    "2026-12-01T12:00:60Z",
    "2016-12-31T23:59:60Z",
    "2026-12-01T12:00:00+99:99",
    "2026-12-01T12:00:00Z ",
    "\uff12\uff10\uff12\uff16-12-01T12:00:00Z",
    "2026-02-30T12:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "2199-12-31T23:59:59Z",
    "1999-12-31T23:59:59Z",
    "<script>alert(1)</script>",
    "9" * 5000,
)


def _told(order: Order) -> str:
    return "unpaid" if order.payment is None else "refunded"


# The fields that a form has, or that another has and this one does not.
NAMES: Mapping[Purpose, Sequence[str]] = {
    Purpose.ACCEPT: ("note", "starts_at"),
    Purpose.DECLINE: ("note",),
    Purpose.RESCHEDULE: ("starts_at",),
    Purpose.CANCEL: (TOLD,),
    Purpose.PAYOUT_ACCOUNT: ("bank", "number", "holder"),
    Purpose.PAYOUT_DONE: ("number", TOLD),
}
_ACCOUNT = {"bank": "BCA", "number": "1234567890", "holder": "Sari Wulandari"}
# Fields that can be followed; times of their own apart.
RIGHT: Mapping[Purpose, Callable[[Order], Sequence[Fields]]] = {
    Purpose.MANAGE: lambda _order: ((),),
    Purpose.ACCEPT: lambda _order: ((),),
    Purpose.DECLINE: lambda _order: (
        (),
        (("note", "I am ill"),),
        (("note", "x" * 500),),
        (("note", "<script>alert('note')</script>\r\n{note}"),),
    ),
    Purpose.CANCEL: lambda order: (((TOLD, _told(order)),),),
    Purpose.PAYOUT_ACCOUNT: lambda _order: (
        tuple(_ACCOUNT.items()),
        tuple((_ACCOUNT | {"bank": "<b>BCA</b>", "number": "12 34-5.6"}).items()),
        tuple((_ACCOUNT | {"holder": "</dd><script>alert('holder')</script>"}).items()),
    ),
    Purpose.PAYOUT_DONE: lambda _order: ((),),
}


def _impossible_times(bookings: Bookings, order: Order) -> Sequence[Fields]:
    near = bookings.made_at + timedelta(days=5)
    never = (
        *_NO_TIMES,
        near.replace(tzinfo=None).isoformat(),
        near.isoformat().replace("+00:00", " Asia/Jakarta"),
        *written(bookings.made_at - timedelta(days=1)),
        *written(bookings.made_at + timedelta(days=20)),
        *written(order.session.starts_at),
    )
    return ((), *((("starts_at", each),) for each in never))


def _impossible_accounts(_bookings: Bookings, _order: Order) -> Sequence[Fields]:
    wrong: Sequence[tuple[str, Value]] = (
        *(("bank", each) for each in ("", "x", "\x00\x00\x00", "\u202e\u202e", "b" * 61)),
        *(("holder", each) for each in ("", "y", "\r\n", "\x85\x85 \x1f", "h" * 101)),
        *((name, each) for name in ("bank", "holder") for each in _UNSEEN),
        *((name, _OUT_OF_ITS_VALUE * 5) for name in _ACCOUNT),
        *(("number", each) for each in ("", "1234", "1" * 21, "12345\x00", "12345<b>")),
        *(("number", each) for each in ("\u0661\u0662\u0663\u0664\u0665\u0666", b"12345\xff")),
        *(("number", each) for each in ("ID12345", "0x12345", "1e5", "-" * 10, "12345;67890")),
    )
    return (
        (),
        *(tuple((name, v) for name, v in _ACCOUNT.items() if name != each) for each in _ACCOUNT),
        *(tuple({**_ACCOUNT, name: value}.items()) for name, value in wrong),
    )


# Fields that can never be.
IMPOSSIBLE: Mapping[Purpose, Callable[[Bookings, Order], Sequence[Fields]]] = {
    Purpose.MANAGE: lambda _bookings, _order: ((), (("done", "cancel"),)),
    Purpose.DECLINE: lambda _bookings, _order: (
        (("note", "x" * 501),),
        (("note", "</textarea><script>alert(1)</script>" + "<b>" * 200),),
        (("note", "\x00\x1b" + "ж" * 600),),
    ),
    Purpose.RESCHEDULE: _impossible_times,
    Purpose.CANCEL: lambda _bookings, order: (
        (),
        *(((TOLD, each),) for each in ("", "not_refunded", "REFUNDED", "true", "refunded ")),
        ((TOLD, "not_refunded"), (TOLD, _told(order))),
        (("TOLD", _told(order)),),
    ),
    Purpose.PAYOUT_ACCOUNT: _impossible_accounts,
}


def written(at: datetime) -> Sequence[str]:
    """Return the instant as it can be written."""
    jakarta = at.astimezone(timezone(timedelta(hours=7)))
    odd = at.astimezone(timezone(timedelta(hours=-12)))
    plain = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    return (
        at.isoformat(),
        f"{plain}Z",
        f"{plain.lower()}z",
        f"{plain}.000000Z",
        jakarta.isoformat(),
        odd.isoformat(),
    )


def multipart(fields: Mapping[str, str]) -> bytes:
    """Return the fields as a body of parts divided by ``x``, as no form of ours sends them."""
    parts = (
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return ("".join(parts) + "--x--\r\n").encode()
