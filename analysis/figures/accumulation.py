"""What folding float lanes into doubles costs in time, against accumulating as published."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import panels, style
from harness.record import names
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.accumulation import costs

EXPERIMENT = "accumulation"

COLOURS = (style.BLUE, style.ORANGE, style.GREEN)
"""exp_sum, exp_store, ext_sum."""


def draw(run: Run) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its table: `harness.statistics.accumulation.costs`. Raises MissingRows."""
    table = costs(run)
    isas = selection.isas(table)
    lengths = sorted(table["elements"].unique(), reverse=True)
    figure, grid = panels.grid(1, len(isas), 0.7 + 0.45 * len(lengths), "row")
    passes = list(dict.fromkeys(table["pass"]))
    for axes, isa in zip(grid[0], isas, strict=True):
        _panel(axes, table[table["isa"] == isa], lengths, passes)
        axes.set_title(names.ISAS[isa], pad=5)
        axes.set_xlabel("folding takes longer by, %")
    grid[0][0].set_yticks(range(len(lengths)), [f"{names.count(n)} elements" for n in lengths])
    handles = [
        Line2D([], [], color=colour, marker="o", linestyle="none", label=name)
        for name, colour in zip(passes, COLOURS, strict=False)
    ]
    notes = ["each pass against itself without folds, in the same variant and the same rounds, warm; grey: 2 %"]
    panels.finish(figure, run, table, "The price of folding sums into doubles", handles, notes)
    return figure, table


def _panel(axes: Axes, table: pd.DataFrame, lengths: list[int], passes: list[str]) -> None:
    axes.axvspan(-2, 2, color=style.GREY, alpha=0.15, linewidth=0)
    axes.axvline(0, color=style.BLACK, linewidth=0.8)
    for rank, (name, colour) in enumerate(zip(passes, COLOURS, strict=False)):
        points = table[table["pass"] == name]
        places = [lengths.index(n) + 0.2 * (rank - 1) for n in points["elements"]]
        middle = points["cost_percent_median"]
        spread = [middle - points["cost_percent_low"], points["cost_percent_high"] - middle]
        axes.errorbar(middle, places, xerr=spread, color=colour, marker="o", linestyle="none", capsize=2)
    axes.set_ylim(-0.6, len(lengths) - 0.4)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
