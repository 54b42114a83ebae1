"""A crowd at a local world: orders at random instants, each paid a fixed time later."""

import heapq
import random
import threading
import time
from collections.abc import Sequence
from datetime import datetime

import msgspec

from local.config import WorldConfig
from local.demo.plan import CHANNELS, PlannedOrder, make_plan
from local.people import People
from shared.bootstrap import Wiring
from shared.domain.order import Order, Status
from shared.errors import PipelineError
from shared.ports import Clock, OrderStore

PAY_AFTER_S = 3.0
_FIRST_ROOM_S = 2.0
_TRY_AGAIN_S = 0.5
# A payment whose webhook is lost is found by reconcile_orders two to three minutes later.
_PATIENCE_S = 240.0
_POLL_S = 0.5


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """The instants of one order's way, in seconds since the first was published."""

    published: float
    invoiced: float
    paid: float
    scheduled: float

    @property
    def order_to_invoice(self) -> float:
        """How long the invoice took."""
        return self.invoiced - self.published

    @property
    def payment_to_room(self) -> float:
        """How long the room took, from the mentee's payment."""
        return self.scheduled - self.paid


def throughput(journeys: Sequence[Journey]) -> float:
    """Return the rooms made in a second, from when there may be one until orders stop coming."""
    begin = PAY_AFTER_S + _FIRST_ROOM_S
    end = max(journey.published for journey in journeys)
    return sum(begin <= journey.scheduled < end for journey in journeys) / (end - begin)


def arrivals(rate: float, seconds: float, seed: int) -> list[float]:
    """Return the instants of a Poisson stream of ``rate`` a second, in seconds from now."""
    rng, at, instants = random.Random(seed), 0.0, list[float]()
    while (at := at + rng.expovariate(rate)) < seconds:
        instants.append(at)
    return instants


def send(config: WorldConfig, instants: Sequence[float], seed: int) -> list[Journey]:
    """Publish an order at each instant, pay each; return all journeys. Raises PipelineError."""
    wiring = Wiring(variables=config.function_settings())
    plan = make_plan(len(instants), config.clock.now(), seed, list(CHANNELS))
    with People(config, wiring.raw_events) as people:
        crowd = _Crowd(people, wiring.orders, config.clock)
        payer = threading.Thread(target=crowd.pay_all, args=(len(instants),), daemon=True)
        payer.start()
        crowd.publish_all(plan.orders, instants)
        payer.join()
    return crowd.journeys(plan.orders)


class _Crowd:
    def __init__(self, people: People, orders: OrderStore, clock: Clock) -> None:
        self._people = people
        self._orders = orders
        self._clock = clock
        self._due: list[tuple[float, int, PlannedOrder]] = []
        self._published: dict[str, datetime] = {}
        self._paid: dict[str, datetime] = {}

    def publish_all(self, planned: Sequence[PlannedOrder], instants: Sequence[float]) -> None:
        began = time.monotonic()
        for number, (order, at) in enumerate(zip(planned, instants, strict=True)):
            time.sleep(max(0.0, began + at - time.monotonic()))
            self._published[order.id] = self._clock.now()
            self._people.publish([order])
            heapq.heappush(self._due, (time.monotonic() + PAY_AFTER_S, number, order))

    def pay_all(self, count: int) -> None:
        last = time.monotonic()
        while len(self._paid) < count and time.monotonic() - last < _PATIENCE_S:
            if not self._due or self._due[0][0] > time.monotonic():
                time.sleep(0.01)
                continue
            _, number, planned = heapq.heappop(self._due)
            order = self._orders.get(planned.id)
            if order is not None and order.invoice is not None:
                self._paid[planned.id] = self._clock.now()
                self._people.pay(planned, order.invoice.url)
                last = time.monotonic()
            else:
                heapq.heappush(self._due, (time.monotonic() + _TRY_AGAIN_S, number, planned))

    def journeys(self, planned: Sequence[PlannedOrder]) -> list[Journey]:
        began = min(self._published.values())
        return [self._journey(self._arrived(one.id), began) for one in planned]

    def _arrived(self, order_id: str) -> Order:
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            order = self._orders.get(order_id)
            if order is not None and order.was(Status.SCHEDULED):
                return order
            time.sleep(_POLL_S)
        raise PipelineError(f"order {order_id} never got its room; feed the world more slowly")

    def _journey(self, order: Order, began: datetime) -> Journey:
        at = {change.status: (change.at - began).total_seconds() for change in order.history}
        return Journey(
            published=(self._published[order.id] - began).total_seconds(),
            invoiced=at[Status.INVOICED],
            paid=(self._paid[order.id] - began).total_seconds(),
            scheduled=at[Status.SCHEDULED],
        )
