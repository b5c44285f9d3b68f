"""What the compiler changes: time of each algorithm by the other compilers relative to the primary one."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.compilers import relative_times
from harness.record.samples import Run

EXPERIMENT = "compilers"
TABLE = relative_times


def draw(run: Run) -> Figure:
    """One panel for each ISA. Raises MissingRows where no length was measured with two compilers."""
    table = TABLE(run)
    figure, grid = panels.isa_panels(table, 2.4, "row", 12)
    looks = style.algorithms(run.algorithms)
    for axes, _, of_isa in grid:
        panels.length_axis(axes, of_isa["elements"], run.machine)
        axes.axhline(1, color=style.BLACK, linewidth=0.8)
        _points(axes, of_isa, looks)
        axes.set_xlabel("elements")
    others = list(dict.fromkeys(table["compiler"]))
    grid[0][0].set_ylabel(f"time relative to {run.primary}")
    grid[0][0].yaxis.set_major_formatter("{x:.2f}")
    handles = panels.algorithm_handles(looks, panels.algorithms_in(table, run))
    handles += [
        panels.handle(name, style.Style(style.GREY, "o", "none"), **panels.compiler_marker(place))
        for place, name in enumerate(others)
        if len(others) > 1
    ]
    told = ", ".join(f"{name}: {compiler.version}" for name, compiler in run.compilers.items())
    notes = [panels.CACHE_NOTE, told]
    title = f"What the compiler changes: {', '.join(others)} against {run.primary}"
    return panels.finish(figure, run, table, panels.Frame(title, handles, notes))


def _points(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Style]) -> None:
    others = list(dict.fromkeys(table["compiler"]))
    for place, name in enumerate(dict.fromkeys(table["algorithm"])):
        # Side by side, since the algorithms share their lengths.
        points = table[table["algorithm"] == name]
        shifted = points.assign(elements=points["elements"] * 1.08 ** (place - 1))
        panels.error_lines(axes, shifted, "relative_time", looks[name].points, others)
