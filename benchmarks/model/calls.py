"""The places that a step calls: how long each takes, and which limits it says "later" by."""

import math
import random
from collections import Counter
from collections.abc import Mapping

import msgspec

from benchmarks.model.gates import Quota
from benchmarks.model.parameters import Latency, Parameters


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place to call. ``quotas``: the name of each limit and the units that a call takes of it."""

    latency: Latency
    quotas: tuple[tuple[str, float], ...] = ()


class Calls:
    """All places, with what is left of their limits."""

    def __init__(
        self, places: Mapping[str, Place], limits: Mapping[str, float], rng: random.Random
    ) -> None:
        self._places = places
        self._quotas = {name: Quota(limit) for name, limit in limits.items()}
        self._rng = rng
        self.refused: Counter[str] = Counter()

    def refusal(self, place: str, now: float) -> float:
        """Return 0 if the call may be made now, else the seconds until a limit's reset."""
        for name, units in self._places[place].quotas:
            wait = self._quotas[name].wait(now, units)
            if wait > 0:
                self.refused[name] += 1
                return wait
        return 0.0

    def duration(self, place: str) -> float:
        """Return how long this call takes."""
        return draw(self._places[place].latency, self._rng)


def draw(latency: Latency, rng: random.Random) -> float:
    """Draw a time."""
    if latency.median == 0:
        return 0.0
    return rng.lognormvariate(math.log(latency.median), latency.sigma)


def places(parameters: Parameters) -> dict[str, Place]:
    """Return every place of the real pipeline."""
    limits = parameters.limits
    quotas: Mapping[str, tuple[tuple[str, float], ...]] = {
        "xendit_create": (("xendit_create", 1),),
        "xendit_get": (("xendit_get", 1),),
        "xendit_find": (("xendit_find", 1),),
        "calendar_insert": (("calendar_user", 1), ("calendar_project", 1)),
        "calendar_get": (("calendar_user", 1), ("calendar_project", 1)),
        "gmail_draft": (("gmail_units", limits.gmail_draft_units),),
        "gmail_send": (("gmail_units", limits.gmail_send_units),),
    }
    latencies = dict(parameters.latency)
    xendit = latencies.pop("xendit")
    latencies |= dict.fromkeys(("xendit_create", "xendit_get", "xendit_find"), xendit)
    return {
        name: Place(latency=latency, quotas=quotas.get(name, ()))
        for name, latency in latencies.items()
    }


def limits_a_minute(parameters: Parameters) -> dict[str, float]:
    """Return the limits that hold for 60 s, by name."""
    names = ("xendit_create", "xendit_get", "xendit_find", "calendar_user", "calendar_project")
    return {name: getattr(parameters.limits, name) for name in (*names, "gmail_units")}
