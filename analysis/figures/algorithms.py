"""Time per element of every algorithm of the paper against array length."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.times import algorithm_times
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "algorithms"
TABLE = algorithm_times


def draw(run: Run) -> Figure:
    """One panel for each ISA. Raises MissingRows."""
    table = TABLE(run)
    return draw_times(run, table, panels.algorithms_in(table, run), "Softmax algorithms: time per element")


def draw_times(run: Run, table: pd.DataFrame, algorithms: Sequence[str], title: str) -> Figure:
    """One panel for each ISA: nanoseconds per element of the algorithms against array length."""
    compilers, looks = selection.compilers(table, run), style.algorithms(run.algorithms)
    figure, grid = panels.isa_panels(table, 2.3, "none", 12)
    for axes, _, of_isa in grid:
        for name in algorithms:
            of_algorithm = of_isa[of_isa["algorithm"] == name]
            panels.error_lines(axes, of_algorithm, "nanoseconds_per_element", looks[name], compilers)
        panels.length_axis(axes, of_isa["elements"], run.machine)
        axes.set_ylim(0, 1.06 * of_isa["nanoseconds_per_element_high"].max())
        axes.set_xlabel("elements")
    grid[0][0].set_ylabel("nanoseconds per element")
    handles = panels.algorithm_handles(looks, algorithms) + panels.compiler_handles(compilers)
    return panels.finish(figure, run, table, panels.Frame(title, handles, [panels.CACHE_NOTE]))
