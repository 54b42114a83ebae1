"""Virtual time, and the greenlets that live in it: one thread, one order of events a seed."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from greenlet import getcurrent, greenlet

from local.evidence import SeenAction

Action = Callable[[], None]


class Reply(Enum):
    """What the caller of a step gets to know."""

    DONE = "done"
    AGAIN = "again"


Answer = Callable[[Reply], None]


class KilledError(BaseException):
    """The process that ran the task is gone. No handler of errors may catch it."""


@dataclass(eq=False)
class Task:
    """A running use case; ``action`` is the link that a person follows with it."""

    name: str
    started: datetime
    order_id: str = ""
    action: SeenAction | None = None
    fibre: greenlet = field(init=False, repr=False)


class Kernel:
    """Runs what is due, earliest first; what falls on one instant in the order it was planned."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.tasks: list[Task] = []
        self.current: Task | None = None
        self._agenda: list[tuple[datetime, int, Action]] = []
        self._numbers = itertools.count()
        self._main = getcurrent()

    def at(self, when: datetime, action: Action) -> None:
        """Plan an action."""
        heapq.heappush(self._agenda, (when, next(self._numbers), action))

    def after(self, seconds: float, action: Action) -> None:
        """Plan an action ``seconds`` from now."""
        self.at(self.now + timedelta(seconds=seconds), action)

    def spawn(
        self, name: str, body: Action, order_id: str = "", action: SeenAction | None = None
    ) -> Task:
        """Start a task now; ``body`` must not let any exception out but KilledError."""
        task = Task(name=name, started=self.now, order_id=order_id, action=action)

        def run() -> None:
            try:
                body()
            except KilledError:
                pass
            finally:
                self.tasks.remove(task)

        task.fibre = greenlet(run, parent=self._main)
        self.tasks.append(task)
        self.at(self.now, lambda: self._resume(task))
        return task

    def pause(self, seconds: float) -> None:
        """Give way: the running task goes on ``seconds`` later, others meanwhile."""
        task = self.current
        assert task is not None, "only a task can wait"
        self.after(seconds, lambda: self._resume(task))
        self._main.switch()

    def jump(self, seconds: float) -> None:
        """Let the clocks of all machines leap forward; what was planned meanwhile comes late."""
        self.now += timedelta(seconds=seconds)

    def next_at(self) -> datetime | None:
        """Return when something is planned."""
        return self._agenda[0][0] if self._agenda else None

    def step(self) -> None:
        """Do the next thing that is planned."""
        when, _, action = heapq.heappop(self._agenda)
        self.now = max(self.now, when)
        action()

    def kill_all(self) -> None:
        """End the tasks that are still running."""
        for task in tuple(self.tasks):
            self.current = task
            task.fibre.throw(KilledError)
        self.current = None

    def _resume(self, task: Task) -> None:
        self.current = task
        task.fibre.switch()
        self.current = None


class VirtualClock:
    """The Clock of all processes: the kernel's time. Sleeping gives way."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def now(self) -> datetime:
        return self._kernel.now

    def sleep(self, seconds: float) -> None:
        self._kernel.pause(seconds)
