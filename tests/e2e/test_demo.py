"""The whole chain, from the web app's event to the last reminder, on both backends."""

import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.demo.plan import ENDS, Story
from shared.domain.reminders import DEFAULT_LEAD_MINUTES
from tests.e2e import commands

ORDERS = 12
BACKENDS = ["embedded", pytest.param("emulator", marks=pytest.mark.emulator)]
DISTURBED = ["--duplicate", "1", "--delay", "0.5"]


def _assert_all_ended_as_planned(results: dict[str, Any], orders: int) -> None:
    assert results["violations"] == []
    stories = [list(Story)[number % len(Story)] for number in range(orders)]
    ended = (order["status"].replace("completed", "scheduled") for order in results["orders"])
    assert Counter(ended) == Counter(str(ENDS[story]) for story in stories)
    for order in results["orders"]:
        if order["status"] == "scheduled" and not order["moves"]:
            assert order["meeting"]["meet_url"].startswith("https://meet.google.com/")
            assert order["reminders_sent"] == len(DEFAULT_LEAD_MINUTES)
            assert order["invoice"]["status"] in {"PAID", "SETTLED"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_order_of_a_demo_ends_as_its_story_says(backend: str, tmp_path: Path) -> None:
    results = commands.demo(tmp_path / "world", "--backend", backend, "--orders", str(ORDERS))
    _assert_all_ended_as_planned(results, ORDERS)
    summary = results["summary"]
    assert (summary["orders"], summary["scheduled"]) == (ORDERS, 8)
    assert (summary["expired"], summary["rejected"], summary["cancelled"]) == (1, 1, 2)
    assert commands.processes_of(tmp_path) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_message_twice_and_out_of_order_changes_no_outcome(
    backend: str, tmp_path: Path
) -> None:
    results = commands.demo(
        tmp_path / "world", "--backend", backend, "--orders", str(ORDERS), *DISTURBED
    )
    _assert_all_ended_as_planned(results, ORDERS)


def test_a_demo_that_is_killed_half_way_is_taken_up_again(tmp_path: Path) -> None:
    folder = tmp_path / "world"
    arguments = ["demo", "--folder", str(folder), "--orders", str(ORDERS)]
    log = tmp_path / "log"
    first = commands.start(*arguments, log=log)
    _await_line(log, "paid")
    first.send_signal(signal.SIGKILL)
    first.wait()
    _await_no_process_of(tmp_path)
    planned = _order_ids(folder)
    results = commands.demo(folder, "--orders", str(ORDERS))
    assert {order["order_id"] for order in results["orders"]} == planned
    _assert_all_ended_as_planned(results, ORDERS)


def _await_line(log: Path, word: str) -> None:
    deadline = time.monotonic() + 60
    while f"  {word}  " not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def _await_no_process_of(folder: Path) -> None:
    deadline = time.monotonic() + 10
    while commands.processes_of(folder):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _order_ids(folder: Path) -> set[str]:
    plan = json.loads((folder / "plan.json").read_text())
    return {order["event"]["order_id"] for order in plan["orders"]}
