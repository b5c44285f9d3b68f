"""The figure of what the model expects of a machine. It says "(model)" in title and legend, in other colours and dashes
than measurements; where the machine has a run, that is drawn over it as it was measured."""

from __future__ import annotations

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import panels, style
from analysis.model import calibrate, sealed
from analysis.model.forecast import DRAWS, Forecast, forecast, predicted_machines
from analysis.tables.speedups import speedups
from analysis.tables.times import algorithm_times
from harness.reading import names
from harness.reading.claims import paper_percent
from harness.record.machines import load_machines
from harness.record.samples import Run
from harness.statistics import selection

NAME = "model"
STYLES = {
    "three-pass-recompute": style.Style(style.SKY, "", (0, (5, 1.5))),
    "three-pass-reload": style.Style(style.PURPLE, "", (0, (1.2, 1.2))),
    "two-pass": style.Style(style.VERMILLION, "", (0, (4, 1.2, 1, 1.2))),
}
"""Other colours than measurements, never a solid line, never a marker."""
BAND = {"alpha": 0.18, "linewidth": 0}


def draw(machine: str, run: Run | None) -> tuple[Figure, pd.DataFrame]:
    """Time of each algorithm and speedup of Two-Pass, a column for each ISA, and the table of both; `run`: what was
    measured there, if anything was. Raises HarnessError where what the model is made of is not recorded."""
    expected = {isa: forecast(machine, isa) for isa in predicted_machines()[machine]}
    table = pd.concat([one.table() for one in expected.values()], ignore_index=True)
    figure, grid = panels.grid(2, len(expected), 2.3, "row")
    two_pass = STYLES[selection.TWO_PASS]
    for column, (isa, one) in enumerate(expected.items()):
        (above, below), own = grid[:, column], table[table["isa"] == isa]
        below.axhline(0, color=style.BLACK, linewidth=0.8)
        for algorithm, look in STYLES.items():
            _band(above, own[own["algorithm"] == algorithm], look)
        _band(below, own[own["quantity"] == "speedup_percent"], two_pass)
        if run:
            for algorithm, look in style.ALGORITHMS.items():
                _measured(above, algorithm_times(run).query(f"algorithm == '{algorithm}'"), isa, look, run)
            _measured(below, speedups(run), isa, style.ALGORITHMS[selection.TWO_PASS], run)
        _paper(below, machine, isa, one)
        for axes in (above, below):
            panels.length_axis(axes, one.prediction.elements, load_machines()[machine])
        above.set_title(f"{names.ISAS[isa]} (model)", pad=12)
        above.set_ylim(0)
        below.set_xlabel("elements")
    grid[0][0].set_ylabel("nanoseconds per element")
    grid[1][0].set_ylabel("speedup of Two-Pass, %")
    handles: list[Artist] = [
        Line2D([], [], color=look.colour, linestyle=look.dashes, label=f"{names.algorithm(name)} (model)")
        for name, look in STYLES.items()
    ]
    handles.append(Patch(facecolor="0.8", label="10 to 90 % (model)"))
    if run:
        handles += panels.algorithm_handles(style.ALGORITHMS, STYLES)
    frame = panels.Frame(f"{load_machines()[machine].title} (model)", handles, _footer(machine, run))
    return panels.surround(figure, frame), table


def _measured(axes: Axes, table: pd.DataFrame, isa: str, look: style.Style, run: Run) -> None:
    value = next(name for name in ("nanoseconds_per_element", "speedup_percent") if f"{name}_median" in table)
    panels.error_lines(axes, table[table["isa"] == isa], value, look, selection.compilers(table, run))


def _band(axes: Axes, table: pd.DataFrame, look: style.Style) -> None:
    axes.fill_between(table["elements"], table["low"], table["high"], color=look.colour, **BAND)
    axes.plot(table["elements"], table["median"], color=look.colour, linestyle=look.dashes)


def _paper(axes: Axes, machine: str, isa: str, expected: Forecast) -> None:
    """What the paper claims of this machine, where it claims it: out of cache."""
    claim, far = paper_percent(isa), expected.prediction.elements[expected.is_far]
    if claim is None or claim.machine != machine:
        return
    axes.plot([far.min(), far.max()], [claim.value] * 2, color=style.BLACK, linewidth=1.2, linestyle=(0, (4, 1)))
    # Below its line: what is left of it is the model's.
    middle, below = (far.min() * far.max()) ** 0.5, {"xytext": (0, -2), "textcoords": "offset points"}
    told = f"paper: up to {claim.value:g} %"
    axes.annotate(told, (middle, claim.value), ha="center", va="top", fontsize=6.8, **below)


def _footer(machine: str, run: Run | None) -> list[str]:
    calibration, written = calibrate.load(), sealed.load(machine)
    judged = [f"sealed {written[0]}: {sealed.told(written, run)}"] if written else []
    return [
        "PREDICTED, NOT MEASURED: llvm-mca's cycles of our loops, lines by reuse distance, estimated bandwidths",
        f"bands: 10 to 90 % of {DRAWS} draws of what is uncertain, and of the model's errors where it was not fitted",
        f"calibrated on {calibration.machine}, runs {', '.join(calibration.runs)}; nothing is fitted to the paper",
        *judged,
    ]
