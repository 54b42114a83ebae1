"""Time, and what goes wrong: shared by all fakes."""

from collections import defaultdict, deque
from datetime import datetime, timedelta

from tests.builders import NOW


class FakeClock:
    """Stands still until it is told to move; sleeping moves it."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.advance(timedelta(seconds=seconds))

    def advance(self, step: timedelta) -> datetime:
        self._now += step
        return self._now


class Faults:
    """Errors to raise at coming calls, by the method's name, each once."""

    def __init__(self) -> None:
        self._before: dict[str, deque[Exception]] = defaultdict(deque)
        self._after: dict[str, deque[Exception]] = defaultdict(deque)

    def before(self, method: str, *errors: Exception) -> None:
        """Fail the next calls without effect."""
        self._before[method].extend(errors)

    def after(self, method: str, *errors: Exception) -> None:
        """Let the next calls take effect and lose their answers."""
        self._after[method].extend(errors)

    def entering(self, method: str) -> None:
        if self._before[method]:
            raise self._before[method].popleft()

    def leaving(self, method: str) -> None:
        if self._after[method]:
            raise self._after[method].popleft()
