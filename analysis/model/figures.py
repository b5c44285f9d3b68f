"""Figures of what the model expects. Each says "(model)" in title and legend, in other colours and dashes than
measurements; where the machine has a run, that is drawn over it as it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import panels, style
from analysis.model import calibrate
from analysis.model.forecast import forecast, out_of_cache, predicted_machines
from analysis.model.predict import DRAWS, Prediction, quantiles, speedup_table, times_table
from analysis.tables.bandwidths import EFFECTIVE, bandwidths
from analysis.tables.speedups import speedups
from analysis.tables.times import algorithm_times
from harness.record import names
from harness.record.caches import FLOAT_BYTES
from harness.record.claims import paper_percent
from harness.record.machines import load_machines
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.traffic import logical_floats

MARKERS = "osD^vPX"
STYLES = {
    "three-pass-recompute": style.Style(style.SKY, "", (0, (5, 1.5))),
    "three-pass-reload": style.Style(style.PURPLE, "", (0, (1.2, 1.2))),
    "two-pass": style.Style(style.VERMILLION, "", (0, (4, 1.2, 1, 1.2))),
}
"""Predictions: other colours than measurements, never a solid line, never a marker."""
DASHES = (
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (4, 1.2, 1, 1.2)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (7, 2)),
    (0, (2, 2)),
    (0, (1, 2.5)),
)
"""Where predictions are of other things than algorithms."""
BAND = {"alpha": 0.18, "linewidth": 0}
MACHINES_NAME = "machines"


def draw(name: str, machine: str, run: Run | None) -> tuple[Figure, pd.DataFrame]:
    """One of FIGURES for one of the paper's machines, and its table; `run`: what was measured there, if anything was.

    Raises HarnessError where what the model is made of is not recorded.
    """
    return FIGURES[name](machine, run)


def _predictions(machine: str) -> dict[str, Prediction]:
    return {isa: forecast(machine, isa) for isa in predicted_machines()[machine]}


def _algorithms(machine: str, run: Run | None) -> tuple[Figure, pd.DataFrame]:
    predictions = _predictions(machine)
    table = pd.concat([times_table(p) for p in predictions.values()], ignore_index=True)
    measured = algorithm_times(run) if run else None
    figure, grid = panels.grid(1, len(predictions), 2.4, "none")
    for axes, (isa, prediction) in zip(grid[0], predictions.items(), strict=True):
        for algorithm in prediction.subject.algorithms:
            own = table[(table["isa"] == isa) & (table["algorithm"] == algorithm)]
            _band(axes, own, "nanoseconds_per_element", STYLES[algorithm])
            plain = {"color": STYLES[algorithm].colour, "linewidth": 0.7, "linestyle": (0, (1, 3))}
            axes.plot(own["elements"], own["textbook_nanoseconds_per_element"], **plain)
            if run and measured is not None:
                points = measured[(measured["isa"] == isa) & (measured["algorithm"] == algorithm)]
                look, compilers = style.ALGORITHMS[algorithm], selection.compilers(measured, run)
                panels.error_lines(axes, points, "nanoseconds_per_element", look, compilers)
        _lengths(axes, prediction, isa)
        axes.set_ylim(0)
    grid[0][0].set_ylabel("nanoseconds per element")
    handles = _algorithm_handles(run)
    return _finished(figure, machine, run, "time per element", handles, table, "nanoseconds_per_element", measured)


def _speedup(machine: str, run: Run | None) -> tuple[Figure, pd.DataFrame]:
    predictions = _predictions(machine)
    table = pd.concat([speedup_table(p) for p in predictions.values()], ignore_index=True)
    measured = speedups(run) if run else None
    figure, grid = panels.grid(1, len(predictions), 2.6, "row")
    for axes, (isa, prediction) in zip(grid[0], predictions.items(), strict=True):
        axes.axhline(0, color=style.BLACK, linewidth=0.8)
        _band(axes, table[table["isa"] == isa], "speedup_percent", STYLES["two-pass"])
        if run and measured is not None:
            points, look = measured[measured["isa"] == isa], style.ALGORITHMS["two-pass"]
            panels.error_lines(axes, points, "speedup_percent", look, selection.compilers(measured, run))
        _paper(axes, machine, prediction)
        _lengths(axes, prediction, isa)
    grid[0][0].set_ylabel("speedup of Two-Pass, %")
    handles: list[Artist] = [_model_handle("Two-Pass over the better Three-Pass", STYLES["two-pass"])]
    if run:
        handles += panels.algorithm_handles(style.ALGORITHMS, ["two-pass"])
    return _finished(figure, machine, run, "speedup of Two-Pass", handles, table, "speedup_percent", measured)


def _pass_bandwidth(machine: str, run: Run | None) -> tuple[Figure, pd.DataFrame]:
    predictions, tables = _predictions(machine), []
    measured = bandwidths(run) if run else None
    looks = _pass_looks(next(iter(predictions.values())).subject.algorithms)
    figure, grid = panels.grid(1, len(predictions), 2.6, "row")
    for axes, (isa, prediction) in zip(grid[0], predictions.items(), strict=True):
        for name, look in looks.items():
            floats = FLOAT_BYTES * logical_floats(prediction.subject.kernels[name])
            rates = quantiles(floats / prediction.alone(name), EFFECTIVE)
            own = pd.DataFrame({"isa": isa, "pass": name, "elements": prediction.elements.astype(int), **rates})
            tables.append(own)
            _band(axes, own, EFFECTIVE, look)
            if run and measured is not None:
                points = measured[(measured["isa"] == isa) & (measured["pass"] == name)]
                seen = style.Style(look.colour, MARKERS[list(looks).index(name)], "none")
                panels.error_lines(axes, points, EFFECTIVE, seen, [run.primary])
        panels.bandwidth_axis(axes)
        _lengths(axes, prediction, isa)
    grid[0][0].set_ylabel("effective GB/s, warm")
    handles: list[Artist] = [_model_handle(name, look) for name, look in looks.items()]
    if run:
        handles += [
            Line2D([], [], color=look.colour, marker=marker, linestyle="none", label=f"{name}, measured")
            for (name, look), marker in zip(looks.items(), MARKERS, strict=False)
        ]
    table = pd.concat(tables, ignore_index=True)
    return _finished(figure, machine, run, "effective bandwidth of passes", handles, table, EFFECTIVE, measured)


FIGURES = {"algorithms": _algorithms, "speedup": _speedup, "pass-bandwidth": _pass_bandwidth}


def draw_machines(runs: Sequence[Run]) -> tuple[Figure, pd.DataFrame]:
    """Speedup of Two-Pass against the size of the input in last-level caches, of every machine that the model knows,
    and of those that were measured; and the table of what the model expects."""
    figure, grid = panels.grid(1, 1, 3.0, "none")
    axes, handles, tables = grid[0][0], [], []
    pairs = [(name, isa) for name, isas in predicted_machines().items() for isa in isas]
    colours = (style.SKY, style.PURPLE, style.VERMILLION, style.ORANGE)
    for place, (name, isa) in enumerate(pairs):
        prediction, look = (
            forecast(name, isa),
            style.Style(colours[place % len(colours)], "", DASHES[place]),
        )
        own = speedup_table(prediction)
        last = prediction.subject.machine.last_cache_bytes
        own.insert(0, "machine", name)
        own["input_over_last_cache"] = FLOAT_BYTES * own["elements"] / last
        tables.append(own)
        _band(axes, own, "speedup_percent", look, "input_over_last_cache")
        handles.append(_model_handle(f"{name} {names.ISAS[isa]}", look))
    for run, marker in zip(runs, "os^Dv", strict=False):
        points = selection.of_primary(speedups(run), run)
        for fill, isa in zip(style.FILLS, selection.isas(points), strict=False):
            if isa == "scalar":
                continue
            of_isa = points[points["isa"] == isa].sort_values("elements")
            label = f"{run.machine.name} {names.ISAS[isa]}, measured"
            over_cache = FLOAT_BYTES * of_isa["elements"] / run.machine.last_cache_bytes
            look = {"color": style.GREEN, "marker": marker, "fillstyle": fill}
            axes.plot(over_cache, of_isa["speedup_percent_median"], **look, linewidth=0.8)
            handles.append(Line2D([], [], **look, label=label))
    panels.speedup_by_cache_axes(axes)
    footer = [f"without markers: {_footer()[0]}", *_footer()[1:]]
    title = "Speedup of Two-Pass by machine (model), beside what was measured"
    return panels.surround(figure, panels.Frame(title, handles, footer)), pd.concat(tables, ignore_index=True)


def _band(axes: Axes, table: pd.DataFrame, value: str, look: style.Style, against: str = "elements") -> None:
    x = table[against]
    axes.fill_between(x, table[f"{value}_low"], table[f"{value}_high"], color=look.colour, **BAND)
    axes.plot(x, table[f"{value}_median"], color=look.colour, linestyle=look.dashes)


def _paper(axes: Axes, machine: str, prediction: Prediction) -> None:
    """What the paper claims of this machine, where it claims it: out of cache."""
    claim, far = paper_percent(prediction.subject.isa), prediction.elements[out_of_cache(prediction)]
    if claim is None or claim.machine != machine:
        return
    axes.plot([far.min(), far.max()], [claim.value] * 2, color=style.BLACK, linewidth=1.2, linestyle=(0, (4, 1)))
    text = f"paper: up to {claim.value:g} %"
    box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    axes.text(far.min() / 1.2, claim.value, text, ha="right", va="center", fontsize=6.8, clip_on=True, bbox=box)


def _lengths(axes: Axes, prediction: Prediction, isa: str) -> None:
    panels.length_axis(axes, prediction.elements, prediction.subject.machine)
    axes.set_title(f"{names.ISAS[isa]} (model)", pad=12)
    axes.set_xlabel("elements")


def _model_handle(label: str, look: style.Style) -> Line2D:
    return panels.handle(f"{label} (model)", look)


def _algorithm_handles(run: Run | None) -> list[Artist]:
    handles: list[Artist] = [_model_handle(names.algorithm(name), look) for name, look in STYLES.items()]
    if run:
        handles += panels.algorithm_handles(style.ALGORITHMS, style.ALGORITHMS)
    plain = Line2D([], [], color=style.GREY, linewidth=0.7, linestyle=(0, (1, 3)), label="textbook ECM (model)")
    return [*handles, plain, Patch(facecolor="0.8", label="10 to 90 % (model)")]


def _pass_looks(algorithms: Mapping[str, Sequence[str]]) -> dict[str, style.Style]:
    """The passes of Two-Pass and what it replaces, each in the colour of its algorithm."""
    used: dict[str, style.Style] = {}
    for algorithm, passes in algorithms.items():
        for name in passes:
            known = sum(name in others for others in algorithms.values()) > 1
            colour = style.GREY if known else STYLES[algorithm].colour
            used.setdefault(name, style.Style(colour, "", DASHES[len(used) % len(DASHES)]))
    return used


def _footer() -> list[str]:
    calibration = calibrate.load()
    error = f"{100 * calibration.wider_spread:.0f} %"
    return [
        "PREDICTED, NOT MEASURED: llvm-mca's cycles of our loops, simulated caches, estimated bandwidths of one core",
        f"bands: 10 to 90 % of {DRAWS} draws of what is uncertain, the model's own error ({error} of a pass) included",
        f"overlap, stores calibrated on {calibration.machine}, run {calibration.run}; nothing is fitted to the paper",
    ]


def _finished(
    figure: Figure,
    machine: str,
    run: Run | None,
    what: str,
    handles: Sequence[Artist],
    table: pd.DataFrame,
    value: str,
    measured: pd.DataFrame | None,
) -> tuple[Figure, pd.DataFrame]:
    footer = _footer()
    if run and measured is not None:
        footer.append(f"measured: run {run.name}; {_error(table, measured, value)}")
    title = f"{load_machines()[machine].title}: {what} (model)"
    return panels.surround(figure, panels.Frame(title, handles, footer)), table


def _error(table: pd.DataFrame, measured: pd.DataFrame, value: str) -> str:
    """How far the model's medians are from what was measured at the nearest length."""
    keys = [name for name in ("isa", "algorithm", "pass") if name in table and name in measured]
    off = []
    for key, points in measured.groupby(keys):
        own = table[(table[keys] == list(key)).all(axis=1)].sort_values("elements")
        if len(own):
            guess = np.interp(np.log(points["elements"]), np.log(own["elements"]), own[f"{value}_median"])
            relative = value != "speedup_percent"
            difference = guess - points[f"{value}_median"]
            off.append(np.abs(100 * difference / points[f"{value}_median"] if relative else difference))
    unit = "points" if value == "speedup_percent" else "%"
    return f"the model's median error is {np.median(np.concatenate(off)):.1f} {unit}" if off else "nothing to compare"
