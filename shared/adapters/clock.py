"""Clocks: the machine's own, and the local world's, which can be moved forward."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current instant in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for that many real seconds."""
        time.sleep(seconds)


class OffsetClock:
    """The machine's clock plus an offset kept in a file, shared by all local processes.

    The file holds ``{"offset_s": 86400.0}``; a missing file means no offset. It is read at every
    call, so moving the local world's time forward needs no message to anyone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """Return the local world's current instant in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._offset_s())

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for that many real seconds."""
        time.sleep(seconds)

    def advance(self, seconds: float) -> datetime:
        """Move the world forward and return its new now. Time never goes back."""
        if seconds < 0:
            raise ValueError("time only moves forward")
        replacement = self._path.with_suffix(".tmp")
        replacement.write_text(json.dumps({"offset_s": self._offset_s() + seconds}))
        replacement.replace(self._path)
        return self.now()

    def _offset_s(self) -> float:
        try:
            return float(json.loads(self._path.read_text())["offset_s"])
        except FileNotFoundError:
            return 0.0
