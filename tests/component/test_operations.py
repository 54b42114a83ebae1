"""What an order costs in remote operations, exactly: a test that fails is a cost that has changed."""

import gc

import pytest

from benchmarks.operations.counts import Counts
from benchmarks.operations.paths import PATHS
from benchmarks.operations.run import counted
from tests.vendors import connections_are_dropped

pytestmark = connections_are_dropped

COSTS = {
    "happy": Counts(reads=28, writes=29, messages=7, pushed=8, vendor_calls=24),
    "happy_looked_after": Counts(reads=34, writes=32, messages=7, pushed=8, vendor_calls=27),
    "expired": Counts(reads=13, writes=12, messages=4, pushed=4, vendor_calls=8),
}
MOST = 1.3


@pytest.mark.parametrize("name", PATHS)
def test_a_path_costs_what_it_did_and_little_more_than_it_must(name: str) -> None:
    cost = counted(PATHS[name])
    gc.collect()  # dropped connections, while their warnings are still ignored
    assert cost == COSTS[name]
    assert cost.total <= MOST * PATHS[name].minimum.total
