"""Which functions there are, what calls each of them, and what each says."""

from dataclasses import dataclass

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
from shared.domain.notifications import TABLE

# A subscription's dead letters go to the topic of its name with this after it.
DEAD_LETTER_SUFFIX = "-dlq"


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function: pushed to by topics, called by a cron schedule, or by the outside.

    ``says`` are the events that it publishes.
    """

    name: str
    topics: tuple[str, ...] = ()
    schedule: str | None = None
    says: tuple[type[Event], ...] = ()

    def subscriptions(self) -> dict[str, str]:
        """Return the name of each of its subscriptions and the topic that it is on."""
        return {f"{self.name}--{topic}": topic for topic in self.topics}

    def dead_lettered(self) -> tuple[str, ...]:
        """Return the subscriptions that give up: all but those on dead letters."""
        names = self.subscriptions().items()
        return tuple(name for name, topic in names if not topic.endswith(DEAD_LETTER_SUFFIX))


_STEPS = (
    Function(
        "create_invoice",
        topics=(OrderCreated.topic,),
        says=(InvoiceCreated, OrderRejected, RefundDue, AttentionRaised),
    ),
    Function(
        "payment_callback",
        says=(
            InvoicePaid,
            InvoiceExpired,
            SessionDeclined,
            RefundDue,
            RefundUpdated,
            AttentionRaised,
        ),
    ),
    Function(
        "create_meeting",
        topics=(InvoicePaid.topic, OrderRescheduled.topic),
        says=(MeetingScheduled, MentorAsked, OrderCancelled, AttentionRaised),
    ),
    Function(
        "manage_booking",
        says=(
            InvoicePaid,
            MentorAsked,
            SessionDeclined,
            OrderRescheduled,
            OrderCancelled,
            RefundDue,
            RefundUpdated,
            AttentionRaised,
        ),
    ),
    Function(
        "close_order",
        topics=(OrderCancelled.topic, SessionDeclined.topic),
        says=(RefundDue,),
    ),
    Function("refund_payment", topics=(RefundDue.topic,), says=(RefundUpdated, AttentionRaised)),
    Function("send_reminder", schedule="* * * * *", says=(ReminderDue,)),
    Function(
        "reconcile_orders",
        schedule="* * * * *",
        says=(
            OrderCreated,
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
        ),
    ),
    Function(
        "send_notification",
        topics=(*(event.topic for event in TABLE), MessageUndelivered.topic),
        says=(AttentionRaised,),
    ),
    Function("track_delivery", says=(MessageUndelivered,)),
    # At seven in the morning in Jakarta; the schedules are in UTC.
    Function("send_digest", schedule="0 0 * * *"),
)
FUNCTIONS = (
    *_STEPS,
    Function(
        "keep_dead_letter",
        topics=tuple(
            f"{name}{DEAD_LETTER_SUFFIX}" for step in _STEPS for name in step.subscriptions()
        ),
        says=(AttentionRaised,),
    ),
)
