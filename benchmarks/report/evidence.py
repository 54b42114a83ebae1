"""All that has been measured, as far as it has: one file for each source, any of which may lack."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from benchmarks.model.latest import cold_starts
from benchmarks.model.study import Row
from benchmarks.pipeline.setting import Setting
from benchmarks.report import sus
from benchmarks.report.sus import Usability
from benchmarks.targets import Target, targets
from shared.errors import PipelineError


class EvidenceError(PipelineError):
    """A file of results cannot be read; the message names it."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Medians in seconds, throughput in orders a second."""

    order_to_invoice: float
    payment_to_room: float
    throughput: float


class ModelCheck(msgspec.Struct, frozen=True, kw_only=True):
    """How far the model's forecast was from a real run."""

    forecast_error: float
    forecast: Figures
    measured: Figures
    orders: int
    rate: float


class PipelineSpeed(msgspec.Struct, frozen=True, kw_only=True):
    """What the local world does on one machine."""

    embedded_orders_per_s: float | None = None
    webhook_to_room_p95_ms_over_vendor: float | None = None


class Quantiles(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds within which so many of a hundred orders were done."""

    p50: float
    p95: float
    p99: float


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What a system did under one load, over all rounds; ``rate`` is orders a second."""

    setting: Setting
    rate: float
    order_to_link_ms: Quantiles
    webhook_to_room_ms: Quantiles


class ColdStart(msgspec.Struct, frozen=True, kw_only=True):
    """How long a function takes until it can answer."""

    ms: float
    rss_mb: float | None = None


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over simulated worlds. ``faults`` by kind; ``pairs`` reached and possible."""

    seeds: int
    orders: int
    mails: int
    violations: int
    faults: dict[str, int]
    pairs_reached: int
    pairs: int


class ChaosSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Orders of a chaos run, by how they ended."""

    orders: int
    scheduled: int
    duration_s: float


class Chaos(msgspec.Struct, frozen=True, kw_only=True):
    """What ``python -m local chaos --json`` writes, as far as it is used."""

    summary: ChaosSummary
    violations: list[Any]
    faults: dict[str, int]
    kills: dict[str, int]


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """What ``python -m local burst --json`` writes, as far as it is used."""

    orders: int
    invoiced: int
    duration_s: float
    refused_by_rate_limit: int
    most_deliveries_of_one: int
    given_up: int


class UserTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task that the browser tests did: seconds and steps."""

    task: str
    seconds: float
    steps: int


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything. None, or empty, is what nobody has measured."""

    date: str | None = None
    machine: str | None = None
    check: ModelCheck | None = None
    speed: PipelineSpeed | None = None
    loads: list[Load] = []
    targets: list[Target] = []
    cold_starts: dict[str, ColdStart] = {}
    rows: list[Row] = []
    simulation: Simulation | None = None
    chaos: Chaos | None = None
    burst: Burst | None = None
    tasks: list[UserTask] = []
    usability: Usability | None = None


def collect(folder: Path) -> Evidence:
    """Read what there is in the folder of results. Raises EvidenceError, AnswersError."""
    latest = _read(folder / "latest.json", dict[str, Any]) or {}
    model = latest.get("model", {})
    return Evidence(
        date=latest.get("date"),
        machine=latest.get("machine"),
        check=_section({"": model} if "forecast" in model else {}, "", ModelCheck),
        speed=_section(latest, "pipeline", PipelineSpeed),
        loads=_loads(latest),
        targets=_targets(latest),
        cold_starts=_section(
            {"cold_start": cold_starts(latest)}, "cold_start", dict[str, ColdStart]
        ),
        rows=_read(folder / "model.json", list[Row]) or [],
        simulation=_read(folder / "simulation.json", Simulation),
        chaos=_read(folder / "chaos.json", Chaos),
        burst=_read(folder / "burst.json", Burst),
        tasks=_read(folder / "tasks.json", list[UserTask]) or [],
        usability=sus.read(folder / "sus.csv"),
    )


def _targets(latest: Mapping[str, Any]) -> list[Target]:
    try:
        return targets(latest)
    except (KeyError, TypeError) as error:
        raise EvidenceError(f"latest.json: {error!r} where a target's figure should be") from error


def _loads(latest: Mapping[str, Any]) -> list[Load]:
    settings = latest.get("pipeline", {}).get("settings", {})
    found = {
        "pipeline": [
            seen | {"setting": Setting.of(key), "rate": median(seen["orders_per_s"])}
            for key, seen in settings.items()
        ]
    }
    loads: list[Load] = _section(found, "pipeline", list[Load])
    return loads


def _section(latest: Mapping[str, Any], name: str, kind: Any) -> Any:
    if name not in latest:
        return None
    try:
        return msgspec.convert(latest[name], kind)
    except msgspec.ValidationError as error:
        raise EvidenceError(f"the section {name!r} of latest.json: {error}") from error


def _read(path: Path, kind: Any) -> Any:
    if not path.exists():
        return None
    try:
        return msgspec.convert(json.loads(path.read_text(encoding="utf-8")), kind)
    except (ValueError, msgspec.ValidationError) as error:
        raise EvidenceError(f"{path}: {error}") from error
