"""The pages, put together: one HTML file each, with everything in it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from benchmarks.report import sus
from benchmarks.report.blocks import Section
from benchmarks.report.effort import Assumptions
from benchmarks.report.evidence import Evidence
from benchmarks.report.numbers import LANGUAGES, day, plain
from benchmarks.report.sections import WRITERS
from benchmarks.report.words import Text, say

_TEMPLATES = Path(__file__).parent / "templates"


def report(evidence: Evidence, known: Assumptions, made_on: date) -> str:
    """Return the evaluation as HTML, in both languages, of which the reader sees one at a time."""
    sections = [write(evidence, known) for write in WRITERS]
    return _render(
        "report.html",
        sections=sections,
        measured_on=_measured_on(evidence),
        made=say("page.made", date=day(made_on)),
        headlines=_headlines(sections),
    )


def sus_form() -> str:
    """Return the questionnaire as HTML to print, a page for each language."""
    items = [say(f"sus.q{item}") for item in range(1, sus.ITEMS + 1)]
    return _render("sus_form.html", items=items)


def _headlines(sections: Sequence[Section]) -> list[Section]:
    return [section for section in sections if section.headline is not None]


def _measured_on(evidence: Evidence) -> Text:
    if evidence.date is None or evidence.machine is None:
        return say("page.not_measured")
    when = datetime.fromisoformat(evidence.date).replace(tzinfo=UTC).date()
    return say("page.measured_on", date=day(when), machine=plain(evidence.machine))


def _render(template: str, **values: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(say=say, languages=LANGUAGES)
    environment.filters.update(both=_both, drawn=_drawn)
    return environment.get_template(template).render(**values)


def _both(text: Text) -> Markup:
    """Show a text in both languages; the page's style hides the one that is not wanted."""
    parts = (
        Markup('<span lang="{}">{}</span>').format(language, text(language))
        for language in LANGUAGES
    )
    return Markup("").join(parts)


def _drawn(svg: Text) -> Markup:
    """Show a drawing in both languages. It is our own, so nothing in it has to be escaped."""
    parts = (
        f'<div lang="{language}" class="drawing" tabindex="0">{svg(language)}</div>'
        for language in LANGUAGES
    )
    return Markup("".join(parts))  # noqa: S704 - made by matplotlib from our own words
