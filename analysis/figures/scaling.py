"""Throughput and bandwidth against the number of threads, each with its own vector or with a part of one."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis import panels, style
from harness.record import names
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.teams import saturates_at, throughputs

EXPERIMENT = "scaling"

LIMITS = {"load": style.LIMITS[0], "copy": style.LIMITS[1]}


def draw(run: Run) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its table: `statistics.teams.throughputs` of both experiments (column vectors: own, shared).

    Raises MissingRows.
    """
    tables = [throughputs(run, EXPERIMENT, own_vectors=True).assign(vectors="own")]
    if (run.samples["experiment"] == "strong-scaling").any():
        tables.append(throughputs(run, "strong-scaling", own_vectors=False).assign(vectors="shared"))
    table = pd.concat(tables).reset_index(drop=True)
    table.insert(3, "vectors", table.pop("vectors"))
    isas = selection.isas(table)
    looks = style.algorithms(run.information["algorithms"])
    figure, grid = panels.grid(2, len(isas), 1.9, "row")
    for column, isa in enumerate(isas):
        of_isa = table[table["isa"] == isa]
        of_isa = of_isa[of_isa["elements"] == of_isa["elements"].max()]
        above, below = grid[0][column], grid[1][column]
        for axes, value in ((above, "gigaelements_per_second"), (below, "effective_gigabytes_per_second")):
            for name in run.information["algorithms"]:
                _lines(axes, of_isa[of_isa["name"] == name], value, looks[name])
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        own = of_isa[of_isa["vectors"] == "own"]
        for limit, dashes in LIMITS.items():
            points = own[own["name"] == limit].sort_values("threads")
            below.plot(
                points["threads"], points["effective_gigabytes_per_second_median"], color=style.GREY, linestyle=dashes
            )
        where = "" if selection.is_out_of_cache(of_isa["elements"], run).all() else ", in cache"
        above.set_title(f"{names.ISAS[isa]}, {names.count(of_isa['elements'].max())} elements{where}", pad=5)
        below.set_xlabel("threads")
    for axes in grid[:, 0]:  # last, since it ends autoscaling for the whole row
        axes.set_ylim(0)
    grid[0][0].set_ylabel("10⁹ elements/s")
    grid[1][0].set_ylabel("effective GB/s")
    handles = [panels.algorithm_handle(name, looks[name]) for name in run.information["algorithms"]]
    handles += [Line2D([], [], color=style.GREY, linestyle=dashes, label=name) for name, dashes in LIMITS.items()]
    hollow = {"marker": "o", "fillstyle": "none", "linestyle": "none"}
    handles.append(Line2D([], [], color=style.GREY, label="parts of one vector", **hollow))
    title = "Threads: each with a vector of its own, and (hollow) parts of one"
    panels.finish(figure, run, table, title, handles, [_saturation(table, run)])
    return figure, table


def _lines(axes: Axes, table: pd.DataFrame, value: str, look: style.Style) -> None:
    for vectors, dashes, fill in (("own", look.dashes, "full"), ("shared", "none", "none")):
        points = table[table["vectors"] == vectors].sort_values("threads")
        middle = points[f"{value}_median"]
        spread = [middle - points[f"{value}_low"], points[f"{value}_high"] - middle]
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
    limit = run.information.get("threads", {}).get("limit", "unknown")
    return (
        f"load reaches 95 % of its largest bandwidth with so many threads: {', '.join(told)}; limit on threads: {limit}"
    )
