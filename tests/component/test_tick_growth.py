"""What a tick reads grows with what is due, not with what is stored."""

import pytest

from benchmarks.operations.counts import Counts
from benchmarks.ticks.ticks import TICKS, counted

DUE = 10
# A reminder tick reads each due order once, in the query. A look reads the order, again what the
# calendar's answer left unchanged, and three records of messages.
COSTS = {
    "reminder": Counts(reads=DUE, writes=DUE),
    "reconcile": Counts(reads=5 * DUE, writes=DUE),
}


@pytest.mark.parametrize("name", TICKS)
@pytest.mark.parametrize("stored", [0, 50, 500])
def test_a_tick_costs_the_same_however_many_orders_there_are(name: str, stored: int) -> None:
    assert counted(TICKS[name], stored, DUE) == COSTS[name]
