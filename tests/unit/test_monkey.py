"""The monkey of a chaos run: what it kills is counted and comes back."""

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.chaos.monkey import Monkey
from local.processes import Supervisor

FOREVER = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path)
    for name in ("dispatcher", "vendors"):
        supervisor.start(name, FOREVER, {}, tmp_path)
    yield supervisor
    supervisor.stop()


def test_what_is_killed_is_counted_and_started_again(supervisor: Supervisor) -> None:
    first = supervisor.children["dispatcher"].process.pid
    with Monkey(supervisor, random.Random(1)) as monkey:
        deadline = time.monotonic() + 20
        while supervisor.children["dispatcher"].restarts == 0:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert set(monkey.kills) == {"dispatcher"}
    assert supervisor.children["dispatcher"].process.pid != first
    assert supervisor.children["dispatcher"].process.running


def test_the_vendors_are_spared(supervisor: Supervisor) -> None:
    with Monkey(supervisor, random.Random(1)) as monkey:
        deadline = time.monotonic() + 20
        while monkey.kills.total() < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert supervisor.children["vendors"].restarts == 0
    assert supervisor.children["vendors"].process.running
