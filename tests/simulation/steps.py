"""One version of the deployed code: the real use cases on the simulated ports, and their doors."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from functions.create_invoice.use_case import CreateInvoice
from functions.create_meeting.use_case import CreateMeeting
from functions.keep_dead_letter.use_case import KeepDeadLetter
from functions.payment_callback.use_case import HandleCallback
from functions.reconcile_orders.use_case import ReconcileOrders
from functions.send_notification.use_case import SendNotification
from functions.send_reminder.use_case import SendReminders
from shared import messages
from shared.domain.events import InvoicePaid, OrderCreated
from shared.domain.notifications import TABLE
from shared.domain.people import Person
from shared.errors import PermanentError
from shared.messages import PushedMessage
from shared.ports import (
    Clock,
    DeliveryStore,
    EventPublisher,
    InvoiceGateway,
    Mailer,
    MeetingScheduler,
    OrderStore,
    RejectedStore,
)
from shared.presentation.brand import Brand
from shared.presentation.rendering import Renderer

ADMIN = Person(id="admin", name="Admin", email="admin@nusantara.example", locale="en")
RENDERER = Renderer(Brand(name="Nusantara Mentoring", help_email="help@nusantara.example"))


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What the use cases are built on."""

    orders: OrderStore
    deliveries: DeliveryStore
    invoices: InvoiceGateway
    meetings: MeetingScheduler
    mailer: Mailer
    events: EventPublisher
    rejected: RejectedStore
    clock: Clock


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What may differ between two deployments."""

    claim: timedelta
    leads: tuple[int, ...]
    polls: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The use cases of one deployment."""

    create_invoice: CreateInvoice
    handle_callback: HandleCallback
    create_meeting: CreateMeeting
    send_reminders: SendReminders
    reconcile_orders: ReconcileOrders
    send_notification: SendNotification
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
        if function == "create_invoice":
            self.create_invoice(messages.decode(message, OrderCreated))
        elif function == "create_meeting":
            self.create_meeting(messages.decode(message, InvoicePaid))
        elif function == "send_notification":
            self.send_notification(messages.decode(message, *TABLE))
        else:
            self.keep_dead_letter(message)


Deploy = Callable[[Ports, Settings], Steps]


def deploy(ports: Ports, settings: Settings) -> Steps:
    """Build the use cases as they are in production."""
    orders, events, clock = ports.orders, ports.events, ports.clock
    return Steps(
        create_invoice=CreateInvoice(
            orders=orders,
            invoices=ports.invoices,
            events=events,
            clock=clock,
            claim=settings.claim,
        ),
        handle_callback=HandleCallback(
            orders=orders, invoices=ports.invoices, events=events, clock=clock
        ),
        create_meeting=CreateMeeting(
            orders=orders,
            meetings=ports.meetings,
            events=events,
            clock=clock,
            leads=settings.leads,
            polls=settings.polls,
        ),
        send_reminders=SendReminders(orders=orders, events=events),
        reconcile_orders=ReconcileOrders(
            orders=orders,
            deliveries=ports.deliveries,
            invoices=ports.invoices,
            meetings=ports.meetings,
            events=events,
            clock=clock,
        ),
        send_notification=SendNotification(
            orders=orders,
            deliveries=ports.deliveries,
            mailer=ports.mailer,
            events=events,
            renderer=RENDERER,
            admin=ADMIN,
            clock=clock,
            claim=settings.claim,
        ),
        keep_dead_letter=KeepDeadLetter(
            rejected=ports.rejected, orders=orders, events=events, clock=clock
        ),
        rejected=ports.rejected,
        clock=clock,
    )
