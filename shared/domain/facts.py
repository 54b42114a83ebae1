"""The facts that follow from how an order stands, so that a lost publish can be said again."""

from shared.domain.events import (
    AttentionRaised,
    Event,
    InvoiceCreated,
    InvoiceExpired,
    InvoicePaid,
    MeetingScheduled,
    MentorAsked,
    OrderCancelled,
    OrderCreated,
    OrderRejected,
    OrderRescheduled,
    RefundDue,
    RefundUpdated,
    SessionDeclined,
)
from shared.domain.order import MoneyBack, MoneyBackState, Order, Status

# Still a fact when the meeting exists: the mentee may not have heard of it yet.
_PAID = frozenset({Status.PAID, Status.AWAITING_MENTOR, Status.SCHEDULED})


def facts(order: Order, *kinds: type[Event]) -> tuple[Event, ...]:
    """Return what can be said of the order now, of the kinds that the calling step publishes."""
    said = (
        _payment_fact(order),
        _status_fact(order),
        _move_fact(order),
        *(_refund_fact(order, refund) for refund in order.refunds),
        *_attention_facts(order),
    )
    return tuple(fact for fact in said if isinstance(fact, kinds))


def request_of(order: Order) -> OrderCreated:
    """Return the event that the order came from, as a redelivery of it would be."""
    return OrderCreated(
        order_id=order.id,
        created_at=order.history[0].at,
        subject=order.subject,
        mentee=order.mentee,
        mentor=order.mentor,
        session=order.session,
        price=order.price,
    )


def _payment_fact(order: Order) -> Event | None:
    if order.payment is None or order.status not in _PAID:
        return None
    return InvoicePaid(
        order_id=order.id,
        invoice_id=order.payment.invoice_id,
        paid_at=order.payment.paid_at,
        price=order.price,
    )


def _status_fact(order: Order) -> Event | None:
    match order:
        case Order(status=Status.REJECTED):
            return OrderRejected(order_id=order.id, reason=order.reason or "")
        case Order(status=Status.INVOICED, invoice=invoice) if invoice:
            return InvoiceCreated(
                order_id=order.id,
                invoice_id=invoice.id,
                invoice_url=invoice.url,
                expires_at=invoice.expires_at,
                price=order.price,
            )
        case Order(status=Status.EXPIRED, invoice=invoice) if invoice:
            return InvoiceExpired(order_id=order.id, invoice_id=invoice.id)
        case Order(status=Status.SCHEDULED, meeting=meeting) if meeting:
            return MeetingScheduled(
                order_id=order.id,
                event_id=meeting.event_id,
                meet_url=meeting.meet_url,
                session=order.session,
            )
        case Order(status=Status.AWAITING_MENTOR, confirmation=asked) if asked:
            return MentorAsked(
                order_id=order.id,
                answer_by=asked.answer_by,
                session=order.session,
                revision=order.revision,
            )
        case Order(status=Status.AWAITING_MENTEE):
            return SessionDeclined(
                order_id=order.id, reason=order.reason or "", revision=order.revision
            )
        case Order(status=Status.CANCELLED, cancellation=ended) if ended:
            return OrderCancelled(order_id=order.id, by=ended.by, refund=ended.refund)
        case _:
            return None


def _move_fact(order: Order) -> Event | None:
    meeting = order.meeting
    if order.status is not Status.SCHEDULED or meeting is None:
        return None
    if order.moves == meeting.scheduled_moves:
        return None
    return OrderRescheduled(order_id=order.id, session=order.session, moves=order.moves)


def _refund_fact(order: Order, refund: MoneyBack) -> Event:
    if refund.state is MoneyBackState.DUE:
        return RefundDue(order_id=order.id, invoice_id=refund.invoice_id, amount=refund.amount)
    return RefundUpdated(order_id=order.id, invoice_id=refund.invoice_id, state=refund.state)


def _attention_facts(order: Order) -> tuple[Event, ...]:
    return tuple(
        AttentionRaised(order_id=order.id, reason=attention.reason, since=attention.since)
        for attention in order.attention
    )
