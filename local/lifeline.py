"""Commands whose processes, grandchildren included, end with the process that started them.

``python -m local.lifeline`` is the guard of all commands of one process. It reads the ids of their
process groups from standard input, which stays open until the starter ends, in whatever way; then
it kills those groups. A command waits until the guard knows of it. A parent-death signal would
reach only children, and only on Linux.
"""

import atexit
import errno
import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).parent.parent
# Becomes the command once it is told to, and ends if its starter has ended before.
_HELD = ("/bin/sh", "-c", 'read -r _ && exec "$@" </dev/null', "sh")


class TetheredProcess:
    """A command in a session of its own, its output appended to ``log``.

    A command that moves itself to a process group of its own, as gcloud does, stays in the one it
    gets here, since the leader of a session cannot leave its group.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path = _ROOT,
    ) -> None:
        _check_exists(command[0], os.environ if environment is None else environment)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - commands of our own
                [*_HELD, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=None if environment is None else dict(environment),
                cwd=folder,
            )
        _tell_guard(f"+{self._process.pid}")
        self._let_go()

    @property
    def pid(self) -> int:
        """The command's process id, which is also that of its group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the command itself has not ended."""
        return self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to all of its processes; quiet if they are gone."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def end(self) -> None:
        """Kill all of its processes; quiet if they are gone."""
        self.signal(signal.SIGKILL)
        self._process.wait()
        _tell_guard(f"-{self._process.pid}")

    def _let_go(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with suppress(BrokenPipeError), pipe:
            pipe.write(b"\n")


def _check_exists(program: str, environment: Mapping[str, str]) -> None:
    if shutil.which(program, path=environment.get("PATH")) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)


def _tell_guard(line: str) -> None:
    pipe = _guard().stdin
    assert pipe is not None
    pipe.write(f"{line}\n".encode())
    pipe.flush()


@functools.cache
def _guard() -> "subprocess.Popen[bytes]":
    guard = subprocess.Popen(
        [sys.executable, "-m", "local.lifeline"],
        stdin=subprocess.PIPE,
        start_new_session=True,
        cwd=_ROOT,
    )
    atexit.register(guard.communicate)
    return guard


def _kill_when_told_no_more(lines: Iterable[str]) -> None:
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    _kill_when_told_no_more(sys.stdin)
