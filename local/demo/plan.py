"""The sample orders of a demo: varied people, channels and ends, and the same for the same seed."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.domain.events import OrderCreated
from shared.domain.money import Money
from shared.domain.order import MoneyBackState, Order, Status
from shared.domain.people import Locale, Person
from shared.domain.reminders import DEFAULT_LEAD_MINUTES, reminder_time
from shared.domain.schedule import Session


class Story(StrEnum):
    """What the mentee of a sample order does."""

    BANK = "bank transfer"
    QRIS = "QRIS"
    WALLET = "wallet"
    CARD = "card"
    EXPIRES = "never pays"
    TAKEN = "taken slot"
    DECLINED = "declined, moved"
    CANCELS = "cancels, refund"
    PAID_OUT = "cancels, payout"


# Payment method and channel at the checkout.
CHANNELS: dict[Story, tuple[str, str]] = {
    Story.BANK: ("BANK_TRANSFER", "BCA"),
    Story.QRIS: ("QR_CODE", "QRIS"),
    Story.WALLET: ("EWALLET", "OVO"),
    Story.CARD: ("CREDIT_CARD", "CREDIT_CARD"),
    Story.DECLINED: ("QR_CODE", "QRIS"),
    Story.CANCELS: ("CREDIT_CARD", "CREDIT_CARD"),
    # Virtual accounts take no refunds: this money goes back by hand.
    Story.PAID_OUT: ("BANK_TRANSFER", "BNI"),
}
# They meet at the time that was ordered.
MEETS = (Story.BANK, Story.QRIS, Story.WALLET, Story.CARD)
ENDS = dict.fromkeys((*MEETS, Story.DECLINED), Status.SCHEDULED) | {
    Story.EXPIRES: Status.EXPIRED,
    Story.TAKEN: Status.REJECTED,
    Story.CANCELS: Status.CANCELLED,
    Story.PAID_OUT: Status.CANCELLED,
}
# What has become of the money in the end.
_MONEY_BACK = {
    Story.CANCELS: (MoneyBackState.SUCCEEDED,),
    Story.PAID_OUT: (MoneyBackState.PAID_OUT,),
}
_TOPICS = (
    "Data analysis portfolio review",
    "Mock interview: backend engineer",
    "IELTS speaking practice",
    "Scholarship essay feedback",
    "Product management career talk",
    "Statistics for a thesis",
)
_MENTEES = (
    "Ayu Lestari",
    "Bagus Wirawan",
    "Citra Dewi",
    "Dimas Pratama",
    "Eka Putri",
    "Fajar Nugroho",
)
_MENTORS = ("Gita Maharani", "Hendra Saputra", "Intan Permata", "Joko Susilo", "Kartika Sari")
_ZONES = ("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")
# None is over before the last reminder of another is due, which is when a demo ends.
_DURATIONS = (60, 90, 120)
# How the numbers end that are not on WhatsApp, as the simulator has it.
NOBODY = "0000"
# Of every five people.
_NO_PHONE, _NOT_ON_WHATSAPP = 2, 3
# Far enough that the 24-hour reminder is still to come when an order is paid at once.
_FIRST_SESSION = timedelta(hours=30)
# Sessions begin this far apart, less than the shortest one lasts: none is over when the last reminder
# goes out, so that every order that was sold is still to be seen as scheduled.
_SESSION_STARTS = (timedelta(), timedelta(minutes=20))


class PlannedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A sample order and what its mentee does with it."""

    story: Story
    event: OrderCreated

    @property
    def id(self) -> str:
        """The order's id."""
        return self.event.order_id

    @property
    def end(self) -> Status:
        """The status in which it should end."""
        return ENDS[self.story]

    def ended(self, order: Order | None) -> bool:
        """Whether the order has come to the end of its story, or the session is even over."""
        if order is None:
            return False
        over = self.end is Status.SCHEDULED and order.status is Status.COMPLETED
        moved = self.story is not Story.DECLINED or order.moves > 0
        back = tuple(refund.state for refund in order.refunds)
        money = back == _MONEY_BACK.get(self.story, ())
        return (over or order.status is self.end) and moved and money


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All sample orders of one demo."""

    orders: tuple[PlannedOrder, ...]
    finished: bool = False

    def told(self, *stories: Story) -> tuple[PlannedOrder, ...]:
        """Return the orders with these stories."""
        return tuple(order for order in self.orders if order.story in stories)

    def moments(self, expiries: Sequence[datetime]) -> list[datetime]:
        """Return the instants at which something happens, given when unpaid invoices expire."""
        reminders = {
            reminder_time(order.event.session, lead)
            for order in self.told(*MEETS)
            for lead in DEFAULT_LEAD_MINUTES
        }
        return sorted({*reminders, *expiries})


def make_plan(
    count: int, now: datetime, seed: int, stories: Sequence[Story] = tuple(Story)
) -> Plan:
    """Return a plan of ``count`` orders, the stories in turn.

    A taken slot is that of the first order of its turn, so its story must not come first.
    """
    rng = random.Random(seed)
    first_number = rng.randrange(10**6 - count)
    planned: list[PlannedOrder] = []
    for number in range(count):
        story = stories[number % len(stories)]
        event = _event(f"NUS-{now.year}-{first_number + number:06d}", number, now, rng)
        if story is Story.TAKEN:
            wanted = planned[number - number % len(stories)].event
            event = msgspec.structs.replace(event, mentor=wanted.mentor, session=wanted.session)
        planned.append(PlannedOrder(story=story, event=event))
    return Plan(orders=tuple(planned))


def _event(order_id: str, number: int, now: datetime, rng: random.Random) -> OrderCreated:
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    starts_at = hour + _FIRST_SESSION + rng.choice(_SESSION_STARTS)
    return OrderCreated(
        order_id=order_id,
        created_at=now,
        subject=rng.choice(_TOPICS),
        mentee=_person(f"u-{number}", _MENTEES[number % len(_MENTEES)], "mentee", number, rng),
        mentor=_person(f"m-{number}", _MENTORS[number % len(_MENTORS)], "mentor", number, rng),
        session=Session(starts_at=starts_at, duration_minutes=rng.choice(_DURATIONS)),
        price=Money(amount=rng.randrange(100_000, 400_000, 25_000), currency="IDR"),
    )


def _phone(number: int, rng: random.Random) -> str | None:
    """Return a phone's number; some have none, and some have one that is not on WhatsApp."""
    digits = f"+62812{rng.randrange(1, 10**3):03d}"
    if number % 5 == _NO_PHONE:
        return None
    return f"{digits}{NOBODY}" if number % 5 == _NOT_ON_WHATSAPP else f"{digits}{1000 + number:04d}"


def _person(person_id: str, name: str, role: str, number: int, rng: random.Random) -> Person:
    locale: Locale = "en" if number % 3 == 1 else "id"
    return Person(
        id=person_id,
        name=name,
        email=f"{name.split(maxsplit=1)[0].lower()}.{number}@{role}.example",
        phone=_phone(number, rng),
        locale=locale,
        time_zone=rng.choice(_ZONES),
    )
