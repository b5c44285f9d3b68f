"""What the compiler changes: time of each algorithm by the other compilers relative to the primary one."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import panels, style
from harness.record import names
from harness.record.errors import MissingRows
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.ratios import intervals

EXPERIMENT = "compilers"


def draw(run: Run) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its table: `ratios`. Raises MissingRows where no length was measured with two compilers."""
    table = ratios(run)
    if table.empty:
        raise MissingRows(f"{run.folder}: no length was measured with two compilers")
    isas = selection.isas(table)
    figure, grid = panels.grid(1, len(isas), 2.4, "row")
    looks = style.algorithms(run.information["algorithms"])
    for axes, isa in zip(grid[0], isas, strict=True):
        of_isa = table[table["isa"] == isa]
        panels.length_axis(axes, of_isa["elements"], run)
        axes.axhline(1, color=style.BLACK, linewidth=0.8)
        _points(axes, of_isa, looks)
        axes.set_title(names.ISAS[isa], pad=12)
        axes.set_xlabel("elements")
    primary, others = table["relative_to"].iloc[0], list(dict.fromkeys(table["compiler"]))
    grid[0][0].set_ylabel(f"time relative to {primary}")
    grid[0][0].yaxis.set_major_formatter("{x:.2f}")
    handles = [panels.algorithm_handle(name, looks[name]) for name in run.information["algorithms"]]
    if len(others) > 1:
        handles += [
            Line2D([], [], color=style.GREY, marker="o", linestyle="none", label=name, **panels.compiler_marker(place))
            for place, name in enumerate(others)
        ]
    told = ", ".join(f"{name}: {compiler['version']}" for name, compiler in run.information["compilers"].items())
    notes = [panels.CACHE_NOTE, *textwrap.wrap(told, 150)]
    panels.finish(
        figure, run, table, f"What the compiler changes: {', '.join(others)} against {primary}", handles, notes
    )
    return figure, table


def _points(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Style]) -> None:
    others = list(dict.fromkeys(table["compiler"]))
    for place, name in enumerate(dict.fromkeys(table["algorithm"])):
        # Side by side, since the algorithms share their lengths.
        points = table[table["algorithm"] == name]
        shifted = points.assign(elements=points["elements"] * 1.08 ** (place - 1))
        look = style.Style(looks[name].colour, looks[name].marker, "none")
        panels.error_lines(axes, shifted, "relative_time", look, others)


def ratios(run: Run) -> pd.DataFrame:
    """One row for each (isa, compiler, algorithm, elements) that the primary compiler measured too, with
    relative_time_median, _low, _high: its median time in a process over the primary's in the same process, interval
    over processes; and relative_to, confidence, processes."""
    rows = selection.algorithm_rows(run)
    rows = rows.assign(nanoseconds_per_call=rows["nanoseconds"] / rows["calls"])
    primary = next(iter(run.information["compilers"]))
    key = ["isa", "algorithm", "elements", "process"]
    times = rows.groupby(["compiler", *key])["nanoseconds_per_call"].median().reset_index()
    ours = times[times["compiler"] == primary].drop(columns="compiler")
    others = times[times["compiler"] != primary].merge(ours, on=key, suffixes=("", "_primary"))
    if others.empty:
        return others
    others = others.assign(relative_time=others["nanoseconds_per_call"] / others["nanoseconds_per_call_primary"])
    table = intervals(others, ["isa", "compiler", "algorithm", "elements"], "relative_time")
    table.insert(2, "relative_to", primary)
    return table
