"""What folding float lanes into doubles costs in time, against accumulating as published."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import panels, style
from analysis.tables.accumulation import costs
from harness.record import names
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "accumulation"
TABLE = costs

COLOURS = (style.BLUE, style.ORANGE, style.GREEN)
"""exp_sum, exp_store, ext_sum."""


def draw(run: Run) -> Figure:
    """One panel for each ISA, with a row for each length. Raises MissingRows."""
    table = TABLE(run)
    isas = selection.isas(table)
    lengths = sorted(table["elements"].unique(), reverse=True)
    figure, grid = panels.grid(1, len(isas), 0.7 + 0.45 * len(lengths), "row")
    passes = list(dict.fromkeys(table["pass"]))
    for axes, isa in zip(grid[0], isas, strict=True):
        axes.axvspan(-2, 2, color=style.GREY, alpha=0.15, linewidth=0)
        panels.rows_axes(axes, len(lengths))
        for rank, (name, colour) in enumerate(zip(passes, COLOURS, strict=False)):
            points = table[(table["isa"] == isa) & (table["pass"] == name)]
            places = [lengths.index(n) + 0.2 * (rank - 1) for n in points["elements"]]
            panels.dots(axes, points, "cost_percent", places, (colour, "o"))
        axes.set_title(names.ISAS[isa], pad=5)
        axes.set_xlabel("folding takes longer by, %")
    grid[0][0].set_yticks(range(len(lengths)), [f"{names.count(n)} elements" for n in lengths])
    handles = [
        Line2D([], [], color=colour, marker="o", linestyle="none", label=name)
        for name, colour in zip(passes, COLOURS, strict=False)
    ]
    notes = ["each pass against itself without folds, in the same variant and the same rounds, warm; grey: 2 %"]
    panels.finish(figure, run, table, panels.Frame("The price of folding sums into doubles", handles, notes))
    return figure
