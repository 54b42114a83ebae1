"""The whole chain, from the web app's event to the last reminder, on both backends."""

import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.demo.plan import ENDS, NOBODY, Story
from shared.domain.notifications import CALENDAR_KINDS
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


def test_everybody_is_told_on_the_channel_and_in_the_language_that_they_read(
    tmp_path: Path,
) -> None:
    results = commands.demo(tmp_path / "world")
    _assert_all_ended_as_planned(results, len(Story))
    plan = json.loads((tmp_path / "world" / "plan.json").read_text())["orders"]
    people = {planned["event"]["order_id"]: planned["event"] for planned in plan}
    told: Counter[str] = Counter()
    for order in results["orders"]:
        for message in order["messages"]:
            told[message["kind"]] += 1
            if message["recipient"] == "admin":
                assert (message["channel"], message["language"]) == ("email", "id")
                continue
            reader = people[order["order_id"]][message["recipient"]]
            assert message["language"] == reader["locale"]
            on_whatsapp = reader["phone"] is not None and not reader["phone"].endswith(NOBODY)
            if message["kind"] not in CALENDAR_KINDS:
                assert message["channel"] == ("whatsapp" if on_whatsapp else "email")
    assert {"session_declined", "refund_done", "payout_account_wanted", "payout_task"} <= set(told)
    back = [order["refunds"] for order in results["orders"] if order["status"] == "cancelled"]
    assert sorted(refund["state"] for (refund,) in back) == ["paid_out", "succeeded"]


def test_mentors_who_are_asked_first_accept_or_decline(tmp_path: Path) -> None:
    results = commands.demo(tmp_path / "world", "--mentor-confirmation", "required")
    _assert_all_ended_as_planned(results, len(Story))
    asked = [order for order in results["orders"] if _passed(order, "awaiting_mentor")]
    assert len(asked) == sum(_passed(order, "paid") for order in results["orders"])


def _passed(order: dict[str, Any], status: str) -> bool:
    return any(step["status"] == status for step in order["timeline"])


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
