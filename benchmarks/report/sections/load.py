"""What the whole chain does on one machine, beside a durable-execution peer that does the same."""

from collections.abc import Iterator, Sequence

from benchmarks.report import plots
from benchmarks.report.blocks import Block, Plot, Table
from benchmarks.report.evidence import Load, Quantiles
from benchmarks.report.numbers import number, span
from benchmarks.report.words import Text, both, say

# In the order in which they are drawn.
_COLOURS = {"embedded": plots.ACCENT, "emulator": plots.PALE, "dbos": plots.SOFT}


def blocks(loads: Sequence[Load]) -> Iterator[Block]:
    """Yield a drawing and a table for each latency of the vendors."""
    for latency in sorted({load.setting.latency_ms for load in loads}):
        of = sorted(
            (load for load in loads if load.setting.latency_ms == latency),
            key=lambda load: load.setting,
        )
        yield _plot(of, latency)
        yield _table(of, latency)


def _plot(loads: Sequence[Load], latency_ms: int) -> Block:
    drawn = {
        system: {load.setting.at_once: load.rate for load in loads if load.setting.system == system}
        for system in _COLOURS
    }
    return Plot(
        svg=plots.lines(
            [(say(f"system.{name}"), of, _COLOURS[name]) for name, of in drawn.items() if of],
            across=say("capability.load_axis"),
            up=say("capability.rate"),
        ),
        caption=say("capability.load_plot", latency=span(latency_ms / 1000)),
    )


def _table(loads: Sequence[Load], latency_ms: int) -> Block:
    names = ("at_once", "system", "rate", "link_quantiles", "room_quantiles")
    return Table(
        caption=say("capability.load", latency=span(latency_ms / 1000)),
        head=tuple(say(f"capability.{name}") for name in names),
        rows=tuple(_row(load) for load in loads),
        worded=(1,),
    )


def _row(load: Load) -> tuple[Text, ...]:
    return (
        both(number(load.setting.at_once)),
        say(f"system.{load.setting.system}"),
        both(number(load.rate, 1)),
        _quantiles(load.order_to_link_ms),
        _quantiles(load.webhook_to_room_ms),
    )


def _quantiles(seen: Quantiles) -> Text:
    shown = {name: span(getattr(seen, name) / 1000) for name in Quantiles.__struct_fields__}
    return say("capability.quantiles", **shown)
