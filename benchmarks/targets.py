"""What the benchmarks are to reach, and how near the results on file have come to it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from benchmarks.model.latest import cold_starts
from benchmarks.report.words import words

COLD_START = 1.15
COLD_START_OF = {"payment_callback": 1.1}
CPU_PER_EVENT = 1.25
TIMES_THE_PEER = 1.0
MS_OVER_VENDOR = 250.0
TIMES_THE_LEAST = 1.3
# What a tick may read beside the orders that are due, however many are stored.
READS_BESIDE_THE_DUE = 0
FORECAST_ERROR = 0.2


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A figure and its limit. ``name`` is a key of the report's words, below ``target``.

    ``worst`` is which of several things the figure is of: the one that is nearest to the limit.
    """

    name: str
    seen: float
    limit: float
    at_least: bool = False
    worst: str = ""

    @property
    def described(self) -> tuple[str, str, str]:
        """What it is of, its limit, and what was measured, in English."""
        of = f" ({self.worst})" if self.worst else ""
        bound = "at least" if self.at_least else "at most"
        return (
            f"{words()[f'target.{self.name}'].en}{of}",
            f"{bound} {self.limit:g}",
            f"{self.seen:g}",
        )

    @property
    def met(self) -> bool:
        """Whether the figure keeps its limit."""
        return self.seen >= self.limit if self.at_least else self.seen <= self.limit


def targets(latest: Mapping[str, Any]) -> list[Target]:
    """Return all targets of which there are figures."""
    return [
        *_cold_starts(cold_starts(latest)),
        *_cpu_per_event(latest.get("cpu_per_event", {})),
        *_pipeline(latest.get("pipeline", {})),
        *_ticks(latest.get("ticks", {})),
        *_operations(latest.get("operations", {})),
        *_model(latest.get("model", {})),
    ]


def _cold_starts(functions: Mapping[str, Any]) -> Iterator[Target]:
    others = {name: seen for name, seen in functions.items() if name not in COLD_START_OF}
    if others:
        yield _worst("cold_start", others, COLD_START)
    for name, limit in COLD_START_OF.items():
        if name in functions:
            yield _worst("cold_start", {name: functions[name]}, limit)


def _cpu_per_event(functions: Mapping[str, Any]) -> Iterator[Target]:
    # The embedded backend's floor is mostly Flask: what is deployed is what has a target.
    measured = {name: seen for name, seen in functions.items() if "ratio" in seen}
    if measured:
        yield _worst("cpu_per_event", measured, CPU_PER_EVENT)


def _worst(name: str, functions: Mapping[str, Any], limit: float) -> Target:
    worst = max(functions, key=lambda function: functions[function]["ratio"])
    return Target(name=name, seen=functions[worst]["ratio"], limit=limit, worst=worst)


def _pipeline(figures: Mapping[str, Any]) -> Iterator[Target]:
    if not figures:
        return
    yield Target(name="peer", seen=figures["ratio"], limit=TIMES_THE_PEER, at_least=True)
    for backend, begin in (("embedded", ""), ("emulator", "emulator_")):
        seen = figures.get(f"{begin}webhook_to_room_p95_ms_over_vendor")
        if seen is not None:
            yield Target(name="over_vendor", seen=seen, limit=MS_OVER_VENDOR, worst=backend)


def _ticks(figures: Mapping[str, Any]) -> Iterator[Target]:
    if not figures:
        return
    limit = figures["due"] + READS_BESIDE_THE_DUE
    for tick, begin in (("send_reminder", ""), ("reconcile_orders", "reconcile_")):
        reads = {stored: figures[f"{begin}reads_{stored}"] for stored in ("1k", "100k")}
        yield Target(name="ticks", seen=max(reads.values()), limit=limit, worst=tick)


def _operations(paths: Mapping[str, Any]) -> Iterator[Target]:
    if "happy" in paths:
        yield Target(name="operations", seen=paths["happy"]["ratio"], limit=TIMES_THE_LEAST)


def _model(figures: Mapping[str, Any]) -> Iterator[Target]:
    if "forecast_error" in figures:
        yield Target(name="forecast", seen=figures["forecast_error"], limit=FORECAST_ERROR)
