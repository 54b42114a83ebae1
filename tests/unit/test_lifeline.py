"""No process outlives the one that started it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.lifeline import TetheredProcess

# A child in the background whose own child writes its process id: the shape of gcloud and Java.
_FAMILY = ("sh", "-c", "sh -c 'echo $$; sleep 600; true' & wait")
# The same, whose starter is killed before it can do anything more.
_DEADLY = ("sh", "-c", "kill -KILL $PPID; sh -c 'echo $$; sleep 600; true' & wait")
_STARTER = """
import sys, time
from pathlib import Path
from local.lifeline import TetheredProcess
TetheredProcess({command!r}, Path({log!r}))
time.sleep(600)
"""


def _grandchild(log: Path) -> int:
    return int(_eventually(lambda: log.exists() and log.read_text().strip()))


def _eventually(found: Callable[[], object]) -> str:
    for _ in range(200):
        if value := found():
            return str(value)
        time.sleep(0.05)
    raise AssertionError("it did not happen within 10 s")


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A container without an init process keeps dead orphans as zombies.
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_ending_it_ends_grandchildren_too(tmp_path: Path) -> None:
    process = TetheredProcess(_FAMILY, tmp_path / "log")
    grandchild = _grandchild(tmp_path / "log")
    process.end()
    _eventually(lambda: _is_gone(grandchild))


def _starter(command: tuple[str, ...], log: Path) -> "subprocess.Popen[bytes]":
    program = _STARTER.format(command=command, log=str(log))
    return subprocess.Popen([sys.executable, "-c", program])  # noqa: S603 - our own program, above


def test_a_starter_that_is_killed_takes_them_along(tmp_path: Path) -> None:
    starter = _starter(_FAMILY, tmp_path / "log")
    grandchild = _grandchild(tmp_path / "log")
    assert not _is_gone(grandchild)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    _eventually(lambda: _is_gone(grandchild))


def test_a_starter_that_is_killed_as_they_start_takes_them_along(tmp_path: Path) -> None:
    logs = [tmp_path / f"log-{number}" for number in range(8)]
    for starter in [_starter(_DEADLY, log) for log in logs]:
        starter.wait()
    time.sleep(1)
    written = [found for log in logs if (found := log.read_text().strip())]
    assert all(_is_gone(int(grandchild)) for grandchild in written)


def test_ending_what_has_ended_is_quiet(tmp_path: Path) -> None:
    process = TetheredProcess(("true",), tmp_path / "log")
    _eventually(lambda: not process.running)
    process.end()


def test_a_command_that_cannot_start_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-command"):
        TetheredProcess(("no-such-command",), tmp_path / "log")
