"""Plays the people of the demo: the web app that publishes, the mentees who read and pay."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from local.actors import Actors
from local.demo.plan import CHANNELS, MEETS, Plan, PlannedOrder, Story
from local.evidence import Evidence
from local.people import People
from shared.domain.order import MoneyBackState, Order, Status
from shared.errors import PipelineError
from shared.ports import Clock, OrderStore

_POLL_S = 0.1
# Longer than reconcile_orders takes to take up what a killed process has left behind.
_PATIENCE_S = 200.0
# What the simulated vendors need to give money back and to deliver, and a tick to hear of it.
_VENDORS_TAKE = timedelta(minutes=2)
_ASKING = frozenset({MoneyBackState.DUE, MoneyBackState.ACCOUNT_WANTED, MoneyBackState.PAYOUT_DUE})
_BACK = frozenset({MoneyBackState.SUCCEEDED, MoneyBackState.PAID_OUT})

Watch = Callable[[Mapping[str, Order]], None]


class DemoError(PipelineError):
    """The demo came to a halt; the message says what it was waiting for."""


class Driver:
    """Goes through the plan, each step taken from what is seen, so that a run can be taken up again."""

    def __init__(
        self,
        people: People,
        plan: Plan,
        orders: OrderStore,
        clock: Clock,
        watch: Watch,
    ) -> None:
        self._people = people
        self._plan = plan
        self._orders = orders
        self._clock = clock
        self._watch = watch
        self._actors = Actors(people)

    def run(self) -> Evidence:
        """Play all stories to their end; return what everybody then has on record."""
        firsts = self._plan.told(*CHANNELS, Story.EXPIRES)
        self._people.publish(firsts)
        self._await("invoices", firsts, lambda order: order.was(Status.INVOICED))
        lates = self._plan.told(Story.TAKEN)
        self._people.publish(lates)
        self._await("rejections", lates, lambda order: order.was(Status.REJECTED))
        self._pay(self._plan.told(*CHANNELS))
        self._await("meetings", self._plan.told(*MEETS), lambda o: o.was(Status.SCHEDULED))
        self._await("another time", self._plan.told(Story.DECLINED), _is_moved)
        self._await("calls off", self._plan.told(Story.CANCELS, Story.PAID_OUT), _is_called_off)
        self._live_through()
        # The last messages are on their way, and some come back.
        self._people.advance(self._clock.now() + _VENDORS_TAKE)
        self._people.settle()
        return self._people.evidence(self._plan, self._observe().values())

    def _pay(self, buyers: Iterable[PlannedOrder]) -> None:
        """Open the checkout from the link in the mail and pay there, as a mentee does."""
        left = {order.id: order for order in buyers if not self._seen(order).was(Status.PAID)}
        deadline = time.monotonic() + _PATIENCE_S
        while left:
            for order_id, link in self._people.checkout_links().items():
                if order_id in left:
                    self._people.pay(left.pop(order_id), link)
            self._observe()
            self._check(deadline, "the invoice mails", left)
            time.sleep(_POLL_S)

    def _live_through(self) -> None:
        """Move time forward, from one moment at which something happens to the next."""
        self._people.advance(self._clock.now() + _VENDORS_TAKE)
        unpaid = [self._seen(order) for order in self._plan.told(Story.EXPIRES)]
        expiries = [order.invoice.expires_at for order in unpaid if order.invoice]
        for moment in self._plan.moments(expiries):
            if moment > self._clock.now():
                self._people.advance(moment)
            self._observe()
        lapsing = self._plan.told(Story.EXPIRES)
        self._await("expiries", lapsing, lambda order: order.was(Status.EXPIRED))
        refunded = self._plan.told(Story.CANCELS, Story.PAID_OUT)
        self._await("refunds", refunded, lambda o: all(r.state in _BACK for r in o.refunds))

    def _await(
        self, what: str, planned: Iterable[PlannedOrder], happened: Callable[[Order], bool]
    ) -> None:
        ids = [order.id for order in planned]
        deadline = time.monotonic() + _PATIENCE_S + len(ids)
        while True:
            seen = self._observe()
            self._actors.act(self._plan.orders, seen)
            left = [i for i in ids if i not in seen or not happened(seen[i])]
            if not left:
                return
            self._check(deadline, what, left)
            time.sleep(_POLL_S)

    def _check(self, deadline: float, what: str, left: Iterable[str]) -> None:
        if time.monotonic() > deadline:
            raise DemoError(f"still waiting for {what} of {', '.join(left)}")

    def _seen(self, planned: PlannedOrder) -> Order:
        order = self._orders.get(planned.id)
        if order is None:
            raise DemoError(f"{planned.id} went away")
        return order

    def _observe(self) -> dict[str, Order]:
        found = (self._orders.get(planned.id) for planned in self._plan.orders)
        seen = {order.id: order for order in found if order is not None}
        self._watch(seen)
        return seen


def _is_moved(order: Order) -> bool:
    """Whether the mentor has said no, and the mentee has chosen another time."""
    return order.moves > 0 and order.status in {Status.SCHEDULED, Status.COMPLETED}


def _is_called_off(order: Order) -> bool:
    """Whether the mentee has called the order off, and said what had to be said about the money."""
    refunds = order.refunds
    return bool(refunds) and all(refund.state not in _ASKING for refund in refunds)
