"""The tables of docs/performance.md, written from the results: ``python -m benchmarks.document``.

Each stands between ``<!-- its name -->`` and ``<!-- end -->``. A dash is what was not measured: the
figures of production's clients where the emulators could not be started.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from benchmarks.model import latest
from benchmarks.pipeline.setting import Setting
from benchmarks.targets import Target, targets
from local.staging import ROOT

PATH = ROOT / "docs" / "performance.md"
_TABLE = re.compile(r"<!-- (?P<name>\w+) -->\n.*?<!-- end -->", re.DOTALL)
_COUNTS = ("reads", "writes", "messages", "pushed", "vendor_calls")
_UNKNOWN = "-"
_MET = {True: "kept", False: "**missed**"}
_QUANTILES = ("p50", "p95", "p99")

Figures = Mapping[str, Any]
Row = Sequence[object]


def rewritten(text: str, known: Figures) -> str:
    """Return the document with the tables of these results. Raises KeyError for what they lack."""

    def table(found: re.Match[str]) -> str:
        name = found["name"]
        written = _OF_ALL[name](known) if name in _OF_ALL else _WRITERS[name](known[name])
        return f"<!-- {name} -->\n{written}\n<!-- end -->"

    return _TABLE.sub(table, text)


def write() -> None:
    """Write the document's tables from the results on file."""
    text = PATH.read_text(encoding="utf-8")
    PATH.write_text(rewritten(text, latest.read()), encoding="utf-8")


def _targets(known: Figures) -> str:
    heads = ["target", "limit", "measured", ""]
    return _table(heads, (_target(target) for target in targets(known)))


def _target(target: Target) -> Row:
    return [*target.described, _MET[target.met]]


def _compared(known: Figures) -> str:
    figures = known["pipeline"]
    shown = {
        "ratio": "orders a second, times those of `dbos`",
        "ratio_of_each_round": "the same, of each round",
        "ratio_to_dbos_processes": "orders a second, times those of `dbos_processes`",
        "ratio_to_dbos_plain": "orders a second, times those of `dbos_plain`",
        "webhook_to_room_p95_ms_over_vendor": "webhook → room, p95 beyond the vendors' 400 ms, warm, 8 at once",
        "emulator_webhook_to_room_p95_ms_over_vendor": "the same on the emulators",
    }
    rows = ([what, _cell(figures.get(name, _UNKNOWN))] for name, what in shown.items())
    return _table(["of ours", ""], rows)


def _operations(paths: Figures) -> str:
    heads = ["path", "reads", "writes", "messages", "pushed", "vendors", "all", "least", "ratio"]
    return _table(
        heads,
        (
            [
                path,
                *(counts[c] for c in _COUNTS),
                _sum(counts),
                _sum(counts["minimum"]),
                counts["ratio"],
            ]
            for path, counts in sorted(paths.items(), key=lambda item: item[1]["ratio"])
        ),
    )


def _sum(counts: Figures) -> int:
    return sum(counts[count] for count in (*_COUNTS, "deletes"))


def _ticks(figures: Figures) -> str:
    times, sizes = figures["median_ms"], figures["store_bytes_per_order"]
    rows = (
        [
            stored,
            f"{times['reminder'][stored]} ms",
            f"{times['reconcile'][stored]} ms",
            f"{size} bytes",
        ]
        for stored, size in sorted(sizes.items(), key=lambda item: int(item[0]))
    )
    return _table(["orders stored", "reminder tick", "reconcile tick", "store per order"], rows)


def _cold_start(functions: Figures) -> str:
    own = ["ms", "floor_ms", "ratio", "ratio_interval", "cpu_ratio", "rss_mb"]
    return _table(
        [
            *(
                "function",
                "ms",
                "same imports, ms",
                "ratio",
                "sure to 95 %",
                "processor time, ratio",
            ),
            *("memory, MB", "embedded: ratio", "processor time, ratio"),
        ],
        (
            [f"`{name}`", *_some(seen, own), *_some(seen["embedded"], ["ratio", "cpu_ratio"])]
            for name, seen in sorted(functions.items())
        ),
    )


def _cpu_per_event(functions: Figures) -> str:
    heads, own = ["ms", "same calls, ms", "ratio"], ["ms", "floor_ms", "ratio"]
    rows = []
    for name, seen in sorted(functions.items()):
        shown = {f"`{name}`": seen}
        if "page" in seen:
            shown = {f"`{name}`, a form": seen, f"`{name}`, a page": seen["page"]}
        rows += [
            [n, *_some(s, [*own, "pair_quartiles"]), *_some(s["embedded"], own)]
            for n, s in shown.items()
        ]
    return _table(["function", *heads, "quartiles", f"embedded: {heads[0]}", *heads[1:]], rows)


def _pipeline(figures: Figures) -> str:
    settings = {Setting.of(key): seen for key, seen in figures["settings"].items()}
    rows = (
        [
            *(f"{latency} ms", at_once, f"`{system}`"),
            " and ".join(str(rate) for rate in seen["orders_per_s"]),
            *(_quantiles(seen[what]) for what in ("order_to_link_ms", "webhook_to_room_ms")),
        ]
        for (latency, at_once, system), seen in sorted(settings.items())
    )
    shown = " / ".join(_QUANTILES)
    return _table(
        [
            *("vendors", "at once", "system", "orders a second"),
            *(f"order → link {shown}, ms", f"webhook → room {shown}, ms"),
        ],
        rows,
    )


def _concurrency(functions: Figures) -> str:
    numbers = sorted({int(number) for levels in functions.values() for number in levels})
    rows = (
        [f"`{name}`", *(_level(levels[str(number)]) for number in numbers)]
        for name, levels in functions.items()
    )
    return _table(["function", *numbers], rows)


def _model(check: Figures) -> str:
    forecast, measured, errors = check["forecast"], check["measured"], check["errors"]
    shown = {
        "order to invoice, median, ms": ("order_to_invoice", 1000),
        "payment to room, median, ms": ("payment_to_room", 1000),
        "rooms a second": ("throughput", 1),
    }
    rows = (
        [
            what,
            *(f"{unit * figures[name]:.3g}" for figures in (forecast, measured)),
            _share(errors[name]),
        ]
        for what, (name, unit) in shown.items()
    )
    return _table(["figure", "forecast", "measured", "apart"], rows)


def _share(part: float) -> str:
    return f"{100 * part:.1f} %"


def _level(seen: Figures) -> str:
    return (
        f"{seen['requests_per_s']} ({100 * seen['share']:.0f} %), {seen['p95_ms_over_vendor']} ms"
    )


def _quantiles(seen: Figures) -> str:
    return " / ".join(str(seen[quantile]) for quantile in _QUANTILES)


def _some(figures: Figures, names: Sequence[str]) -> list[object]:
    return [_cell(figures.get(name, _UNKNOWN)) for name in names]


def _cell(figure: object) -> object:
    """Return a figure, of an interval or of quartiles the bounds."""
    return f"{figure[0]} to {figure[-1]}" if isinstance(figure, list) else figure


def _table(heads: Row, rows: Iterable[Row]) -> str:
    lines = [f"| {' | '.join(str(cell) for cell in line)} |" for line in (heads, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(heads)}", *lines[1:]])


# What is made of more than the section of its name.
_OF_ALL: Mapping[str, Callable[[Figures], str]] = {"targets": _targets, "compared": _compared}
_WRITERS: Mapping[str, Callable[[Any], str]] = {
    "machine": lambda machine: f"The figures below are of {machine}.",
    "operations": _operations,
    "ticks": _ticks,
    "cold_start": _cold_start,
    "cpu_per_event": _cpu_per_event,
    "concurrency": _concurrency,
    "pipeline": _pipeline,
    "model": _model,
}


if __name__ == "__main__":
    write()
