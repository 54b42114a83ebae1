"""When what is due."""

from bisect import bisect_left, bisect_right, insort
from datetime import datetime


class Agenda:
    """Keys in the order of the instants at which something is to happen to them.

    It costs nothing to ask again and again while nothing is due.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, str]] = []

    def add(self, at: datetime, key: str) -> None:
        """Note that ``key`` is due at ``at``."""
        insort(self._entries, (at, key))

    def remove(self, at: datetime, key: str) -> None:
        """Forget an entry; one that is not there any more is no error."""
        place = bisect_left(self._entries, (at, key))
        if self._entries[place : place + 1] == [(at, key)]:
            del self._entries[place]

    def take_due(self, now: datetime, limit: int | None = None) -> list[str]:
        """Remove and return at most ``limit`` keys that are due, the earliest first."""
        taken = self._entries[: self.count_due(now)][:limit]
        del self._entries[: len(taken)]
        return [key for _, key in taken]

    def count_due(self, now: datetime) -> int:
        """Return how many keys are due."""
        return bisect_right(self._entries, now, key=lambda entry: entry[0])

    def next_after(self, now: datetime) -> datetime | None:
        """Return the earliest instant after ``now`` at which something is due."""
        place = self.count_due(now)
        return self._entries[place][0] if place < len(self._entries) else None

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
