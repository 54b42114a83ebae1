"""What is played: a system, the vendors' latency, and how many orders are under way at once."""

import re
from typing import NamedTuple

_KEY = re.compile(r"(?P<system>\w+), vendors (?P<latency>\d+) ms, (?P<at_once>\d+) at once")


class Setting(NamedTuple):
    """One setting; settings stand in the order of their load."""

    latency_ms: int
    at_once: int
    system: str

    @classmethod
    def of(cls, key: str) -> "Setting":
        """Return the setting that the results name so."""
        found = _KEY.fullmatch(key)
        assert found is not None, key
        return cls(int(found["latency"]), int(found["at_once"]), found["system"])

    @property
    def key(self) -> str:
        """Its name in the results."""
        return f"{self.system}, vendors {self.latency_ms} ms, {self.at_once} at once"
