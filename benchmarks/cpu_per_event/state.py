"""What a floor does where state and messages live, in the words of the ports; two backends do it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal, Protocol

from shared.domain.deliveries import Delivery
from shared.domain.events import Event
from shared.domain.order import Order
from shared.domain.schedule import DayKey, MentorDay
from shared.ports import RejectedMessage

# Something that has been made ready; only running it is measured.
Call = Callable[[], object]
Timer = Literal["next_reminder_at", "check_at"]


class State(Protocol):
    """Makes calls ready: each reads or writes, and does nothing with what it has read."""

    def read_order(self, order: Order) -> Call:
        """Read an order."""

    def read_availability(self, order: Order) -> Call:
        """Read when the order's mentor takes sessions."""

    def change(
        self,
        order: Order,
        days: Sequence[DayKey] = (),
        put: Sequence[MentorDay] = (),
        *,
        known: bool = False,
    ) -> Call:
        """Read the order and days, write the order and some of the days, as one transaction.

        ``known``: all of it has just been read or written, so Firestore need not read it again.
        """

    def due(self, timer: Timer, now: datetime) -> Call:
        """Read a page of what is due."""

    def changed_since(self, since: datetime) -> Call:
        """Read what has changed since, as the mail of a day does."""

    def waiting_for_admin(self) -> Call:
        """Read what waits for the admin, as the mail of a day does."""

    def read_delivery(self, key: str) -> Call:
        """Read the record of a message."""

    def put_delivery(self, delivery: Delivery, *, known: bool = True) -> Call:
        """Read and write the record of a message, as one transaction; ``known`` is as above."""

    def keep(self, message: RejectedMessage) -> Call:
        """Write a message that could not be handled."""

    def publish(self, events: Sequence[Event], at: datetime) -> Call:
        """Publish events, each on a topic of its own, and wait until that is done."""
