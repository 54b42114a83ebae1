"""Commands whose processes, grandchildren included, end with the process that started them.

``python -m local.lifeline`` is the guard of one command. It reads the id of the command's process
group from standard input, which stays open until the starter ends, in whatever way; then it kills
the group. A parent-death signal would reach only children, and only on Linux.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


class TetheredProcess:
    """A command in a session of its own, its output appended to ``log``.

    A command that moves itself to a process group of its own, as gcloud does, stays in the one it
    gets here, since the leader of a session cannot leave its group.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "local.lifeline"],
            stdin=subprocess.PIPE,
            start_new_session=True,
            cwd=Path(__file__).parent.parent,
        )
        try:
            self._process = _start(command, log)
        except OSError:
            self._end_guard()
            raise
        assert self._guard.stdin is not None
        self._guard.stdin.write(str(self._process.pid).encode())
        self._guard.stdin.flush()

    @property
    def running(self) -> bool:
        """Whether the command itself has not ended."""
        return self._process.poll() is None

    def end(self) -> None:
        """Kill all of its processes; quiet if they are gone."""
        self._end_guard()
        _kill(self._process.pid)
        self._process.wait()

    def _end_guard(self) -> None:
        self._guard.kill()
        self._guard.communicate()


def _start(command: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - commands of our own
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _kill(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    pid = sys.stdin.read()
    if pid:
        _kill(int(pid))
