"""Effectiveness: how much sooner there is a room, and how much less a person has to do."""

from collections.abc import Iterator

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
from benchmarks.report.effort import Assumptions, Effort, effort
from benchmarks.report.evidence import Evidence
from benchmarks.report.numbers import number, span
from benchmarks.report.words import both, say


def write(evidence: Evidence, known: Assumptions) -> Section:
    """Return the section."""
    drawn = effort(known)
    return section("effectiveness", _headline(drawn), list(_blocks(evidence, known, drawn)))


def _headline(drawn: Effort) -> Card:
    return Card(
        figure=say("effectiveness.minutes", n=number(drawn.saved.median)),
        label=say(
            "effectiveness.headline", low=number(drawn.saved.low), high=number(drawn.saved.high)
        ),
    )


def _blocks(evidence: Evidence, known: Assumptions, drawn: Effort) -> Iterator[Block]:
    yield Cards(tuple(_times(evidence, drawn)))
    if evidence.check is None:
        yield missing("journey", "python -m benchmarks.model --check")
    yield Note(say("effectiveness.cards_note"))
    yield Plot(
        svg=plots.histograms(
            [
                (say("effectiveness.without"), drawn.manual, plots.ACCENT),
                (say("effectiveness.with"), drawn.automatic, plots.GREEN),
            ],
            label=say("effectiveness.axis"),
        ),
        caption=say(
            "effectiveness.histogram",
            manual=number(drawn.manual.median),
            automatic=number(drawn.automatic.median, 2),
            draws=number(len(drawn.manual.values)),
        ),
    )
    yield _tasks(known)
    yield Note(say("effectiveness.assumed"))


def _times(evidence: Evidence, drawn: Effort) -> Iterator[Card]:
    if evidence.check is not None:
        seen = evidence.check.measured
        yield Card(figure=both(span(seen.order_to_invoice)), label=say("effectiveness.to_invoice"))
        yield Card(figure=both(span(seen.payment_to_room)), label=say("effectiveness.to_room"))
    if evidence.rows:
        room = evidence.rows[0].raised.journeys["create_meeting"]
        yield Card(figure=both(span(room.p95)), label=say("effectiveness.to_room_modelled"))
    wait = drawn.manual_wait
    yield Card(
        figure=both(span(wait.median * 60)),
        label=say("effectiveness.manual_wait", low=span(wait.low * 60), high=span(wait.high * 60)),
    )


def _tasks(known: Assumptions) -> Block:
    return Table(
        caption=say("effectiveness.tasks"),
        head=tuple(
            say(f"effectiveness.{name}") for name in ("task", "low", "likely", "high", "times")
        ),
        rows=tuple(
            (
                task.name,
                *(both(number(n)) for n in (task.minutes.low, task.minutes.likely)),
                both(number(task.minutes.high)),
                both(number(task.times)),
            )
            for task in known.manual
        ),
    )
