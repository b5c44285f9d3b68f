"""What each choice of variants costs: time of the published ones relative to those that were chosen here."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.tuning import LENGTHS, tuning_costs
from harness.reading import names
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "tuning"
TABLE = tuning_costs

LOOKS = {
    "skylake-x": style.Style(style.VERMILLION, "D", "none"),
    "broadwell": style.Style(style.BLUE, "s", "none"),
    "zen2": style.Style(style.ORANGE, "^", "none"),
}


def draw(run: Run) -> Figure:
    """One panel for each ISA, of the primary compiler. Raises MissingRows if nothing published was tuned."""
    drawn = selection.of_primary(TABLE(run), run)
    figure, grid = panels.isa_panels(drawn, 2.4, "row")
    for axes, _, of_isa in grid:
        _points(axes, of_isa)
    grid[0][0].set_ylabel("time relative to\nthe best variant of the run")
    handles = [
        panels.handle(f"{name}, {where}", look, fillstyle=fill)
        for name, look in LOOKS.items()
        if name in set(drawn["machine"])
        for fill, where in zip(("full", "none"), _told_lengths(run), strict=True)
    ]
    notes = [
        f"{run.primary}; variants as published for three machines, measured while tuning (one process, no interval)"
    ]
    measured = pd.DataFrame({"processes": [1], "confidence": [0.0]})
    return panels.finish(figure, run, measured, panels.Frame("What the published variants cost here", handles, notes))


def _told_lengths(run: Run) -> list[str]:
    """The two lengths of the tuning in elements: the longer one is out of cache only in a protocol that goes there."""
    row = next(row for row in run.tuning if row["published_for"])
    return [f"{names.count(row[f'{length}_elements'])} elements" for length in LENGTHS]


def _points(axes: Axes, table: pd.DataFrame) -> None:
    passes = list(dict.fromkeys(table["pass"]))
    axes.axhline(1, color=style.BLACK, linewidth=0.8)
    for place, (machine, look) in enumerate(LOOKS.items()):
        of_machine = table[table["machine"] == machine]
        x = [passes.index(name) + 0.2 * (place - 1) for name in of_machine["pass"]]
        for fill, length in zip(("full", "none"), LENGTHS, strict=True):
            axes.plot(x, of_machine[f"{length}_relative_time"], **look.line, fillstyle=fill, markersize=4.5)
    axes.set_xticks(range(len(passes)), passes, rotation=20)
