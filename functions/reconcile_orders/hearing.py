"""What of an order has been heard: the facts whose consequences have come about, and the others."""

from datetime import datetime

import msgspec

from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoiceExpired,
    InvoicePaid,
    MeetingScheduled,
    MentorAsked,
    OrderCancelled,
    OrderRejected,
    OrderRescheduled,
    RefundDue,
    RefundUpdated,
    SessionDeclined,
)
from shared.domain.facts import facts, request_of
from shared.domain.meetings import calendar_is_behind
from shared.domain.notifications import CALENDAR_KINDS, Channel, Notification, notifications_for
from shared.domain.order import Order, Status
from shared.ports import DeliveryStore

PUBLISHES = (
    OrderRejected,
    InvoiceCreated,
    InvoicePaid,
    InvoiceExpired,
    MentorAsked,
    SessionDeclined,
    MeetingScheduled,
    OrderRescheduled,
    OrderCancelled,
    RefundDue,
    RefundUpdated,
    AttentionRaised,
)


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """The facts that are to be said again, and the names of the messages that are out for good."""

    not_yet: tuple[Event, ...] = ()
    told: tuple[str, ...] = ()


def hearing_of(order: Order, deliveries: DeliveryStore, now: datetime) -> Hearing:
    """Return how far an order's facts have come. What ``order.told`` names is not read."""
    if order.status is Status.PENDING:
        free = order.claimed_until is None or order.claimed_until <= now
        return Hearing(not_yet=(request_of(order),) if free else ())
    not_yet: list[Event] = []
    told: set[str] = set()
    for fact in facts(order, *PUBLISHES):
        if _has_work_left(fact, order, now):
            not_yet.append(fact)
            continue
        wanted = notifications_for(fact, order)
        mailed = {n.name for n in wanted if n.name in order.told or _is_mailed(n, deliveries)}
        told |= mailed
        if not all(n.name in mailed or _is_on_phone(n, deliveries) for n in wanted):
            not_yet.append(fact)
    return Hearing(not_yet=tuple(not_yet), told=tuple(sorted(told)))


def _is_mailed(notification: Notification, deliveries: DeliveryStore) -> bool:
    mail = deliveries.get(notification.key)
    return mail is not None and mail.settled


def _is_on_phone(notification: Notification, deliveries: DeliveryStore) -> bool:
    """Whether WhatsApp took it, which may still say that it did not arrive: so never for good."""
    if notification.kind in CALENDAR_KINDS:
        return False
    chat = deliveries.get(notification.over(Channel.WHATSAPP).key)
    return chat is not None and chat.arrived


def _has_work_left(fact: Event, order: Order, now: datetime) -> bool:
    """Whether the step that this fact is for has not been done, as the order shows."""
    match fact:
        case InvoicePaid():
            return order.status is Status.PAID
        case RefundDue():
            return True
        case OrderRescheduled():
            return calendar_is_behind(order, now)
        case OrderCancelled() | SessionDeclined():
            return bool(order.obsolete_events)
        case _:
            return False
