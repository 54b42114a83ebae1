"""An order as a story: what has happened to it, what is still to come, and its reminders."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from shared.domain.order import Order, Status
from shared.domain.reminders import reminder_time

_COURSE = (Status.PENDING, Status.INVOICED, Status.PAID, Status.SCHEDULED, Status.COMPLETED)

_TITLES: Mapping[Status, str] = {
    Status.PENDING: "Accepted",
    Status.INVOICED: "Invoice ready",
    Status.PAID: "Paid",
    Status.SCHEDULED: "Scheduled",
    Status.COMPLETED: "Completed",
}
_MEANINGS: Mapping[Status, str] = {
    Status.PENDING: "The mentor's slot is held while the invoice is made.",
    Status.INVOICED: "The mentee can pay.",
    Status.PAID: "Xendit confirmed the payment; the meeting is being made.",
    Status.AWAITING_MENTOR: "Paid; the mentor has been asked whether they can.",
    Status.AWAITING_MENTEE: "Paid, but not possible then: another time, or the money back.",
    Status.SCHEDULED: "The calendar event and its Meet room exist.",
    Status.COMPLETED: "The session is over.",
    Status.REJECTED: "The order cannot be served.",
    Status.EXPIRED: "Nobody paid in time; the slot is free again.",
    Status.CANCELLED: "The order was called off.",
}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the story; ``at`` is None while it is still to come."""

    status: Status
    at: datetime | None = None
    reason: str | None = None

    @property
    def title(self) -> str:
        """The status in words."""
        return title(self.status)

    @property
    def meaning(self) -> str:
        """What that means for the people of the order."""
        return _MEANINGS.get(self.status, "")


class Reminder(msgspec.Struct, frozen=True, kw_only=True):
    """A reminder and what has become of it: ``next``, ``planned``, ``past`` or ``skipped``."""

    lead_minutes: int
    at: datetime
    state: str


def title(status: Status) -> str:
    """Return the status in words."""
    return _TITLES.get(status, status.replace("_", " ").capitalize())


def steps(order: Order) -> list[Step]:
    """Return the order's history, then what comes next if all goes well."""
    done = [Step(status=c.status, at=c.at, reason=c.reason) for c in order.history]
    if order.status not in _COURSE:
        return done
    coming = _COURSE[_COURSE.index(order.status) + 1 :]
    return done + [Step(status=status) for status in coming]


def reminders(order: Order) -> list[Reminder]:
    """Return the order's reminders, earliest first; none before there is a meeting."""
    if not order.was(Status.SCHEDULED):
        return []
    times = ((lead, reminder_time(order.session, lead)) for lead in order.reminder_leads)
    known = [Reminder(lead_minutes=lead, at=at, state=_state(order, at)) for lead, at in times]
    return sorted(known, key=lambda reminder: reminder.at)


def _state(order: Order, at: datetime) -> str:
    planned_at = next(c.at for c in order.history if c.status is Status.SCHEDULED)
    if at <= planned_at:
        return "skipped"
    if order.next_reminder_at is None or at < order.next_reminder_at:
        return "past"
    return "next" if at == order.next_reminder_at else "planned"
