"""What an order costs in remote operations, exactly: a test that fails is a cost that has changed."""

import gc
from collections.abc import Callable

import pytest

from benchmarks.operations.counts import Counts
from benchmarks.operations.paths import PATHS
from benchmarks.operations.run import played
from shared.domain.order import MoneyBackState, Order, Status
from tests.vendors import connections_are_dropped

pytestmark = connections_are_dropped

COSTS = {
    "happy": Counts(reads=27, writes=29, messages=7, pushed=8, vendor_calls=24),
    "happy_looked_after": Counts(reads=33, writes=32, messages=7, pushed=8, vendor_calls=27),
    "expired": Counts(reads=13, writes=12, messages=4, pushed=4, vendor_calls=8),
    "cancelled": Counts(reads=33, writes=26, messages=10, pushed=12, vendor_calls=22),
    "moved": Counts(reads=63, writes=36, messages=11, pushed=14, vendor_calls=31),
}
MOST = 1.3
IS_OVER: dict[str, Callable[[Order], bool]] = {
    "happy": lambda order: order.status is Status.COMPLETED,
    "happy_looked_after": lambda order: order.status is Status.COMPLETED,
    "expired": lambda order: order.status is Status.EXPIRED,
    "cancelled": lambda order: order.status is Status.CANCELLED and _money_is_back(order),
    "moved": lambda order: order.status is Status.COMPLETED and order.moves == 1,
}


def _money_is_back(order: Order) -> bool:
    (refund,) = order.refunds
    return refund.state is MoneyBackState.SUCCEEDED and order.obsolete_events == ()


@pytest.mark.parametrize("name", PATHS)
def test_a_path_costs_what_it_did_and_little_more_than_it_must(name: str) -> None:
    cost, order = played(PATHS[name])
    gc.collect()  # dropped connections, while their warnings are still ignored
    assert IS_OVER[name](order)
    assert cost == COSTS[name]
    assert cost.total <= MOST * PATHS[name].minimum.total
