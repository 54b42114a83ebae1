"""Orders survive killed processes, failing vendors, and a payment provider that says "later"."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.demo.plan import ENDS, Story
from tests.e2e import commands

# As many as it takes for each kind of fault to happen; an order costs more on the emulator.
BACKENDS = [("embedded", 24), pytest.param("emulator", 16, marks=pytest.mark.emulator)]
# What must have gone wrong, or the run has shown nothing.
CERTAIN = ("delivery_duplicated", "vendor_error_after", "vendor_error_before", "vendor_stall")


def _run(command: str, folder: Path, *arguments: str) -> dict[str, Any]:
    results = commands.results(command, folder, *arguments)
    assert commands.processes_of(folder.parent) == []
    return results


@pytest.mark.parametrize(("backend", "orders"), BACKENDS)
def test_every_order_ends_well_while_everything_breaks(
    backend: str, orders: int, tmp_path: Path
) -> None:
    results = _run("chaos", tmp_path / "world", "--backend", backend, "--orders", str(orders))
    assert results["violations"] == []
    planned = Counter(str(ENDS[list(Story)[number % len(Story)]]) for number in range(orders))
    ended = Counter(
        order["status"].replace("completed", "scheduled") for order in results["orders"]
    )
    assert ended == planned
    assert all(results["faults"][kind] > 0 for kind in CERTAIN)
    assert sum(results["kills"].values()) > 5
    assert ("dispatcher" in results["kills"]) <= (backend == "embedded")
    assert 0 < results["settle_s"] < results["summary"]["duration_s"]


def test_a_burst_over_the_rate_limit_is_invoiced_to_the_last_order(tmp_path: Path) -> None:
    limit = ("--rate-limit", "20", "--time-scale", "20")  # 20 requests in 3 seconds
    results = _run("burst", tmp_path / "world", "--orders", "60", *limit)
    assert (results["invoiced"], results["invoices"]) == (60, 60)
    assert (results["most_invoices_of_one"], results["given_up"]) == (1, 0)
    assert results["refused_by_rate_limit"] > 0
    assert results["duration_s"] > 2 * 3.0  # two windows are not enough
    assert 1 < results["most_deliveries_of_one"] < 20
