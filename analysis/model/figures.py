"""The figure of what the model expects of a machine: "(model)" in words, and other colours and dashes than measured."""

import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis import panels, style
from analysis.claims.claims import paper_percent
from analysis.model.forecast import DRAWS, SPEEDUP_PERCENT
from analysis.tables.speedups import speedups
from analysis.tables.times import algorithm_times
from harness.reading import names
from harness.record.machines import Machine
from harness.record.samples import Run
from harness.statistics import selection

NAME = "model"
STYLES = {
    "three-pass-recompute": style.Style(style.SKY, "", (0, (5, 1.5))),
    "three-pass-reload": style.Style(style.PURPLE, "", (0, (1.2, 1.2))),
    "two-pass": style.Style(style.VERMILLION, "", (0, (4, 1.2, 1, 1.2))),
}
"""Other colours than measurements, never a solid line, never a marker."""
ORIGIN = (
    "PREDICTED, NOT MEASURED: llvm-mca's cycles of our loops, lines by reuse distance, bandwidths of one core",
    f"bands: 10 to 90 % of {DRAWS} draws of what is uncertain, and of the model's errors on what had been measured",
    "nothing is fitted to the paper",
)


def draw(machine: Machine, table: pd.DataFrame, run: Run | None, notes: Sequence[str]) -> tuple[Figure, pd.DataFrame]:
    """Time of each algorithm and speedup of Two-Pass, a column for each ISA and compiler, and the table that is drawn.
    `table` as Forecast.table, `run`: what was measured there, if anything was; `notes` are told below."""
    columns = list(dict.fromkeys(zip(table["isa"], table["compiler"], strict=True)))
    figure, grid = panels.grid(2, len(columns), 2.3, "row")
    for (above, below), column in zip(grid.T, columns, strict=True):
        own = _of(table, column)
        below.axhline(0, color=style.BLACK, linewidth=0.8)
        for algorithm, look in STYLES.items():
            _expected(above, own[own["algorithm"] == algorithm], look)
        _expected(below, own[own["quantity"] == SPEEDUP_PERCENT], STYLES[selection.TWO_PASS])
        if run:
            times, ratios, measured = _of(algorithm_times(run), column), _of(speedups(run), column), style.ALGORITHMS
            for algorithm in STYLES:
                its = times[times["algorithm"] == algorithm]
                panels.error_lines(above, its, "nanoseconds_per_element", measured[algorithm], column[1:])
            panels.error_lines(below, ratios, "speedup_percent", measured[selection.TWO_PASS], column[1:])
        claim = paper_percent(column[0])
        if claim and claim.machine == machine.name:
            far = own["elements"][machine.is_out_of_cache(own["elements"])]
            below.hlines(claim.value, far.min(), far.max(), style.BLACK, (0, (4, 1)), linewidth=1.2)
            # Below its line: what is left of it is the model's.
            told, place = f"paper: up to {claim.value:g} %", ((far.min() * far.max()) ** 0.5, claim.value)
            below.annotate(told, place, (0, -2), textcoords="offset points", ha="center", va="top", fontsize=6.8)
        for axes in (above, below):
            panels.length_axis(axes, own["elements"], machine)
        above.set_title(f"{names.ISAS[column[0]]}, {column[1]} (model)", pad=12)
        below.set_xlabel("elements")
    grid[0][0].set_ylim(0)
    grid[0][0].set_ylabel("nanoseconds per element")
    grid[1][0].set_ylabel("speedup of Two-Pass, %")
    handles: list[Artist] = [panels.handle(f"{names.algorithm(name)} (model)", look) for name, look in STYLES.items()]
    handles.append(Patch(facecolor="0.8", label="10 to 90 % (model)"))
    if run:
        handles += panels.algorithm_handles(style.ALGORITHMS, STYLES)
    footer = [*ORIGIN, *(line for note in notes for line in textwrap.wrap(note, 130))]
    return panels.surround(figure, panels.Frame(f"{machine.title} (model)", handles, footer)), table


def _of(table: pd.DataFrame, column: tuple[str, str]) -> pd.DataFrame:
    return table[(table["isa"] == column[0]) & (table["compiler"] == column[1])]


def _expected(axes: Axes, table: pd.DataFrame, look: style.Style) -> None:
    axes.fill_between(table["elements"], table["low"], table["high"], color=look.colour, alpha=0.18, linewidth=0)
    axes.plot(table["elements"], table["median"], color=look.colour, linestyle=look.dashes)
