"""One version of the deployed code: the real use cases on the simulated ports, and their doors."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.close_order.use_case import CloseOrder
from functions.create_invoice.use_case import CreateInvoice
from functions.create_meeting.use_case import CreateMeeting
from functions.keep_dead_letter.use_case import KeepDeadLetter
from functions.manage_booking.use_case import ManageBooking
from functions.payment_callback.refunds import HandleRefundCallback
from functions.payment_callback.use_case import HandleCallback
from functions.reconcile_orders.use_case import ReconcileOrders
from functions.refund_payment.use_case import RefundPayment
from functions.send_digest.use_case import SendDigest
from functions.send_notification.composer import Composer
from functions.send_notification.senders import ChatSender, MailSender, Pause
from functions.send_notification.use_case import Sender, SendNotification
from functions.send_reminder.use_case import SendReminders
from functions.track_delivery.use_case import TrackDelivery
from shared import messages
from shared.domain.events import (
    InvoicePaid,
    MessageUndelivered,
    OrderCancelled,
    OrderCreated,
    OrderRescheduled,
    RefundDue,
    SessionDeclined,
)
from shared.domain.notifications import TABLE, Channel
from shared.domain.order import Order
from shared.domain.people import Person
from shared.domain.schedule import Session
from shared.errors import PermanentError
from shared.links import Link, LinkSigner, Purpose
from shared.mail_once import MailOnce
from shared.messages import PushedMessage
from shared.ports import (
    AvailabilityStore,
    BusyCalendars,
    Clock,
    DeliveryStore,
    EventPublisher,
    InvoiceGateway,
    Mailer,
    MeetingScheduler,
    Messenger,
    OrderStore,
    RefundGateway,
    RejectedStore,
    Vault,
)
from shared.presentation.brand import Brand
from shared.presentation.rendering import Renderer

ADMIN = Person(id="admin", name="Admin", email="admin@nusantara.example", locale="en")
RENDERER = Renderer(Brand(name="Nusantara Mentoring", help_email="help@nusantara.example"))
SIGNER = LinkSigner(["a secret of this world's only"], "https://book.example")

# Picks one of the times that are offered; None to leave it.
Choose = Callable[[Sequence[Session]], datetime | None]


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What the use cases are built on."""

    orders: OrderStore
    deliveries: DeliveryStore
    availability: AvailabilityStore
    calendars: BusyCalendars
    invoices: InvoiceGateway
    refunds: RefundGateway
    meetings: MeetingScheduler
    mailer: Mailer
    messenger: Messenger
    events: EventPublisher
    rejected: RejectedStore
    vault: Vault
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What may differ between two deployments."""

    claim: timedelta
    leads: tuple[int, ...]
    polls: tuple[float, ...]
    answer_within: timedelta | None
    refund_until: timedelta
    move_until: timedelta
    whatsapp: bool


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The use cases of one deployment."""

    create_invoice: CreateInvoice
    handle_callback: HandleCallback
    handle_refund_callback: HandleRefundCallback
    create_meeting: CreateMeeting
    close_order: CloseOrder
    refund_payment: RefundPayment
    manage_booking: ManageBooking
    send_reminders: SendReminders
    reconcile_orders: ReconcileOrders
    send_notification: SendNotification
    send_digest: SendDigest
    track_delivery: TrackDelivery
    keep_dead_letter: KeepDeadLetter
    rejected: RejectedStore
    clock: Clock

    def receive(self, function: str, message: PushedMessage) -> None:
        """Handle a pushed message as the function's door does; raises what is not to be acked."""
        try:
            self._handle(function, message)
        except PermanentError as error:
            self.rejected.keep(
                messages.rejected(
                    f"{function}-{message.id}",
                    message.data,
                    source=function,
                    reason=str(error),
                    attributes=message.attributes,
                    at=self.clock.now(),
                )
            )

    def _handle(self, function: str, message: PushedMessage) -> None:
        match function:
            case "create_invoice":
                self.create_invoice(messages.decode(message, OrderCreated))
            case "create_meeting":
                self.create_meeting(messages.decode(message, InvoicePaid, OrderRescheduled))
            case "close_order":
                self.close_order(messages.decode(message, OrderCancelled, SessionDeclined))
            case "refund_payment":
                self.refund_payment(messages.decode(message, RefundDue))
            case "send_notification":
                self.send_notification(messages.decode(message, *TABLE, MessageUndelivered))
            case _:
                self.keep_dead_letter(message)

    def follow(self, purpose: Purpose, link: Link, choose: Choose) -> None:
        """Do what somebody asks for by a link, as the pages of manage_booking do."""
        booking = self.manage_booking
        order = booking.find(link.order_id)
        if order is None:
            return
        match purpose:
            case Purpose.ACCEPT:
                booking.accept(order, link)
            case Purpose.DECLINE:
                booking.decline(order, link, "I am travelling")
            case Purpose.CANCEL:
                booking.cancel(order, link)
            case Purpose.RESCHEDULE:
                self._move(order, link, choose)
            case Purpose.PAYOUT_ACCOUNT:
                booking.give_account(order, link, "BCA 0123456789")
            case Purpose.PAYOUT_DONE:
                booking.note_paid_out(order, link)

    def _move(self, order: Order, link: Link, choose: Choose) -> None:
        chosen = choose(self.manage_booking.other_times(order))
        if chosen is not None:
            self.manage_booking.reschedule(order, link, chosen)


Deploy = Callable[[Ports, Settings], Steps]


def deploy(ports: Ports, settings: Settings) -> Steps:
    """Build the use cases as they are in production."""
    orders, events, clock = ports.orders, ports.events, ports.clock
    return Steps(
        create_invoice=CreateInvoice(
            orders=orders,
            availability=ports.availability,
            calendars=ports.calendars,
            invoices=ports.invoices,
            events=events,
            clock=clock,
            claim=settings.claim,
        ),
        handle_callback=HandleCallback(
            orders=orders, invoices=ports.invoices, events=events, clock=clock
        ),
        handle_refund_callback=HandleRefundCallback(
            orders=orders,
            invoices=ports.invoices,
            refunds=ports.refunds,
            events=events,
            clock=clock,
        ),
        create_meeting=CreateMeeting(
            orders=orders,
            meetings=ports.meetings,
            events=events,
            clock=clock,
            leads=settings.leads,
            polls=settings.polls,
            answer_within=settings.answer_within,
        ),
        close_order=CloseOrder(
            orders=orders,
            invoices=ports.invoices,
            meetings=ports.meetings,
            events=events,
            clock=clock,
        ),
        refund_payment=RefundPayment(
            orders=orders, refunds=ports.refunds, events=events, clock=clock
        ),
        manage_booking=ManageBooking(
            orders=orders,
            availability=ports.availability,
            calendars=ports.calendars,
            events=events,
            vault=ports.vault,
            clock=clock,
            refund_until=settings.refund_until,
            move_until=settings.move_until,
        ),
        send_reminders=SendReminders(orders=orders, events=events),
        reconcile_orders=ReconcileOrders(
            orders=orders,
            deliveries=ports.deliveries,
            invoices=ports.invoices,
            refunds=ports.refunds,
            meetings=ports.meetings,
            events=events,
            clock=clock,
        ),
        send_notification=_send_notification(ports, settings),
        send_digest=SendDigest(
            orders=orders,
            deliveries=ports.deliveries,
            once=MailOnce(ports.deliveries, ports.mailer, clock, settings.claim),
            renderer=RENDERER,
            admin=ADMIN,
        ),
        track_delivery=TrackDelivery(deliveries=ports.deliveries, events=events),
        keep_dead_letter=KeepDeadLetter(
            rejected=ports.rejected, orders=orders, events=events, clock=clock
        ),
        rejected=ports.rejected,
        clock=clock,
    )


def _send_notification(ports: Ports, settings: Settings) -> SendNotification:
    composer = Composer(renderer=RENDERER, signer=SIGNER, admin=ADMIN)
    stores, clock, claim = ports.deliveries, ports.clock, settings.claim
    once = MailOnce(stores, ports.mailer, clock, claim)
    senders: Mapping[Channel, Sender] = {Channel.EMAIL: MailSender(once, composer, clock, Pause())}
    if settings.whatsapp:
        chat = ChatSender(stores, ports.messenger, composer, clock, claim, Pause())
        senders = {**senders, Channel.WHATSAPP: chat}
    return SendNotification(
        orders=ports.orders,
        deliveries=stores,
        events=ports.events,
        composer=composer,
        senders=senders,
        clock=clock,
    )
