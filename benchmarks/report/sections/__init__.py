"""The five aspects of the evaluation, each from what has been measured."""

from collections.abc import Callable

from benchmarks.report.blocks import Section
from benchmarks.report.effort import Assumptions
from benchmarks.report.evidence import Evidence
from benchmarks.report.sections import business, capability, effectiveness, experience, reliability

Write = Callable[[Evidence, Assumptions], Section]
WRITERS: tuple[Write, ...] = (
    capability.write,
    reliability.write,
    effectiveness.write,
    experience.write,
    business.write,
)
