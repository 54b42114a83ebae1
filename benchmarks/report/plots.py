"""The drawings, as SVG that stands within the page: its own fonts, colours of the page, no ids twice."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, MaxNLocator

from benchmarks.report.effort import Sample
from benchmarks.report.numbers import LANGUAGES, Figure, Language, compact, number
from benchmarks.report.words import Text, say

INK, SOFT, ACCENT, GREEN, RED, PALE = (
    "#1d2233",
    "#566078",
    "#5b2bb5",
    "#0b7a4b",
    "#a32019",
    "#cfc3ec",
)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "evaluation",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": SOFT,
    "ytick.color": INK,
    "text.color": INK,
}
_WIDTH, _ROW = 6.4, 0.36
_BINS = 60
_drawn = count()

Draw = Callable[[Axes, Language], None]


def bars(
    names: Sequence[Text],
    values: Sequence[float],
    *,
    label: Text,
    shown: Callable[[float], Figure] = number,
    colours: Sequence[str] | None = None,
    log: bool = False,
) -> Text:
    """Draw bars that lie, the first on top, each with its value written at its end."""

    def draw(axes: Axes, language: Language) -> None:
        axes.barh(range(len(names)), values, color=colours or ACCENT, height=0.62)
        axes.set_yticks(range(len(names)), [name(language) for name in names])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        if log:
            axes.set_xscale("log")
        axes.set_xlim(right=max(values) * (12 if log else 1.18))
        # Powers of ten stand close together.
        _ticks(axes, language, compact if log else shown)
        axes.set_xlabel(label(language))
        for row, value in enumerate(values):
            axes.annotate(
                shown(value)(language),
                (value, row),
                (4, 0),
                textcoords="offset points",
                va="center",
            )

    return _svg(draw, height=1.0 + _ROW * len(names))


def lines(
    parts: Sequence[tuple[Text, Mapping[int, float], str]], *, across: Text, up: Text
) -> Text:
    """Draw lines over a logarithmic scale, each with its points and its name."""

    def draw(axes: Axes, language: Language) -> None:
        points = sorted({at for _, of, _ in parts for at in of})
        for name, of, colour in parts:
            at = sorted(of)
            axes.plot(
                at, [of[x] for x in at], marker="o", color=colour, label=name(language), linewidth=2
            )
        axes.set_xscale("log")
        axes.set_xticks(points, [number(at)(language) for at in points])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel(across(language))
        axes.set_ylabel(up(language))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)(language)))
        axes.legend(frameon=False, fontsize=9)

    return _svg(draw, height=2.8)


def histograms(samples: Sequence[tuple[Text, Sample, str]], *, label: Text) -> Text:
    """Draw how often which values were drawn, on one scale, with the median of each."""

    def draw(axes: Axes, language: Language) -> None:
        most = max(max(sample.values) for _, sample, _ in samples)
        for name, sample, colour in samples:
            axes.hist(
                sample.values, bins=_BINS, range=(0, most), color=colour, alpha=0.75, density=True
            )
            axes.annotate(
                name(language),
                (sample.median, 1.0),
                (0, 4),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="left" if sample.median < most / 2 else "center",
                color=colour,
                weight="bold",
            )
        axes.set_yscale("symlog", linthresh=0.01)
        axes.set_yticks([])
        axes.minorticks_off()
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(label(language))
        _ticks(axes, language, number)

    return _svg(draw, height=2.6)


def tornado(names: Sequence[Text], ends: Sequence[tuple[float, float]], middle: float) -> Text:
    """Draw what each assumption does to a result, from its low to its high end."""

    def draw(axes: Axes, language: Language) -> None:
        for row, (low, high) in enumerate(ends):
            for end in (low, high):
                worse = end < middle
                axes.barh(row, end - middle, left=middle, color=RED if worse else GREEN, height=0.6)
        axes.set_yticks(range(len(names)), [name(language) for name in names])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.axvline(middle, color=INK, linewidth=1)
        axes.axvline(0, color=SOFT, linewidth=1, linestyle=":")
        axes.locator_params(axis="x", nbins=5)
        _ticks(axes, language, _millions)
        axes.set_xlabel(say("business.tornado_axis")(language))

    return _svg(draw, height=1.0 + _ROW * len(names))


def stacks(
    names: Sequence[Text], parts: Sequence[tuple[Text, Sequence[float], str]], *, label: Text
) -> Text:
    """Draw bars that stand, each made of parts."""

    def draw(axes: Axes, language: Language) -> None:
        bottoms = [0.0] * len(names)
        for name, values, colour in parts:
            axes.bar(
                range(len(names)),
                values,
                bottom=bottoms,
                color=colour,
                label=name(language),
                width=0.6,
            )
            bottoms = [a + b for a, b in zip(bottoms, values, strict=True)]
        # By itself the axis would end where the parts of the highest bar do.
        axes.set_ylim(top=max(bottoms) * 1.05)
        axes.set_xticks(range(len(names)), [name(language) for name in names])
        axes.set_ylabel(label(language))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v, 2)(language)))
        axes.legend(
            frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, fontsize=9
        )

    return _svg(draw, height=3.6)


def _millions(value: float) -> Figure:
    return say("business.millions", n=number(value / 1e6, 0 if value % 1e6 == 0 else 1))


def _ticks(axes: Axes, language: Language, shown: Callable[[float], Figure]) -> None:
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)(language)))


def _svg(draw: Draw, height: float) -> Text:
    return Text(**{language: _drawing(draw, language, height) for language in LANGUAGES})


def _drawing(draw: Draw, language: Language, height: float) -> str:
    with mpl.rc_context(_STYLE):
        drawing = Drawing(figsize=(_WIDTH, height), layout="constrained")
        draw(drawing.subplots(), language)
        drawing.patch.set_alpha(0)
        file = io.StringIO()
        drawing.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return _within_a_page(file.getvalue())


def _within_a_page(svg: str) -> str:
    """Return the SVG without its prologue and metadata, as wide as its place, with ids of its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    mark = f"d{next(_drawn)}-"
    svg = re.sub(r'\bid="', f'id="{mark}', svg)
    svg = svg.replace("url(#", f"url(#{mark}").replace('xlink:href="#', f'href="#{mark}')
    return svg.replace("<svg", '<svg aria-hidden="true"', 1)
