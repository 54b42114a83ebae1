"""What a tick reads grows with what is due, not with what is stored."""

import pytest

from benchmarks.operations.counts import Counts
from benchmarks.ticks.ticks import TICKS, counted

DUE = 10
# Each due order is read once, in the query.
COST = Counts(reads=DUE, writes=DUE)


@pytest.mark.parametrize("name", TICKS)
@pytest.mark.parametrize("stored", [0, 50, 500])
def test_a_tick_costs_the_same_however_many_orders_there_are(name: str, stored: int) -> None:
    assert counted(TICKS[name], stored, DUE) == COST


@pytest.mark.parametrize("stored", [0, 50, 500])
def test_the_first_look_at_an_order_reads_what_has_become_of_its_three_mails(stored: int) -> None:
    cost = counted(TICKS["reconcile"], stored, DUE, seen=False)
    assert cost == Counts(reads=4 * DUE, writes=DUE)
