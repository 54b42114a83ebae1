"""Which functions there are, and what calls each of them."""

from dataclasses import dataclass

from shared.domain.events import InvoicePaid, OrderCreated
from shared.domain.notifications import TABLE

# A subscription's dead letters go to the topic of its name with this after it.
DEAD_LETTER_SUFFIX = "-dlq"


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function: pushed to by topics, called by a cron schedule, or by the outside."""

    name: str
    topics: tuple[str, ...] = ()
    schedule: str | None = None

    def subscriptions(self) -> dict[str, str]:
        """Return the name of each of its subscriptions and the topic that it is on."""
        return {f"{self.name}--{topic}": topic for topic in self.topics}


_STEPS = (
    Function("create_invoice", topics=(OrderCreated.topic,)),
    Function("payment_callback"),
    Function("create_meeting", topics=(InvoicePaid.topic,)),
    Function("send_reminder", schedule="* * * * *"),
    Function("reconcile_orders", schedule="* * * * *"),
    Function("send_notification", topics=tuple(event.topic for event in TABLE)),
)
FUNCTIONS = (
    *_STEPS,
    Function(
        "keep_dead_letter",
        topics=tuple(
            f"{name}{DEAD_LETTER_SUFFIX}" for step in _STEPS for name in step.subscriptions()
        ),
    ),
)
