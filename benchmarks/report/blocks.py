"""What a section of the report is made of. The template knows how each is shown."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from benchmarks.report.words import Text, say


class Card(msgspec.Struct, frozen=True, kw_only=True, tag="card"):
    """One figure, large, with what it is and what to make of it."""

    figure: Text
    label: Text
    note: Text | None = None
    mood: Literal["good", "bad", "plain"] = "plain"


class Cards(msgspec.Struct, frozen=True, tag="cards"):
    """Figures side by side."""

    cards: tuple[Card, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True, tag="table"):
    """Rows of texts; the first column names the row, the others are aligned as figures."""

    caption: Text
    head: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]
    worded: tuple[int, ...] = (0,)


class Plot(msgspec.Struct, frozen=True, kw_only=True, tag="plot"):
    """An SVG drawing in each language, and what it shows in words."""

    svg: Text
    caption: Text


class Note(msgspec.Struct, frozen=True, tag="note"):
    """A paragraph of small print."""

    text: Text


class Missing(msgspec.Struct, frozen=True, tag="missing"):
    """There are no data; the command that makes them, or the file that they go to."""

    what: Text
    command: str
    runs: bool = True


Block = Cards | Table | Plot | Note | Missing


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One of the five aspects. ``headline`` is its one figure for the summary, if it has any."""

    name: str
    title: Text
    question: Text
    headline: Card | None
    blocks: tuple[Block, ...]


def section(name: str, headline: Card | None, blocks: Sequence[Block]) -> Section:
    """Return a section with the title and the question that its words give."""
    return Section(
        name=name,
        title=say(f"{name}.title"),
        question=say(f"{name}.question"),
        headline=headline,
        blocks=tuple(blocks),
    )


def missing(name: str, command: str, *, runs: bool = True) -> Missing:
    """Return the block that says what there are no data of."""
    return Missing(say(f"missing.{name}"), command, runs)
