"""Plays the stories of many orders while everything around them breaks."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from local.actors import Actors
from local.demo.plan import CHANNELS, MEETS, Plan, PlannedOrder, Story
from local.people import People
from shared.domain.order import Order, Status
from shared.domain.reminders import DEFAULT_LEAD_MINUTES, reminder_time
from shared.errors import PipelineError
from shared.ports import Clock, OrderStore

_WAVES = 20
_SMALLEST_WAVE = 10
_WAVE_EVERY_S = 0.5
_POLL_S = 0.5
# So long without any progress, and time is moved on until somebody looks at what was lost.
_PATIENCE_S = 4.0
# Reminders that a killed process left half sent come again when their claim has run out; the
# shortest lead time leaves room for so many steps of time.
_STEP = timedelta(minutes=1)
_STEPS = 8
_STEP_S = 1.5
_REMINDER_PATIENCE_S = 75.0
_HEAL = timedelta(minutes=3)
_HEAL_S = 2.0
_HEAL_PATIENCE_S = 120.0


class ChaosError(PipelineError):
    """The run came to a halt; the message says what never happened."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the orders are."""

    published: int
    paid: int
    arranged: int
    ended: int
    mails: int


Tell = Callable[[Progress], None]


class ChaosDriver:
    """Publishes in waves, pays whatever mail asks to be paid, and lets the days go by.

    ``tell`` is called after each look at the orders.
    """

    def __init__(
        self, people: People, plan: Plan, orders: OrderStore, clock: Clock, tell: Tell
    ) -> None:
        self._people = people
        self._plan = plan
        self._orders = orders
        self._clock = clock
        self._tell = tell
        self._actors = Actors(people)
        self._published: set[str] = set()
        self._paid: set[str] = set()

    def trade(self) -> None:
        """Publish every order and pay those that are to be paid, as the mails come in."""
        firsts = self._plan.told(*CHANNELS, Story.EXPIRES)
        waves = _waves(firsts)
        buyers = {order.id: order for order in self._plan.told(*CHANNELS)}
        next_wave, moved, stands = 0.0, time.monotonic(), None
        while len(self._published) < len(self._plan.orders) or buyers.keys() > self._paid:
            if waves and time.monotonic() >= next_wave:
                self._publish(waves.pop(0))
                next_wave = time.monotonic() + _WAVE_EVERY_S
            self._pay(buyers)
            seen = self._look()
            self._publish(self._late(seen))
            if (now_stands := (len(self._published), len(self._paid), len(seen))) != stands:
                stands, moved = now_stands, time.monotonic()
            elif time.monotonic() - moved > _PATIENCE_S:
                _check(moved, "mails that ask for payment")
                self.heal()
            time.sleep(_POLL_S)

    def live_on(self) -> None:
        """See every order arranged, every reminder sent, every unpaid invoice expire."""
        self._heal_until("meetings and rejections", _arranged)
        for moment, reminded in sorted(self._reminders().items()):
            if moment > self._clock.now():
                self._people.advance(moment)
            self._await_reminders(reminded)
        self._heal_until("ends", PlannedOrder.ended)

    def look(self) -> Mapping[str, Order]:
        """Return all orders by id."""
        return self._look()

    def heal(self, times: int = 1) -> None:
        """Move time on a little, and wait until what was due then is done."""
        self._people.advance(self._clock.now() + times * _HEAL)

    def _publish(self, planned: Sequence[PlannedOrder]) -> None:
        self._people.publish(planned)
        self._published.update(order.id for order in planned)

    def _late(self, seen: Mapping[str, Order]) -> list[PlannedOrder]:
        """Return the orders that come too late for a slot which another one holds by now."""
        held = {(order.mentor.id, order.session.starts_at) for order in seen.values()}
        return [
            planned
            for planned in self._plan.told(Story.TAKEN)
            if planned.id not in self._published
            and (planned.event.mentor.id, planned.event.session.starts_at) in held
        ]

    def _pay(self, buyers: Mapping[str, PlannedOrder]) -> None:
        for order_id, link in self._people.checkout_links().items():
            if order_id in buyers and order_id not in self._paid:
                self._people.pay(buyers[order_id], link)
                self._paid.add(order_id)

    def _heal_until(
        self, what: str, happened: Callable[[PlannedOrder, Order | None], bool]
    ) -> None:
        before, moved, vain = len(self._plan.orders) + 1, time.monotonic(), 0
        self._people.settle()
        while left := self._unlike(happened):
            if len(left) < before:
                before, moved, vain = len(left), time.monotonic(), 0
            _check(moved, f"{what} of {', '.join(left)}")
            # The vendors' rate limits are not moved on with time.
            time.sleep(_HEAL_S)
            vain += 1
            self.heal(vain)

    def _unlike(self, happened: Callable[[PlannedOrder, Order | None], bool]) -> list[str]:
        seen = self._look()
        return [p.id for p in self._plan.orders if not happened(p, seen.get(p.id))]

    def _reminders(self) -> dict[datetime, set[tuple[str, int]]]:
        """Return who is to be reminded when: order ids with lead times."""
        due: dict[datetime, set[tuple[str, int]]] = {}
        for order in self._plan.told(*MEETS):
            for lead in DEFAULT_LEAD_MINUTES:
                moment = reminder_time(order.event.session, lead)
                due.setdefault(moment, set()).add((order.id, lead))
        return due

    def _await_reminders(self, wanted: Iterable[tuple[str, int]]) -> None:
        """Give reminders their time: one that is late by hours would no longer be true."""
        deadline, steps = time.monotonic() + _REMINDER_PATIENCE_S, 0
        self._people.settle()
        while set(wanted) - self._people.reminded() and time.monotonic() < deadline:
            self._look()
            time.sleep(_STEP_S)
            if steps < _STEPS:
                self._people.advance(self._clock.now() + _STEP)
                steps += 1

    def _look(self) -> Mapping[str, Order]:
        seen = {order.id: order for order in self._orders.scan()}
        self._actors.act(self._plan.orders, seen)
        self._tell(
            Progress(
                published=len(self._published),
                paid=len(self._paid),
                arranged=sum(_arranged(p, seen.get(p.id)) for p in self._plan.orders),
                ended=sum(planned.ended(seen.get(planned.id)) for planned in self._plan.orders),
                mails=len(self._people.mails()),
            )
        )
        return seen


def _check(moved: float, what: str) -> None:
    if time.monotonic() - moved > _HEAL_PATIENCE_S:
        raise ChaosError(f"still waiting for {what}")


def _waves(planned: Sequence[PlannedOrder]) -> list[Sequence[PlannedOrder]]:
    size = max(_SMALLEST_WAVE, -(-len(planned) // _WAVES))
    return [planned[start : start + size] for start in range(0, len(planned), size)]


def _arranged(planned: PlannedOrder, order: Order | None) -> bool:
    """Whether an order waits for nothing but time."""
    waits = planned.story is Story.EXPIRES and order is not None and order.was(Status.INVOICED)
    return waits or planned.ended(order)
