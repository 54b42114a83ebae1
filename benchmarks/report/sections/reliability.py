"""Reliability: what the simulated worlds and the real runs with killed processes have shown."""

from collections.abc import Iterator

from benchmarks.report import plots
from benchmarks.report.blocks import Block, Card, Cards, Note, Plot, Section, missing, section
from benchmarks.report.effort import Assumptions
from benchmarks.report.evidence import Chaos, Evidence, Simulation
from benchmarks.report.numbers import number, percent, plain
from benchmarks.report.words import both, say, words

# With none seen in n tries, the share is below 3/n with 95 % confidence.
_RULE_OF_THREE = 3


def write(evidence: Evidence, _known: Assumptions) -> Section:
    """Return the section."""
    return section("reliability", _headline(evidence), list(_blocks(evidence)))


def _headline(evidence: Evidence) -> Card | None:
    runs = [run for run in (evidence.simulation, evidence.chaos) if run is not None]
    if not runs:
        return None
    orders = sum(run.orders if isinstance(run, Simulation) else run.summary.orders for run in runs)
    broken = sum(
        run.violations if isinstance(run, Simulation) else len(run.violations) for run in runs
    )
    return Card(
        figure=both(number(broken)),
        label=say("reliability.headline", orders=number(orders)),
        mood="bad" if broken else "good",
    )


def _blocks(evidence: Evidence) -> Iterator[Block]:
    if evidence.simulation is not None:
        yield from _simulation(evidence.simulation)
    else:
        yield missing("simulation", "make evaluate")
    if evidence.chaos is not None:
        yield from _chaos(evidence.chaos)
    else:
        yield missing("chaos", "make evaluate")


def _simulation(seen: Simulation) -> Iterator[Block]:
    yield Cards(
        (
            Card(figure=both(number(seen.seeds)), label=say("reliability.worlds")),
            Card(
                figure=both(number(seen.orders)),
                label=say("reliability.orders", mails=number(seen.mails)),
            ),
            Card(
                figure=both(number(seen.violations)),
                label=say("reliability.violations"),
                mood="bad" if seen.violations else "good",
            ),
            Card(
                figure=say(
                    "reliability.of", part=number(seen.pairs_reached), whole=number(seen.pairs)
                ),
                label=say("reliability.pairs"),
            ),
        )
    )
    if not seen.violations:
        bound = percent(_RULE_OF_THREE / seen.orders, 3)
        yield Note(say("reliability.bound", orders=number(seen.orders), bound=bound))
    most = sorted(seen.faults.items(), key=lambda fault: -fault[1])[:12]
    yield Plot(
        svg=plots.bars(
            [words().get(f"fault.{name}") or both(plain(name)) for name, _ in most],
            [count for _, count in most],
            label=say("reliability.times"),
        ),
        caption=say("reliability.faults"),
    )


def _chaos(seen: Chaos) -> Iterator[Block]:
    yield Cards(
        (
            Card(figure=both(number(seen.summary.orders)), label=say("reliability.chaos_orders")),
            Card(figure=both(number(sum(seen.kills.values()))), label=say("reliability.kills")),
            Card(figure=both(number(sum(seen.faults.values()))), label=say("reliability.mishaps")),
            Card(
                figure=both(number(len(seen.violations))),
                label=say("reliability.violations"),
                mood="bad" if seen.violations else "good",
            ),
        )
    )
