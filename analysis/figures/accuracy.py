"""How exact exp and whole softmaxes are, and what accumulating in float lanes, as published, loses."""

import math
from collections.abc import Sequence
from itertools import cycle

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.accuracy import accuracy
from harness.reading import names
from harness.record.isa import ISAS
from harness.record.run import Row
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "accuracy"
TABLE = accuracy

DASHES: tuple[style.Dashes, ...] = ("-", (0, (4, 1.5)), (0, (1.2, 1.2)), (0, (4, 1.5, 1, 1.5)))
COLUMNS = 4
"""Of panels."""
ISA_DASHES = dict(zip(ISAS, cycle(DASHES)))


def draw(run: Run) -> Figure:
    """One panel for exp, and one for each distribution of inputs. Raises MissingRows."""
    table = TABLE(run)
    distributions = list(dict.fromkeys(table["distribution"]))
    looks = style.algorithms(run.algorithms)
    figure, grid = panels.grid(math.ceil((len(distributions) + 1) / COLUMNS), COLUMNS, 1.75, "none")
    cells = list(grid.flat)
    _histogram(cells[0], run.exp)
    for axes, distribution in zip(cells[1:], distributions, strict=False):
        _errors(axes, table[table["distribution"] == distribution], looks)
        axes.set_title(style.plain(distribution), pad=4)
    for axes in cells[len(distributions) + 1 :]:
        axes.set_axis_off()
    for row in grid:
        row[0].set_ylabel("largest relative error")
    cells[0].set_ylabel("share of all floats")
    low = table["largest_relative_error"].clip(lower=1e-9).min()
    for axes in cells[1 : len(distributions) + 1]:
        axes.set_ylim(low / 2, max(low, table["largest_relative_error"].max()) * 2)
    folded = style.Style(style.GREY, "o", "none")
    handles = [
        *panels.algorithm_handles(looks, run.algorithms),
        panels.handle("folded into doubles", folded),
        panels.handle("float lanes, as published", folded, fillstyle="none"),
    ]
    for isa in selection.isas(table):
        handles.append(panels.handle(names.ISAS[isa], style.Style(style.GREY, "", ISA_DASHES[isa])))
    worst = ", ".join(f"{names.ISAS[item['isa']]} {item['largest_ulps']:.3f}" for item in run.exp)
    footer = [
        f"{run.machine.brand} ({run.machine.name}); run {run.name}; not timed, so no intervals",
        f"exp: {_which(run.exp)} float32 in [-87.3, -0] against double precision; largest error in ulp: {worst}",
        "softmax: against 80-bit references, where those are normal floats; x axis: elements",
    ]
    return panels.surround(figure, panels.Frame(f"{panels.reservation(run)}Accuracy", handles, footer))


def _which(found: Sequence[Row]) -> str:
    stride = max((item["stride"] for item in found), default=1)
    return "every" if stride == 1 else f"one in {stride}"


def _histogram(axes: Axes, found: Sequence[Row]) -> None:
    """The histogram of exp's errors; where ISAs give the same bits, one line covers the other."""
    for item in found:
        counts = pd.Series(item["counts"])
        edges = [place / item["bins_per_ulp"] for place in range(len(counts) + 1)]
        axes.stairs(counts / counts.sum(), edges, color=style.GREEN, linestyle=ISA_DASHES[item["isa"]])
    axes.set_yscale("log")
    axes.set_title("exp, error in ulp", pad=4)


def _errors(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Style]) -> None:
    for (isa, algorithm, accumulation), points in table.groupby(["isa", "algorithm", "accumulation"]):
        points = points.sort_values("elements")
        shape = looks[algorithm].line | {"linestyle": ISA_DASHES[isa], "linewidth": 0.9}
        shape["fillstyle"] = "full" if accumulation == "folded" else "none"
        axes.plot(points["elements"], points["largest_relative_error"], **shape)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: names.count(value))
