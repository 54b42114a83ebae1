"""Capability: how much it can do, measured here and modelled for the cloud."""

from collections.abc import Iterator, Sequence

from benchmarks.model.study import Row
from benchmarks.report import plots
from benchmarks.report.blocks import (
    Block,
    Card,
    Cards,
    Note,
    Plot,
    Section,
    Table,
    missing,
    section,
)
from benchmarks.report.effort import Assumptions
from benchmarks.report.evidence import Evidence, ModelCheck
from benchmarks.report.numbers import Figure, number, percent, plain, span, times
from benchmarks.report.sections import load
from benchmarks.report.words import Text, both, say, words
from benchmarks.targets import FORECAST_ERROR, Target

_SHOWN_RESOURCES = 12
# No ratio comes near it.
_COUNTS_FROM = 50


def write(evidence: Evidence, _known: Assumptions) -> Section:
    """Return the section."""
    return section("capability", _headline(evidence), list(_blocks(evidence)))


def _headline(evidence: Evidence) -> Card | None:
    if not evidence.rows:
        return None
    first = evidence.rows[0].resources[0]
    return Card(
        figure=both(number(_rounded(first.orders_a_day))),
        label=say("capability.headline", what=resource(first.name)),
    )


def _blocks(evidence: Evidence) -> Iterator[Block]:
    measured = list(_measured(evidence))
    yield Cards(tuple(measured)) if measured else missing("load", "make bench")
    if evidence.targets:
        yield _targets(evidence.targets)
    yield from load.blocks(evidence.loads)
    if evidence.check is not None:
        yield _check(evidence.check)
    else:
        yield missing("check", "python -m benchmarks.model --check")
    if evidence.rows:
        yield _volumes(evidence.rows)
        yield _ceilings(evidence.rows[-1])
        yield Note(say("capability.peak_note"))
    else:
        yield missing("model", "python -m benchmarks.model")


def _measured(evidence: Evidence) -> Iterator[Card]:
    speed = evidence.speed
    if speed is not None and speed.embedded_orders_per_s is not None:
        yield Card(
            figure=both(number(speed.embedded_orders_per_s, 1)),
            label=say("capability.orders_per_s"),
        )
    if speed is not None and speed.webhook_to_room_p95_ms_over_vendor is not None:
        yield Card(
            figure=both(span(speed.webhook_to_room_p95_ms_over_vendor / 1000)),
            label=say("capability.over_vendor"),
        )
    if evidence.check is not None:
        met = evidence.check.forecast_error <= FORECAST_ERROR
        yield Card(
            figure=both(percent(evidence.check.forecast_error, 1)),
            label=say("capability.forecast_error", target=percent(FORECAST_ERROR)),
            mood="good" if met else "bad",
        )
    if evidence.burst is not None:
        done = evidence.burst.invoiced == evidence.burst.orders and not evidence.burst.given_up
        yield Card(
            figure=both(number(evidence.burst.orders)),
            label=say(
                "capability.burst",
                time=span(evidence.burst.duration_s),
                later=number(evidence.burst.refused_by_rate_limit),
                given_up=number(evidence.burst.given_up),
            ),
            mood="good" if done else "bad",
        )
    if evidence.cold_starts:
        slowest = max(start.ms for start in evidence.cold_starts.values())
        yield Card(figure=both(span(slowest / 1000)), label=say("capability.cold_start"))


def _targets(targets: Sequence[Target]) -> Block:
    return Table(
        caption=say("capability.targets"),
        head=tuple(say(f"capability.{name}") for name in ("target", "bound", "seen", "verdict")),
        rows=tuple(_target(target) for target in targets),
        worded=(0, 1, 3),
    )


def _target(target: Target) -> tuple[Text, ...]:
    name = say(f"target.{target.name}")
    of = f" ({target.worst})" if target.worst else ""
    bound = "at_least" if target.at_least else "at_most"
    return (
        Text(id=f"{name.id}{of}", en=f"{name.en}{of}"),
        say(f"capability.{bound}", limit=_figure(target.limit)),
        both(_figure(target.seen)),
        say("capability.kept" if target.met else "capability.missed"),
    )


def _figure(value: float) -> Figure:
    """Write a ratio to a hundredth, and a count as one."""
    return number(value, 0 if value == int(value) and value >= _COUNTS_FROM else 2)


def _check(check: ModelCheck) -> Block:
    pairs = [
        ("order_to_invoice", span),
        ("payment_to_room", span),
        ("throughput", lambda value: number(value, 2)),
    ]
    rows = [
        (
            say(f"capability.{name}"),
            both(shown(getattr(check.forecast, name))),
            both(shown(getattr(check.measured, name))),
        )
        for name, shown in pairs
    ]
    return Table(
        caption=say("capability.check", orders=number(check.orders), rate=number(check.rate, 1)),
        head=(say("capability.figure"), say("capability.forecast"), say("capability.seen")),
        rows=tuple(rows),
    )


def _volumes(rows: list[Row]) -> Block:
    names = ("volume", "peak", "bottleneck", "used", "then", "invoice", "room", "instances")
    return Table(
        caption=say("capability.volumes"),
        head=tuple(say(f"capability.{name}") for name in names),
        rows=tuple(_volume(row) for row in rows),
        worded=(0, 2, 4),
    )


def _volume(row: Row) -> tuple[Text, ...]:
    invoice, room = row.raised.journeys["create_invoice"], row.raised.journeys["create_meeting"]
    return (
        both(number(row.orders_a_day)),
        both(number(row.peak_rate * 60, 1)),
        both(resource(row.bottleneck)),
        both(times(row.utilisation)),
        _next_limit(row),
        say("capability.p50_p95", p50=span(invoice.p50), p95=span(invoice.p95)),
        say("capability.p50_p95", p50=span(room.p50), p95=span(room.p95)),
        both(number(sum(row.raised.instances.values()))),
    )


def _next_limit(row: Row) -> Text:
    """Return what is full next, of those that the first one's vendor does not set, if anything is."""
    vendor = row.bottleneck.partition(",")[0]
    others = (one for one in row.resources if not one.name.startswith(vendor))
    fullest = max(others, key=lambda one: one.utilisation)
    if fullest.utilisation <= 1:
        return both(plain("–"))  # noqa: RUF001 - a dash for nothing
    return say("capability.limit", name=resource(fullest.name), used=times(fullest.utilisation))


def _ceilings(row: Row) -> Block:
    found = sorted(row.resources, key=lambda one: one.orders_a_day)[:_SHOWN_RESOURCES]
    return Plot(
        svg=plots.bars(
            [both(resource(one.name)) for one in found],
            [_rounded(one.orders_a_day) for one in found],
            label=say("capability.ceilings_axis"),
            colours=[plots.ACCENT if one.stops_sales else plots.PALE for one in found],
            log=True,
        ),
        caption=say("capability.ceilings"),
    )


def resource(name: str) -> Text:
    """Return what a resource of the model is called."""
    return words().get(f"resource.{name}") or both(plain(name))


def _rounded(value: float) -> float:
    """Return two figures: the model knows no more."""
    return float(f"{value:.2g}")
