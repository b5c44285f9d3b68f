"""Which algorithm wins at the vector lengths that motivate the paper, with one thread and with all."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import panels, style
from harness.record import names
from harness.record.samples import Run
from harness.statistics import controls, selection
from harness.statistics.teams import team_speedups

EXPERIMENT = "class-counts"

LOOKS = ((style.GREEN, "o"), (style.PURPLE, "D"))
"""One thread, all threads."""


def draw(run: Run) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its table: `harness.statistics.teams.team_speedups`. Raises MissingRows."""
    table = team_speedups(run, EXPERIMENT)
    isas = selection.isas(table)
    lengths = sorted(table["elements"].unique(), reverse=True)
    counts = sorted(table["threads"].unique())
    figure, grid = panels.grid(1, len(isas), 0.7 + 0.42 * len(lengths), "row")
    floor = controls.judge(run).floor
    for axes, isa in zip(grid[0], isas, strict=True):
        axes.axvspan(-floor, floor, color=style.GREY, alpha=0.2, linewidth=0)
        _panel(axes, table[table["isa"] == isa], lengths, counts)
        axes.set_title(names.ISAS[isa], pad=5)
        axes.set_xlabel("speedup of Two-Pass, %")
    labels = [f"{names.CLASS_COUNTS.get(n, 'no name')}\n{n:,}" for n in lengths]
    grid[0][0].set_yticks(range(len(lengths)), labels)
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", label=_threads(count))
        for count, (colour, marker) in zip(counts, LOOKS, strict=False)
    ]
    notes = [
        "classes, words, pages and documents, by the paper's introduction; threads share a vector; grey: noise floor"
    ]
    panels.finish(figure, run, table, "Two-Pass over the better Three-Pass at real lengths", handles, notes)
    return figure, table


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _panel(axes: Axes, table: pd.DataFrame, lengths: list[int], counts: list[int]) -> None:
    axes.axvline(0, color=style.BLACK, linewidth=0.8)
    for rank, (count, (colour, marker)) in enumerate(zip(counts, LOOKS, strict=False)):
        points = table[table["threads"] == count]
        places = [lengths.index(n) + 0.18 * (rank - (len(counts) - 1) / 2) for n in points["elements"]]
        middle = points["speedup_percent_median"]
        spread = [middle - points["speedup_percent_low"], points["speedup_percent_high"] - middle]
        axes.errorbar(middle, places, xerr=spread, color=colour, marker=marker, linestyle="none", capsize=2)
    axes.set_ylim(-0.6, len(lengths) - 0.4)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
