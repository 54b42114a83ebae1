"""A monkey that kills the processes of a world, again and again, and has them started anew."""

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from local.processes import Supervisor
from local.topology import FUNCTIONS

_PAUSES_S = (0.5, 3.0)
_LOOK_S = 0.05
# The steps that every order goes through, and what brings them their messages, die more often.
_OFTEN = ("create_invoice", "payment_callback", "create_meeting", "send_notification", "dispatcher")
_WEIGHT_OFTEN = 3
# Most crashes are those of a worker, which its server replaces by itself.
_WORKER_SHARE = 0.7


class Monkey:
    """Kills by SIGKILL in a thread of its own while the block lasts; nobody is asked to stop.

    ``kills`` counts by process: ``NAME/worker`` is the one that serves, which the server forks
    anew; ``NAME/server`` is all of a function, which the supervisor starts anew.
    """

    def __init__(self, supervisor: Supervisor, rng: random.Random) -> None:
        self._supervisor = supervisor
        self._rng = rng
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monkey", daemon=True)
        self.kills: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        next_at = self._next_kill()
        while not self._over.wait(_LOOK_S):
            self._supervisor.heal()
            if time.monotonic() >= next_at:
                self._kill(self._victim())
                next_at = self._next_kill()
        self._supervisor.heal()

    def _next_kill(self) -> float:
        shortest, longest = _PAUSES_S
        return time.monotonic() + self._rng.triangular(shortest, longest, shortest)

    def _victim(self) -> str:
        killable = {*_OFTEN, *(function.name for function in FUNCTIONS)}
        names = sorted(killable.intersection(self._supervisor.children))
        weights = [_WEIGHT_OFTEN if name in _OFTEN else 1 for name in names]
        return self._rng.choices(names, weights)[0]

    def _kill(self, name: str) -> None:
        server = self._supervisor.children[name].process.pid
        workers = _children(server)
        if workers and self._rng.random() < _WORKER_SHARE:
            pid, what = self._rng.choice(workers), f"{name}/worker"
        else:
            pid, what = server, f"{name}/server" if workers else name
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.kills[what] += 1


def _children(pid: int) -> list[int]:
    """Return a process's children where the system tells them, as Linux does."""
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []
