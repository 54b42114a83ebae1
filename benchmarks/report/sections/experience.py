"""User experience: what a task takes, and what people answered on the System Usability Scale."""

from collections.abc import Iterator

from benchmarks.report.blocks import Block, Card, Cards, Note, Section, Table, missing, section
from benchmarks.report.effort import Assumptions
from benchmarks.report.evidence import Evidence, UserTask
from benchmarks.report.numbers import number, plain, span
from benchmarks.report.sus import Interval, Usability
from benchmarks.report.words import Text, both, say, words

FORM = "benchmarks/results/sus-form.html"


def write(evidence: Evidence, _known: Assumptions) -> Section:
    """Return the section."""
    return section("experience", _headline(evidence), list(_blocks(evidence)))


def _headline(evidence: Evidence) -> Card | None:
    if evidence.usability is not None:
        return _mean(evidence.usability)
    if evidence.tasks:
        return Card(
            figure=both(number(max(task.steps for task in evidence.tasks))),
            label=say("experience.headline_steps"),
        )
    return None


def _blocks(evidence: Evidence) -> Iterator[Block]:
    if evidence.usability is not None:
        yield Cards((_mean(evidence.usability), *_intervals(evidence.usability)))
        yield Note(say("experience.sus_note"))
    else:
        yield missing("sus", "benchmarks/results/sus.csv", runs=False)
        yield Note(say("experience.how_sus", form=plain(FORM)))
    if evidence.tasks:
        yield _tasks(evidence.tasks)
        yield Note(say("experience.tasks_note"))
    else:
        yield missing("tasks", "make evaluate")


def _mean(seen: Usability) -> Card:
    return Card(
        figure=both(number(seen.mean, 1)),
        label=say("experience.sus_mean", people=number(len(seen.scores))),
    )


def _intervals(seen: Usability) -> Iterator[Card]:
    for name, interval in (("t", seen.by_t), ("bootstrap", seen.by_bootstrap)):
        if interval is not None:
            yield Card(figure=_between(interval), label=say(f"experience.interval_{name}"))


def _between(interval: Interval) -> Text:
    return say("experience.between", low=number(interval.low, 1), high=number(interval.high, 1))


def _tasks(tasks: list[UserTask]) -> Block:
    return Table(
        caption=say("experience.tasks"),
        head=tuple(say(f"experience.{name}") for name in ("task", "steps", "seconds")),
        rows=tuple(
            (_task(one.task), both(number(one.steps)), both(span(one.seconds))) for one in tasks
        ),
    )


def _task(name: str) -> Text:
    return words().get(f"task.{name}") or both(plain(name.replace("_", " ")))
