"""The request budget of each endpoint."""

import math
from collections import Counter
from collections.abc import Callable

import msgspec


class Allowance(msgspec.Struct, frozen=True):
    """What is left of an endpoint's budget; ``reset_s`` whole real seconds until it is full again."""

    granted: bool
    limit: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """Return Xendit's three headers about the budget."""
        return {
            "Rate-Limit-Limit": str(self.limit),
            "Rate-Limit-Remaining": str(self.remaining),
            "Rate-Limit-Reset": str(self.reset_s),
        }


class RateLimiter:
    """A fixed window per endpoint: ``limit`` requests in ``window_s`` real seconds.

    ``read_seconds`` is a monotonic clock. ``refused`` counts the requests that came too many;
    ``limit`` may be changed.
    """

    def __init__(self, limit: int, window_s: float, read_seconds: Callable[[], float]) -> None:
        self.limit = limit
        self._window_s = window_s
        self._read_seconds = read_seconds
        self._windows: dict[str, tuple[float, int]] = {}
        self.refused: Counter[str] = Counter()

    def take(self, endpoint: str) -> Allowance:
        """Spend one request of the endpoint's budget, if there is one."""
        started, used = self._window(endpoint)
        granted = used < self.limit
        self.refused[endpoint] += not granted
        self._windows[endpoint] = (started, used + granted)
        return self._allowance(started, used + granted, granted=granted)

    def refuse(self, endpoint: str) -> Allowance:
        """Return what an endpoint says whose budget is spent, whatever is left of it."""
        started, _ = self._window(endpoint)
        return self._allowance(started, self.limit, granted=False)

    def clear(self) -> None:
        """Fill all budgets."""
        self._windows.clear()
        self.refused.clear()

    def _window(self, endpoint: str) -> tuple[float, int]:
        now = self._read_seconds()
        started, used = self._windows.get(endpoint, (now, 0))
        return (now, 0) if now - started >= self._window_s else (started, used)

    def _allowance(self, started: float, used: int, *, granted: bool) -> Allowance:
        left_s = started + self._window_s - self._read_seconds()
        return Allowance(granted, self.limit, self.limit - used, max(1, math.ceil(left_s)))
