"""What events look like in general: everything that the types allow, and nothing else."""

from datetime import UTC, datetime, timedelta, timezone
from string import ascii_letters, digits
from typing import get_args

from hypothesis import strategies as st

from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoiceExpired,
    InvoicePaid,
    MeetingScheduled,
    MentorAsked,
    MessageUndelivered,
    OrderCancelled,
    OrderCreated,
    OrderRejected,
    OrderRescheduled,
    RefundDue,
    RefundUpdated,
    ReminderDue,
    SessionDeclined,
)
from shared.domain.money import MAX_AMOUNT, Money
from shared.domain.people import Locale, Person
from shared.domain.schedule import MAX_DURATION_MINUTES, Session

TIME_ZONES = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura", "America/New_York", "UTC")

identifiers = st.builds(
    str.__add__,
    st.sampled_from(ascii_letters + digits),
    st.text(ascii_letters + digits + "._-", max_size=99),
)
lines = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=200
).filter(str.strip)
emails = st.builds("{}@{}".format, identifiers, st.sampled_from(("example.com", "kampus.ac.id")))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(
    min_value=datetime(2000, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=offsets,
)
durations = st.integers(1, MAX_DURATION_MINUTES)
sessions = st.builds(Session, starts_at=instants, duration_minutes=durations)
prices = st.builds(Money, amount=st.integers(1, MAX_AMOUNT), currency=st.just("IDR"))
people = st.builds(
    Person,
    id=identifiers,
    name=lines,
    email=emails,
    phone=st.none() | st.from_regex(r"\A\+[1-9][0-9]{6,14}\Z"),
    locale=st.sampled_from(get_args(Locale)),
    time_zone=st.sampled_from(TIME_ZONES),
)
orders_created = st.builds(
    OrderCreated,
    order_id=identifiers,
    created_at=instants,
    subject=lines,
    mentee=people,
    mentor=people,
    session=sessions,
    price=prices,
)
counts = st.integers(0, 10**6)
# The ids, links and reasons in our own events come from vendors and from our code.
events: st.SearchStrategy[Event] = st.one_of(
    orders_created,
    st.builds(OrderRejected, order_id=identifiers, reason=lines),
    st.builds(
        InvoiceCreated,
        order_id=identifiers,
        invoice_id=lines,
        invoice_url=lines,
        expires_at=instants,
        price=prices,
    ),
    st.builds(InvoicePaid, order_id=identifiers, invoice_id=lines, paid_at=instants, price=prices),
    st.builds(InvoiceExpired, order_id=identifiers, invoice_id=lines),
    st.builds(
        MeetingScheduled, order_id=identifiers, event_id=lines, meet_url=lines, session=sessions
    ),
    st.builds(
        ReminderDue,
        order_id=identifiers,
        lead_minutes=st.integers(0, 99_999),
        session=sessions,
        about=st.sampled_from(("session", "payment", "answer")),
    ),
    st.builds(
        MentorAsked,
        order_id=identifiers,
        answer_by=instants,
        session=sessions,
        revision=counts,
    ),
    st.builds(SessionDeclined, order_id=identifiers, reason=lines, revision=counts),
    st.builds(OrderRescheduled, order_id=identifiers, session=sessions, moves=counts),
    st.builds(OrderCancelled, order_id=identifiers, by=lines, refund=st.booleans()),
    st.builds(RefundDue, order_id=identifiers, invoice_id=lines, amount=counts),
    st.builds(RefundUpdated, order_id=identifiers, invoice_id=lines, state=lines),
    st.builds(MessageUndelivered, order_id=identifiers, key=lines),
    st.builds(AttentionRaised, order_id=identifiers, reason=lines, since=instants),
)


def sessions_within(day: datetime, hours: int) -> st.SearchStrategy[Session]:
    """Return sessions that start in the hours after ``day``, so close that many overlap."""
    starts = st.integers(0, hours * 60).map(lambda minutes: day + timedelta(minutes=minutes))
    return st.builds(Session, starts_at=starts, duration_minutes=durations)


EVENING = datetime(2026, 12, 1, 18, tzinfo=UTC)
