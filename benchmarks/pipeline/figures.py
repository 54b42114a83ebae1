"""What the runs of the systems come to."""

import statistics
from collections.abc import Mapping
from typing import Any

from benchmarks.pipeline.load import Run
from benchmarks.pipeline.setting import Setting
from benchmarks.spread import percentile

# The seconds that vendors take, and how many orders are under way at once.
BUSIEST = (0.0, 64)
# Where it is measured how long a room takes beyond what the vendors take.
_WARM = (0.2, 8)
# By the system's name and the setting.
Runs = dict[tuple[str, float, int], list[Run]]


def figures(runs: Runs) -> dict[str, Any]:
    """Return throughput and latencies of all systems, and what they are compared by."""
    settings = {
        Setting(round(latency_s * 1000), at_once, name).key: _setting(played)
        for (name, latency_s, at_once), played in runs.items()
    }
    throughput = {
        name: statistics.median(_rate(r) for r in runs[name, *BUSIEST])
        for name in {key[0] for key in runs}
    }
    pairs = zip(runs["embedded", *BUSIEST], runs["dbos", *BUSIEST], strict=True)
    return {
        "embedded_orders_per_s": round(throughput["embedded"], 2),
        "dbos_orders_per_s": round(throughput["dbos"], 2),
        "ratio": round(throughput["embedded"] / throughput["dbos"], 3),
        "ratio_of_each_round": [round(_rate(a) / _rate(b), 3) for a, b in pairs],
        "ratio_to_dbos_processes": round(throughput["embedded"] / throughput["dbos_processes"], 3),
        "ratio_to_dbos_plain": round(throughput["embedded"] / throughput["dbos_plain"], 3),
        "webhook_to_room_p95_ms_over_vendor": _over_vendor(runs["embedded", *_WARM]),
        **_emulator(runs, throughput),
        "settings": settings,
    }


def _emulator(runs: Runs, throughput: Mapping[str, float]) -> dict[str, Any]:
    if "emulator" not in throughput:
        return {}
    over = _over_vendor(runs["emulator", *_WARM])
    return {
        "emulator_orders_per_s": round(throughput["emulator"], 2),
        "emulator_webhook_to_room_p95_ms_over_vendor": over,
    }


def _over_vendor(played: list[Run]) -> int:
    latency_s, _ = _WARM
    # Its own two requests: the invoice is read back, the event is inserted with its room.
    return round(1000 * (percentile([s for r in played for s in r.room_s], 0.95) - 2 * latency_s))


def _setting(played: list[Run]) -> dict[str, Any]:
    links, rooms = [s for r in played for s in r.link_s], [s for r in played for s in r.room_s]
    return {
        "orders_per_s": [round(_rate(r), 2) for r in played],
        "mails_per_order": round(sum(r.mails for r in played) / sum(r.orders for r in played), 2),
        "order_to_link_ms": _percentiles_ms(links),
        "webhook_to_room_ms": _percentiles_ms(rooms),
    }


def _rate(run: Run) -> float:
    return run.orders / run.duration_s


def _percentiles_ms(seconds: list[float]) -> dict[str, int]:
    return {f"p{q}": round(1000 * percentile(seconds, q / 100)) for q in (50, 95, 99)}
