"""Time per element of whole algorithms against array length: the table and the panels of two figures."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis import panels, style
from harness.record import names
from harness.record.errors import MissingRows
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.ratios import times


def algorithm_times(run: Run, algorithms: Sequence[str]) -> pd.DataFrame:
    """Time of each algorithm for each (isa, compiler, elements), as `statistics.times` gives it. Raises MissingRows."""
    rows = selection.algorithm_rows(run)
    for name in algorithms:
        if name not in set(rows["algorithm"]):
            raise MissingRows(f"{run.folder}: no rows of the algorithm '{name}'")
    rows = rows[rows["algorithm"].isin(list(algorithms))]
    return times(rows, ["isa", "compiler", "algorithm", "elements"], run.information["canary"]["clock_adds"])


def draw_times(run: Run, algorithms: Sequence[str], title: str) -> tuple[Figure, pd.DataFrame]:
    """One panel for each ISA: nanoseconds per element of the algorithms against array length."""
    table = algorithm_times(run, algorithms)
    isas, compilers = selection.isas(table), selection.compilers(table)
    looks = style.algorithms(run.information["algorithms"])
    figure, grid = panels.grid(1, len(isas), 2.3, "none")
    for axes, isa in zip(grid[0], isas, strict=True):
        of_isa = table[table["isa"] == isa]
        for name in algorithms:
            of_algorithm = of_isa[of_isa["algorithm"] == name]
            panels.error_lines(axes, of_algorithm, "nanoseconds_per_element", looks[name], compilers)
        panels.length_axis(axes, of_isa["elements"], run)
        axes.set_ylim(0, 1.06 * of_isa["nanoseconds_per_element_high"].max())
        axes.set_title(names.ISAS[isa], pad=12)
        axes.set_xlabel("elements")
    grid[0][0].set_ylabel("nanoseconds per element")
    handles = [panels.algorithm_handle(name, looks[name]) for name in algorithms]
    handles += panels.compiler_handles(compilers)
    panels.finish(figure, run, table, title, handles, [panels.CACHE_NOTE])
    return figure, table
