"""What goes into a message beside the order: links, and details that only its cause tells."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from shared.domain.confirmation import choose_by
from shared.domain.meetings import event_id
from shared.domain.notifications import (
    Kind,
    Mail,
    Notification,
    Recipient,
    TemplateMessage,
    reader_of,
)
from shared.domain.order import Order
from shared.domain.people import Person
from shared.links import LOOK_UP_FOR, Link, LinkSigner, Purpose
from shared.presentation.facts import Links
from shared.presentation.rendering import Renderer
from shared.presentation.whatsapp import template_message

# A payout may take its time.
_PAYOUT_WITHIN = timedelta(days=90)
_ABOUT_REFUNDS = frozenset(
    {
        Kind.REFUND_STARTED,
        Kind.REFUND_DONE,
        Kind.REFUND_FAILED,
        Kind.PAYOUT_ACCOUNT_WANTED,
        Kind.PAYOUT_TASK,
    }
)


class Composer(msgspec.Struct, frozen=True):
    """Writes a notification as a mail or as a WhatsApp message."""

    renderer: Renderer
    signer: LinkSigner
    admin: Person

    def reader(self, notification: Notification, order: Order) -> Person:
        """Return whom the notification is for."""
        return reader_of(notification.recipient, order, self.admin)

    def mail(self, notification: Notification, order: Order, now: datetime) -> Mail:
        """Return the message as a mail. Raises PermanentError as Renderer.render does."""
        return self.renderer.render(
            notification,
            order,
            self.reader(notification, order),
            now,
            self._links(notification, order, now),
            details=self._details(notification, order),
            sequence=order.revision,
        )

    def chat(self, notification: Notification, order: Order, now: datetime) -> TemplateMessage:
        """Return the message for WhatsApp. Raises PermanentError where there is no template."""
        return template_message(
            notification,
            order,
            self.reader(notification, order),
            now,
            self._links(notification, order, now),
            details=self._details(notification, order),
        )

    def _links(self, notification: Notification, order: Order, now: datetime) -> Links:
        over = order.session.ends_at
        begun = order.session.starts_at
        payout = now + _PAYOUT_WITHIN

        def url(purpose: Purpose, until: datetime, invoice_id: str = "") -> str:
            link = Link(
                order_id=order.id,
                recipient=notification.recipient,
                revision=order.revision,
                expires_at=int(until.timestamp()),
                invoice_id=invoice_id,
            )
            return self.signer.url(purpose, link)

        manage = url(Purpose.MANAGE, max(over, now) + LOOK_UP_FOR)
        match notification.kind:
            case Kind.CONFIRMATION_WANTED | Kind.CONFIRMATION_REMINDER:
                return Links(
                    manage=manage,
                    accept=url(Purpose.ACCEPT, begun),
                    decline=url(Purpose.DECLINE, begun),
                )
            case Kind.SESSION_DECLINED:
                until = choose_by(order)
                return Links(
                    manage=manage,
                    choose_time=url(Purpose.RESCHEDULE, until),
                    refund=url(Purpose.CANCEL, until),
                )
            case Kind.PAYOUT_ACCOUNT_WANTED | Kind.REFUND_FAILED:
                invoice_id = notification.detail or ""
                return Links(
                    manage=manage, payout_account=url(Purpose.PAYOUT_ACCOUNT, payout, invoice_id)
                )
            case Kind.PAYOUT_TASK:
                invoice_id = notification.detail or ""
                return Links(payout_done=url(Purpose.PAYOUT_DONE, payout, invoice_id))
            case _:
                return Links(manage=manage)

    def _details(self, notification: Notification, order: Order) -> Mapping[str, str]:
        match notification.kind:
            case Kind.CONFIRMATION_WANTED | Kind.CONFIRMATION_REMINDER if order.confirmation:
                return {"answer_by": _written(order.confirmation.answer_by)}
            case Kind.SESSION_DECLINED:
                return {
                    "reason": order.reason or "",
                    "words": order.decline_note or "",
                    "choose_by": _written(choose_by(order)),
                    "event_id": _event_before(order),
                }
            case Kind.SESSION_MOVED if order.moved_from:
                return {"by": Recipient.MENTEE, "old_start": _written(order.moved_from)}
            case Kind.ORDER_CANCELLED if order.cancellation:
                return {
                    "by": order.cancellation.by,
                    "refund": "yes" if order.cancellation.refund else "no",
                }
            case kind if kind in _ABOUT_REFUNDS:
                refund = order.refund_of(notification.detail or "")
                return {"refund_amount": str(refund.amount)} if refund else {}
            case _:
                return {}


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _event_before(order: Order) -> str:
    """Return the id of the event that a session had before it was declined, or nothing."""
    if order.event_generation == 0:
        return ""
    return event_id(msgspec.structs.replace(order, event_generation=order.event_generation - 1))
