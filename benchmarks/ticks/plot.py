"""Draws how a tick grows with the orders that are stored."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl

from benchmarks.model.latest import FOLDER

mpl.use("svg")
# The same figures make the same file.
mpl.rcParams["svg.hashsalt"] = "ticks"

from matplotlib import pyplot as plt  # noqa: E402 - the backend is chosen before


def plot(
    reads: Mapping[str, Mapping[int, int]], times: Mapping[str, Mapping[int, float]], due: int
) -> None:
    """Write ``ticks.svg``: documents read, and milliseconds on SQLite, over orders stored."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    _lines(left, reads, "documents read")
    _lines(right, times, "milliseconds, SQLite on disk")
    figure.suptitle(f"One tick with {due} orders due")
    figure.tight_layout()
    figure.savefig(FOLDER / "ticks.svg", metadata={"Date": None})
    plt.close(figure)


def _lines(axes: Any, figures: Mapping[str, Mapping[int, float]], label: str) -> None:
    for name, of in figures.items():
        axes.plot(list(of), list(of.values()), marker="o", label=name)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("orders stored")
    axes.set_ylabel(label)
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
