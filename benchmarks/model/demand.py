"""What one order asks of everything, step by step, counted from the steps' own code."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import exp
from statistics import NormalDist

import msgspec

from benchmarks.model.parameters import OrderHabits
from local.demo.plan import Story, make_plan
from shared.domain.order import Order, OrderInvoice, Status, order_from
from shared.domain.placement import INVOICE_LIFETIME
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from shared.domain.schedule import Session
from shared.domain.timers import next_check

READ, COMMIT, PUBLISH = "firestore_read", "firestore_commit", "publish"
# Each mail: look whether it is out, draft it, claim it, send it, record it.
_MAIL = (READ, "gmail_draft", READ, COMMIT, "gmail_send", READ, COMMIT)
_NOW = datetime(2026, 11, 24, tzinfo=UTC)
_QUANTILES = 199
# Documents besides the one that each read and commit is about: the mentor's day.
_DAY_OF_MENTOR = 1


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of request: its function, its calls in turn, the kinds that follow from it.

    ``reads`` and ``writes`` are documents, ``order_writes`` those of the collection ``orders``.
    """

    function: str
    calls: tuple[str, ...]
    order_writes: int = 0
    more_documents: int = 0
    mails: int = 0
    leads_to: tuple[str, ...] = ()

    @property
    def reads(self) -> int:
        """Documents read."""
        return self.calls.count(READ) + self.more_documents

    @property
    def writes(self) -> int:
        """Documents written."""
        written = self.more_documents if self.function == "create_invoice" else 0
        return self.calls.count(COMMIT) + written


def _telling(mails: int) -> Kind:
    return Kind(function="send_notification", calls=(READ, *_MAIL * mails), mails=mails)


KINDS: Mapping[str, Kind] = {
    "create_invoice": Kind(
        function="create_invoice",
        calls=(READ, COMMIT, "xendit_create", READ, COMMIT, PUBLISH),
        order_writes=2,
        more_documents=_DAY_OF_MENTOR,
        leads_to=("tell_invoice",),
    ),
    "tell_invoice": _telling(1),
    "payment_callback": Kind(
        function="payment_callback",
        calls=(READ, "xendit_get", READ, COMMIT, PUBLISH),
        order_writes=1,
        more_documents=_DAY_OF_MENTOR,
        leads_to=("create_meeting", "tell_payment"),
    ),
    "tell_payment": _telling(1),
    "create_meeting": Kind(
        function="create_meeting",
        calls=(READ, "calendar_insert", "room", READ, COMMIT, PUBLISH),
        order_writes=1,
        leads_to=("tell_meeting",),
    ),
    "tell_meeting": _telling(2),
    "tell_reminder": _telling(2),
}
# What a tick does for each order that is due, one after the other.
REMIND = Kind(function="send_reminder", calls=(READ, READ, COMMIT), order_writes=1)
LOOK_XENDIT = Kind(
    function="reconcile_orders",
    calls=(READ, "xendit_find", READ, READ, READ, COMMIT),
    order_writes=1,
    more_documents=_DAY_OF_MENTOR,
)
LOOK_CALENDAR = Kind(
    function="reconcile_orders",
    calls=(READ, "calendar_get", READ, READ, READ, READ, COMMIT),
    order_writes=1,
)


TICKED: Mapping[str, Kind] = {
    "remind": REMIND,
    "look_xendit": LOOK_XENDIT,
    "look_calendar": LOOK_CALENDAR,
}
ALL_KINDS: Mapping[str, Kind] = {**KINDS, **TICKED}


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What one accepted order asks on average.

    ``requests``: of each kind. ``looks``: in ticks, by what is done. ``calls``: to each place.
    """

    requests: dict[str, float]
    looks: dict[str, float]
    calls: dict[str, float]
    reads: float
    writes: float
    order_writes: float
    messages: float
    mails: float


def demand(habits: OrderHabits, *, looked_after: bool = True) -> Demand:
    """Return what one order asks, whether it is paid or not; with what reconciling it asks."""
    requests = {"create_invoice": 1.0, "tell_invoice": 1.0}
    paid = ("payment_callback", "tell_payment", "create_meeting", "tell_meeting")
    requests |= dict.fromkeys(paid, habits.paid_share)
    requests["tell_reminder"] = habits.paid_share * len(DEFAULT_LEAD_MINUTES)
    looks = {"remind": requests["tell_reminder"]}
    if looked_after:
        looks["look_xendit"] = _looks_at_xendit(habits)
        looks["look_calendar"] = habits.paid_share * _looks_at_calendar(habits)
    return _total(requests, looks)


def _total(requests: dict[str, float], looks: dict[str, float]) -> Demand:
    done = [(ALL_KINDS[name], times) for name, times in (requests | looks).items()]
    calls: defaultdict[str, float] = defaultdict(float)
    for kind, times in done:
        for call in kind.calls:
            calls[call] += times
    return Demand(
        requests=requests,
        looks=looks,
        calls=dict(calls),
        reads=sum(kind.reads * times for kind, times in done),
        writes=sum(kind.writes * times for kind, times in done),
        order_writes=sum(kind.order_writes * times for kind, times in done),
        # Each request but Xendit's webhook is a message; a reminder's is said by the tick.
        messages=sum(n for name, n in requests.items() if name != "payment_callback"),
        mails=sum(kind.mails * times for kind, times in done),
    )


def _looks_at_xendit(habits: OrderHabits) -> float:
    """Return how often an order's invoice is asked about: until it is paid, or for good."""
    invoiced = _order(Status.INVOICED)
    paid = [looks(invoiced, _NOW + delay) for delay in _payment_delays(habits)]
    expired = _order(Status.EXPIRED)
    unpaid = looks(invoiced, _NOW + INVOICE_LIFETIME) + looks(expired, _NOW + timedelta(days=30))
    return habits.paid_share * sum(paid) / len(paid) + (1 - habits.paid_share) * unpaid


def _looks_at_calendar(habits: OrderHabits) -> int:
    """Return how often a scheduled order is looked at, until its session is over."""
    session = Session(starts_at=_NOW + timedelta(days=habits.notice_days), duration_minutes=60)
    order = msgspec.structs.replace(_order(Status.SCHEDULED), session=session)
    return looks(order, session.ends_at + timedelta(minutes=1))


def looks(order: Order, until: datetime) -> int:
    """Return how often the order's timer goes off before ``until``, by the order's own rules."""
    at, count = order.check_at, 0
    while at is not None and at < until:
        count += 1
        at = next_check(order, at)
    return count


def _payment_delays(habits: OrderHabits) -> list[timedelta]:
    """Return times until payment, one for each of equally likely parts, within a day."""
    normal = NormalDist(0, habits.pay_sigma)
    parts = (normal.inv_cdf((n + 0.5) / _QUANTILES) for n in range(_QUANTILES))
    seconds = (habits.pay_median_s * exp(part) for part in parts)
    return [min(timedelta(seconds=s), INVOICE_LIFETIME) for s in seconds]


def _order(status: Status) -> Order:
    planned = make_plan(1, _NOW, 0, [Story.BANK]).orders[0]
    order = order_from(planned.event, _NOW)
    invoice = OrderInvoice(id="i", url="u", expires_at=_NOW + INVOICE_LIFETIME)
    for step in (Status.INVOICED, Status.PAID, Status.SCHEDULED):
        if status is Status.EXPIRED and step is Status.PAID:
            return order.moved_to(Status.EXPIRED, _NOW)
        order = order.moved_to(step, _NOW)
        order = msgspec.structs.replace(order, invoice=invoice)
        if step is status:
            break
    return order
