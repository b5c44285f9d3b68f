"""Effective bandwidth of each pass against array length, warm, with the measured limits of the machine."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis import panels, style
from analysis.tables.bandwidths import EFFECTIVE, bandwidths
from harness.reading import names
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.traffic import kind

EXPERIMENT = "passes"
TABLE = bandwidths

KINDS = {"reads X": "passes that read X", "writes Y": "passes that write Y", "updates Y": "passes that update Y"}
MARKERS = "osD^vPX*"


def draw(run: Run) -> Figure:
    """A line of panels for each ISA, with one for each kind of traffic. Raises MissingRows."""
    table = TABLE(run)
    isas, compilers = selection.isas(table), selection.compilers(table, run)
    looks = _looks(run, table)
    of_kind = {group: [name for name in looks if kind(run.kernels[name]) == group] for group in KINDS}
    kinds = [group for group, members in of_kind.items() if members]
    figure, grid = panels.grid(len(isas), len(kinds), 1.85, "row")
    for line, isa in zip(grid, isas, strict=True):
        of_isa = table[table["isa"] == isa]
        for axes, group in zip(line, kinds, strict=True):
            for name in of_kind[group]:
                _series(axes, of_isa[of_isa["pass"] == name], looks[name], compilers)
            panels.length_axis(axes, of_isa["elements"], run.machine)
            _bandwidth_axis(axes)
            axes.set_title(f"{names.ISAS[isa]}: {KINDS[group]}", pad=11, fontsize=7.5)
        line[0].set_ylabel("effective GB/s")
    for axes in grid[-1]:
        axes.set_xlabel("elements")
    handles = [
        panels.handle(f"limit: {name}" if name in run.bandwidth_loops else name, look) for name, look in looks.items()
    ]
    notes = [f"effective bandwidth: declared reads and writes, without write-allocate, over time; {panels.CACHE_NOTE}"]
    title = "Effective bandwidth of the passes, and the machine's limits (warm)"
    return panels.finish(figure, run, table, panels.Frame(title, handles + panels.compiler_handles(compilers), notes))


def _bandwidth_axis(axes: Axes) -> None:
    """Logarithmic, with labels as numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _series(axes: Axes, table: pd.DataFrame, look: style.Style, compilers: list[str]) -> None:
    if look.marker:
        panels.error_lines(axes, table, EFFECTIVE, look, compilers)
    else:
        limit = table[table["compiler"] == compilers[0]].sort_values("elements")
        if len(limit) == 1:  # a line through one point would not show
            axes.axhline(limit[f"{EFFECTIVE}_median"].iloc[0], color=look.colour, linestyle=look.dashes)
        axes.plot(limit["elements"], limit[f"{EFFECTIVE}_median"], color=look.colour, linestyle=look.dashes)


def _looks(run: Run, table: pd.DataFrame) -> dict[str, style.Style]:
    """The paper's passes in the colour of their algorithm (black where several share one), limits in grey without
    markers. Those that came later are in the table: with them no line could be told from another."""
    measured, algorithms = set(table["pass"]), {name: run.algorithms[name] for name in run.papers}
    colours = {name: look.colour for name, look in style.algorithms(algorithms).items()}
    looks: dict[str, style.Style] = {}
    for name in run.kernels:
        users = [algorithm for algorithm, passes in algorithms.items() if name in passes]
        if name in measured and users:
            colour = colours[users[0]] if len(users) == 1 else style.BLACK
            looks[name] = style.Style(colour, MARKERS[len(looks) % len(MARKERS)], "-")
    for place, name in enumerate(name for name in run.bandwidth_loops if name in measured):
        looks[name] = style.Style(style.GREY, "", style.LIMITS[place % len(style.LIMITS)])
    return looks
