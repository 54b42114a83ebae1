"""An order about which nobody can be asked makes room for the others, and is looked at soon."""

from datetime import timedelta

import msgspec
import pytest

from functions.reconcile_orders.use_case import PAGE_SIZE, Tick
from shared.domain.order import LOOK_AFTER_CHANGE, Order, Status
from shared.domain.timers import postpone
from tests.builders import invoiced_order, order_in
from tests.unit.functions.chain import Chain

HOUR = timedelta(hours=1)


@pytest.fixture
def chain() -> Chain:
    return Chain()


def reconcile(chain: Chain) -> Tick:
    return chain.reconcile_orders()(chain.clock.now())


def due(chain: Chain, order: Order, name: str, by: timedelta) -> Order:
    return msgspec.structs.replace(order, id=name, check_at=chain.clock.now() - by)


def test_orders_behind_are_reached_while_the_budget_is_low(chain: Chain) -> None:
    page = [due(chain, invoiced_order(), f"NUS-{n}", HOUR) for n in range(PAGE_SIZE)]
    behind = due(chain, order_in(Status.PAID), "NUS-behind", HOUR / 2)
    chain.put(*page, behind)
    chain.invoices.budget_left = 0.4
    assert reconcile(chain) == Tick(due=PAGE_SIZE, repeated=0, postponed=PAGE_SIZE)
    assert reconcile(chain) == Tick(due=1, repeated=1, postponed=0)
    soon = chain.clock.now() + LOOK_AFTER_CHANGE
    assert {chain.order(order.id).check_at for order in page} == {soon}
    assert [event.order_id for event in chain.events.events] == [behind.id]


def test_a_timer_that_was_set_anew_meanwhile_is_not_postponed() -> None:
    order = invoiced_order()
    assert order.check_at is not None
    assert postpone(order, {}, now=order.check_at - HOUR).order == order
    over = msgspec.structs.replace(order, check_at=None)
    assert postpone(over, {}, now=order.check_at).order == over
