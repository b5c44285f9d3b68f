"""What folding float lanes into doubles costs in time, against accumulating as published."""

from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.accumulation import costs
from harness.reading import names
from harness.record.samples import Run

EXPERIMENT = "accumulation"
TABLE = costs

LOOKS = [style.Style(colour, "o", "none") for colour in (style.BLUE, style.ORANGE, style.GREEN)]
"""exp_sum, exp_store, ext_sum."""


def draw(run: Run) -> Figure:
    """One panel for each ISA, with a row for each length. Raises MissingRows."""
    table = TABLE(run)
    lengths = sorted(table["elements"].unique(), reverse=True)
    figure, grid = panels.isa_panels(table, 0.7 + 0.45 * len(lengths), "row", 5)
    looks = style.series(dict.fromkeys(table["pass"]), LOOKS)
    for axes, _, of_isa in grid:
        axes.axvspan(-2, 2, color=style.GREY, alpha=0.15, linewidth=0)
        panels.rows_axes(axes, len(lengths))
        for rank, (name, look) in enumerate(looks.items()):
            points = of_isa[of_isa["pass"] == name]
            shift = panels.beside(rank, len(looks), 0.2)
            places = [lengths.index(n) + shift for n in points["elements"]]
            panels.dots(axes, points, "cost_percent", places, look)
        axes.set_xlabel("folding takes longer by, %")
    grid[0][0].set_yticks(range(len(lengths)), [f"{names.count(n)} elements" for n in lengths])
    handles = [panels.handle(name, look) for name, look in looks.items()]
    notes = ["each pass against itself without folds, in the same variant and the same rounds, warm; grey: 2 %"]
    return panels.finish(figure, run, table, panels.Frame("The price of folding sums into doubles", handles, notes))
