"""Throughput and bandwidth against the number of threads, each with its own vector or with a part of one."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis import panels, style
from analysis.tables.bandwidths import EFFECTIVE
from analysis.tables.scaling import THROUGHPUT, saturates_at, scaling
from harness.reading import names
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "scaling"
TABLE = scaling

LIMITS = {"load": style.Style(style.GREY, "", style.LIMITS[0]), "copy": style.Style(style.GREY, "", style.LIMITS[1])}


def draw(run: Run) -> Figure:
    """Two panels for each ISA: throughput above bandwidth. Raises MissingRows."""
    table = TABLE(run)
    isas = selection.isas(table)
    looks = style.algorithms(run.algorithms)
    algorithms = panels.algorithms_in(table.rename(columns={"name": "algorithm"}), run)
    figure, grid = panels.grid(2, len(isas), 1.9, "row")
    for column, isa in enumerate(isas):
        of_isa = table[table["isa"] == isa]
        of_isa = of_isa[of_isa["elements"] == of_isa["elements"].max()]
        above, below = grid[0][column], grid[1][column]
        for axes, value in ((above, THROUGHPUT), (below, EFFECTIVE)):
            for name in algorithms:
                _lines(axes, of_isa[of_isa["name"] == name], value, looks[name])
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        own = of_isa[of_isa["vectors"] == "own"]
        for limit, look in LIMITS.items():
            points = own[own["name"] == limit].sort_values("threads")
            below.plot(points["threads"], points[f"{EFFECTIVE}_median"], **look.line)
        where = "" if run.machine.is_out_of_cache(of_isa["elements"]).all() else ", in cache"
        above.set_title(f"{names.ISAS[isa]}, {names.count(of_isa['elements'].max())} elements{where}", pad=5)
        below.set_xlabel("threads")
    for axes in grid[:, 0]:  # last, since it ends autoscaling for the whole row
        axes.set_ylim(0)
    grid[0][0].set_ylabel("10⁹ elements/s")
    grid[1][0].set_ylabel("effective GB/s")
    handles = panels.algorithm_handles(looks, algorithms)
    handles += [panels.handle(name, look) for name, look in LIMITS.items()]
    handles.append(panels.handle("parts of one vector", style.Style(style.GREY, "o", "none"), fillstyle="none"))
    title = "Threads: each with a vector of its own, and (hollow) parts of one"
    return panels.finish(figure, run, table, panels.Frame(title, handles, [_saturation(table, run)]))


def _lines(axes: Axes, table: pd.DataFrame, value: str, look: style.Style) -> None:
    for vectors, shape, fill, shift in (("own", look, "full", 0.0), ("shared", look.points, "none", 0.06)):
        points = table[table["vectors"] == vectors].sort_values("threads")
        middle, spread = panels.error(points, value)
        line = {**shape.line, "fillstyle": fill, "capsize": 2, "elinewidth": 0.8}
        axes.errorbar(points["threads"] + shift, middle, yerr=spread, **line)


def _saturation(table: pd.DataFrame, run: Run) -> str:
    own = table[(table["vectors"] == "own") & (table["name"] == "load")]
    told = [
        f"{names.ISAS[isa]} {saturates_at(own[own['isa'] == isa])} of {own['threads'].max()}"
        for isa in selection.isas(own)
        if isa != "scalar"
    ]
    saturated = f"load reaches 95 % of its largest bandwidth with so many threads: {', '.join(told)}"
    return f"{saturated}; limit on threads: {run.threads.limit}"
