"""What makes requests wait: places with room for so many, and limits of so many in a while."""

import math
from collections import deque
from collections.abc import Generator
from typing import Any

import simpy

Waits = Generator[simpy.Event, Any, None]


class Gate:
    """Lets at most ``room`` through at a time, first come first served; ``room`` may change.

    Who is ``patient`` gives way to all others.
    """

    def __init__(self, env: simpy.Environment, room: int) -> None:
        self._env = env
        self._room = room
        self._queue: deque[simpy.Event] = deque()
        self._patient: deque[simpy.Event] = deque()
        self.inside = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue) + len(self._patient)

    @property
    def room(self) -> int:
        """How many may be inside."""
        return self._room

    @room.setter
    def room(self, room: int) -> None:
        self._room = room
        self._let_in()

    def enter(self, *, patient: bool = False) -> simpy.Event:
        """Return the event of being inside; it has happened already where there is room."""
        entry = self._env.event()
        (self._patient if patient else self._queue).append(entry)
        self._let_in()
        return entry

    def give_up(self, entry: simpy.Event) -> bool:
        """Stop waiting; return False if it is too late for that."""
        try:
            self._queue.remove(entry)
        except ValueError:
            return False
        return True

    def leave(self) -> None:
        """Make room for the next."""
        self.inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self.waiting and self.inside < self._room:
            self.inside += 1
            (self._queue or self._patient).popleft().succeed()


class Processor:
    """Cores that several processes share in slices, each process on one core at a time.

    A process with threads under the global interpreter lock is one of these processes.
    """

    SLICE_S = 0.005  # of CPython's lock: sys.getswitchinterval()

    def __init__(self, env: simpy.Environment, cores: Gate, speed: float = 1.0) -> None:
        self._env = env
        self._cores = cores
        self._speed = speed
        self._lock = Gate(env, 1)
        self.used = 0.0

    def work(self, seconds: float) -> Waits:
        """Do work that takes so many seconds of the reference processor."""
        left = seconds / self._speed
        self.used += left
        while left > 0:
            part = min(left, self.SLICE_S)
            yield self._lock.enter()
            yield self._cores.enter()
            yield self._env.timeout(part)
            self._cores.leave()
            self._lock.leave()
            left -= part


class Quota:
    """Allows so many units in each window of ``window`` seconds; the window begins when it is used.

    As Xendit's and Google's limits, which say "later" rather than let wait.
    """

    def __init__(self, limit: float, window: float = 60.0) -> None:
        self._limit = limit
        self._window = window
        self._began = -math.inf
        self._used = 0.0
        self.refused = 0

    def wait(self, now: float, units: float = 1.0) -> float:
        """Take the units and return 0, or take nothing and return the seconds until the reset."""
        if now >= self._began + self._window:
            self._began, self._used = now, 0.0
        if self._used + units > self._limit:
            self.refused += 1
            return self._began + self._window - now
        self._used += units
        return 0.0


def next_window(window: int, acks: int, *, refused: bool, largest: int) -> tuple[int, int]:
    """Return a push window and the acks since it last changed, after one more answer.

    Slow start: a window full of acks doubles it, a refusal halves it.
    """
    if refused:
        return max(1, window // 2), 0
    if acks + 1 >= window:
        return min(largest, window * 2), 0
    return window, acks + 1
