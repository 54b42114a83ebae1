"""Child processes: started together, restarted when one dies, and never left behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_STOP_PATIENCE_S = 5.0
# A process that dies at once would be restarted in a tight loop.
_RESTART_PAUSE_S = 0.5


@dataclass
class Child:
    """One supervised process. ``restarts`` counts how often it had to be started again."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: IO[bytes]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    started_at: float = field(default=0.0)

    def start(self) -> None:
        """Start it in a process group of its own, so that Ctrl-C reaches only the supervisor."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            self.command,
            env=dict(self.environment),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - only prctl is called
        )

    @property
    def running(self) -> bool:
        """Whether it is alive."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to the process and all its children."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return


class Supervisor:
    """Starts children, restarts the ones that die, stops all of them."""

    def __init__(self, log_folder: Path) -> None:
        self._log_folder = log_folder
        self.children: dict[str, Child] = {}
        log_folder.mkdir(parents=True, exist_ok=True)

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        """Start a child; what it prints goes to ``NAME.log``."""
        log = (self._log_folder / f"{name}.log").open("ab")
        child = Child(name, command, environment, folder, log)
        self.children[name] = child
        child.start()

    def heal(self) -> list[str]:
        """Restart what has died; return the names."""
        died = [child for child in self.children.values() if not child.running]
        for child in died:
            if time.monotonic() - child.started_at > _RESTART_PAUSE_S:
                child.signal(signal.SIGKILL)  # what it may have left in its group
                child.restarts += 1
                child.start()
        return [child.name for child in died]

    def stop(self) -> None:
        """Stop all children, by force where they do not listen."""
        for child in self.children.values():
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_PATIENCE_S
        for child in self.children.values():
            _wait(child, deadline)
            child.signal(signal.SIGKILL)
            if child.process is not None:
                child.process.wait()
            child.log.close()
        self.children.clear()


def resident_bytes(pids: Sequence[int]) -> int:
    """Return the resident memory of these processes, shared pages counted in each (Linux)."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def _wait(child: Child, deadline: float) -> None:
    while child.running and time.monotonic() < deadline:
        time.sleep(0.02)


def _die_with_parent() -> None:
    # The kernel sends SIGTERM when the supervisor is gone, even after kill -9.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
