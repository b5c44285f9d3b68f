"""Throughput and bandwidth against the number of threads, each with its own vector or with a part of one."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis import panels, style
from analysis.tables.bandwidths import EFFECTIVE
from analysis.tables.scaling import saturates_at, scaling
from harness.record import names
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "scaling"
TABLE = scaling

LIMITS = {"load": style.LIMITS[0], "copy": style.LIMITS[1]}


def draw(run: Run) -> Figure:
    """Two panels for each ISA: throughput above bandwidth. Raises MissingRows."""
    table = TABLE(run)
    isas = selection.isas(table)
    looks = style.algorithms(run.algorithms)
    figure, grid = panels.grid(2, len(isas), 1.9, "row")
    for column, isa in enumerate(isas):
        of_isa = table[table["isa"] == isa]
        of_isa = of_isa[of_isa["elements"] == of_isa["elements"].max()]
        above, below = grid[0][column], grid[1][column]
        for axes, value in ((above, "gigaelements_per_second"), (below, "effective_gigabytes_per_second")):
            for name in run.algorithms:
                _lines(axes, of_isa[of_isa["name"] == name], value, looks[name])
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        own = of_isa[of_isa["vectors"] == "own"]
        for limit, dashes in LIMITS.items():
            points = own[own["name"] == limit].sort_values("threads")
            below.plot(points["threads"], points[f"{EFFECTIVE}_median"], color=style.GREY, linestyle=dashes)
        where = "" if run.machine.is_out_of_cache(of_isa["elements"]).all() else ", in cache"
        above.set_title(f"{names.ISAS[isa]}, {names.count(of_isa['elements'].max())} elements{where}", pad=5)
        below.set_xlabel("threads")
    for axes in grid[:, 0]:  # last, since it ends autoscaling for the whole row
        axes.set_ylim(0)
    grid[0][0].set_ylabel("10⁹ elements/s")
    grid[1][0].set_ylabel("effective GB/s")
    handles = [panels.algorithm_handle(name, looks[name]) for name in run.algorithms]
    handles += [Line2D([], [], color=style.GREY, linestyle=dashes, label=name) for name, dashes in LIMITS.items()]
    hollow = {"marker": "o", "fillstyle": "none", "linestyle": "none"}
    handles.append(Line2D([], [], color=style.GREY, label="parts of one vector", **hollow))
    title = "Threads: each with a vector of its own, and (hollow) parts of one"
    panels.finish(figure, run, table, panels.Frame(title, handles, [_saturation(table, run)]))
    return figure


def _lines(axes: Axes, table: pd.DataFrame, value: str, look: style.Style) -> None:
    for vectors, dashes, fill in (("own", look.dashes, "full"), ("shared", "none", "none")):
        points = table[table["vectors"] == vectors].sort_values("threads")
        middle, spread = panels.error(points, value)
        shift = 0.0 if vectors == "own" else 0.06
        axes.errorbar(
            points["threads"] + shift, middle, yerr=spread, color=look.colour, marker=look.marker, linestyle=dashes,
            fillstyle=fill, capsize=2, elinewidth=0.8,
        )  # fmt: skip


def _saturation(table: pd.DataFrame, run: Run) -> str:
    own = table[(table["vectors"] == "own") & (table["name"] == "load")]
    told = [
        f"{names.ISAS[isa]} {saturates_at(own[own['isa'] == isa])} of {own['threads'].max()}"
        for isa in selection.isas(own)
        if isa != "scalar"
    ]
    saturated = f"load reaches 95 % of its largest bandwidth with so many threads: {', '.join(told)}"
    return f"{saturated}; limit on threads: {run.threads.limit}"
