"""What every figure shares: panels, the axis of lengths, cache boundaries; title, legend and footer around them."""

import itertools
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis import style
from harness.reading import names
from harness.reading.evidence import Evidence, doubts, floors
from harness.reading.trust import disturbed_share, verdict
from harness.record import exactness
from harness.record.caches import FLOAT_BYTES, HasCaches
from harness.record.machines import emulator
from harness.record.samples import Run
from harness.statistics import controls, selection
from harness.statistics.intervals import bounds

# Inches. Title, legend and footer have bands of their own, so that they can cover neither data nor one another.
TITLE, LEGEND_LINE, FOOTER_LINE, GAP = 0.28, 0.17, 0.115, 0.06
AUDIT_WORDS = {"yes": "disturbs", "unknown": "unknown"}
FOOTER_CHARACTERS = 150
"""What fits in a line of small print."""
CACHE_NOTE = "vertical lines: the input (4n bytes) fills that cache"


def grid(rows: int, columns: int, panel_height: float, share_y: Literal["none", "row"]) -> tuple[Figure, np.ndarray]:
    """A figure two columns wide with panels of a height in inches; returns it with its axes, shape (rows, columns)."""
    figure = Figure(figsize=(style.WIDTH, rows * panel_height))
    axes = figure.subplots(rows, columns, squeeze=False, sharey=share_y)
    return figure, axes


def isa_panels(
    table: pd.DataFrame, panel_height: float, share_y: Literal["none", "row"], pad: float | None = None
) -> tuple[Figure, list[tuple[Axes, str, pd.DataFrame]]]:
    """A figure with one panel for each ISA in a table; returns it with the axes, the ISA and its rows, of each panel.
    `pad` is the room below the panels' titles in points."""
    isas = selection.isas(table)
    figure, axes = grid(1, len(isas), panel_height, share_y)
    for one, isa in zip(axes[0], isas, strict=True):
        one.set_title(names.ISAS[isa], pad=pad)
    return figure, [(one, isa, table[table["isa"] == isa]) for one, isa in zip(axes[0], isas, strict=True)]


def length_axis(axes: Axes, elements: pd.Series | np.ndarray, machine: HasCaches) -> None:
    """Logarithmic axis of array lengths, with the boundaries of the machine's caches that fall among them."""
    low, high = elements.min() / 1.4, elements.max() * 1.4
    axes.set_xlim(low, high)
    axes.set_xscale("log")
    # Within a decade or two, powers of ten alone would label two ticks or none.
    decades = math.log10(high / low)
    axes.xaxis.set_major_locator(
        LogLocator(base=10, subs=(1,) if decades > 3 else (1, 3) if decades > 1.5 else (1, 2, 3, 5, 7))
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: names.count(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    for level, boundary in cache_boundaries(machine).items():
        if low < boundary < high:
            axes.axvline(boundary, color="0.55", linewidth=0.6, zorder=0.5)
            _above(axes, boundary, level, color="0.3")


def _above(axes: Axes, x: float, text: str, **look: Any) -> None:
    """A name above the axes, of what stands there at x."""
    axes.text(x, 1.01, text, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=6.5, **look)


def noise_band(axes: Axes, evidence: Evidence, ends: Callable[[np.ndarray], tuple[Any, Any]]) -> None:
    """A grey band between the ends that a noise floor in percent makes, at each length of an axis of them."""
    shortest, longest = axes.get_xlim()
    lengths = np.geomspace(shortest, longest, 500)
    low, high = ends(floors(evidence, lengths))
    axes.fill_between(lengths, low, high, color=style.GREY, alpha=0.2, linewidth=0, step="mid")


def speedup_by_cache_axes(axes: Axes) -> None:
    """Axes of speedup against the size of the input in last-level caches, where machines can be compared."""
    axes.axhline(0, color=style.BLACK, linewidth=0.8)
    axes.axvline(1, color="0.55", linewidth=0.6)
    _above(axes, 1, "last-level cache")
    axes.set_xscale("log")
    axes.set_xlabel("input (4n bytes) over last-level cache")
    axes.set_ylabel("speedup of Two-Pass, %")


def cache_boundaries(machine: HasCaches) -> dict[str, float]:
    """For each cache level the number of elements whose input alone, 4n bytes, fills it."""
    caches = sorted(machine.caches, key=lambda cache: cache.level)
    return {f"L{cache.level}": cache.bytes / FLOAT_BYTES for cache in caches}


def error(points: pd.DataFrame | pd.Series, value: str) -> tuple[Any, np.ndarray]:
    """The medians of a value in rows or in one row, and how far their intervals reach to either side: shape (2, rows),
    as Matplotlib's errorbar takes it."""
    middle, low, high = (points[name] for name in bounds(value))
    return middle, np.reshape([middle - low, high - middle], (2, -1))


def dots(axes: Axes, points: pd.DataFrame, value: str, places: Sequence[float], look: style.Style) -> None:
    """Medians with their intervals in rows, each at its place."""
    middle, spread = error(points, value)
    axes.errorbar(middle, places, xerr=spread, **look.points.line, capsize=2)


def rows_axes(axes: Axes, rows: int) -> None:
    """Axes of so many rows beside a zero line."""
    axes.axvline(0, color=style.BLACK, linewidth=0.8)
    axes.set_ylim(-0.6, rows - 0.4)
    upright_grid(axes)


def upright_grid(axes: Axes) -> None:
    """Grid lines for a value that runs along x, as it does where rows stand above one another."""
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)


def beside(rank: int, count: int, gap: float) -> float:
    """How far from the middle of its row one of several stands that share the row, the ranks from 0."""
    return gap * (rank - (count - 1) / 2)


def algorithms_in(table: pd.DataFrame, run: Run) -> list[str]:
    """The algorithms in the rows, in the order of the run."""
    return [name for name in run.algorithms if name in set(table["algorithm"])]


def algorithm_rows(axes: Axes, run: Run, algorithms: Sequence[str]) -> None:
    """Names of the algorithms beside their rows, with an asterisk where one is later than the paper."""
    labels = [names.algorithm(name) + ("" if run.origin_of(name) == "paper" else " *") for name in algorithms]
    axes.set_yticks(range(len(algorithms)), labels, fontsize=6.2)


def error_lines(axes: Axes, table: pd.DataFrame, value: str, look: style.Style, compilers: Sequence[str]) -> None:
    """Medians with their intervals against elements: a line for the first compiler, markers alone for the others."""
    for place, compiler in enumerate(compilers):
        points = table[table["compiler"] == compiler].sort_values("elements")
        middle, spread = error(points, value)
        shape = {**(look if place == 0 else look.points).line, **compiler_marker(place)}
        axes.errorbar(points["elements"], middle, yerr=spread, **shape, elinewidth=0.8, capsize=1.5, capthick=0.8)


def compiler_marker(place: int) -> dict[str, object]:
    """Marker settings of the compiler at a place: filled for the first, larger and (half) hollow for the others."""
    fill = style.FILLS[min(place, len(style.FILLS) - 1)]
    size = 3.5 if place == 0 else 5.0
    return {"fillstyle": fill, "markersize": size, "markerfacecoloralt": "white", "markeredgewidth": 0.9}


def handle(label: str, look: style.Style, **more: Any) -> Line2D:
    """Legend entry of what looks like this."""
    return Line2D([], [], label=label, **look.line, **more)


def algorithm_handles(looks: Mapping[str, style.Style], algorithms: Iterable[str]) -> list[Line2D]:
    """Legend entries of algorithms."""
    return [handle(names.algorithm(name), looks[name]) for name in algorithms]


def compiler_handles(compilers: Sequence[str]) -> list[Line2D]:
    """Legend entries that tell the compilers apart; none where there is only one."""
    look = style.Style(style.GREY, "o", "-")
    return [
        handle(compiler, look.points if place else look, **compiler_marker(place))
        for place, compiler in enumerate(compilers)
        if len(compilers) > 1
    ]


@dataclass(frozen=True)
class Frame:
    """What stands around the panels: above them a title, below them a legend and lines of small print."""

    title: str
    handles: Sequence[Artist]
    notes: Sequence[str]


def finish(figure: Figure, run: Run, table: pd.DataFrame, frame: Frame) -> Figure:
    """The figure with a frame around the panels, and in it what the numbers rest on: the run, and of `table`, which is
    what the figure shows, confidence and processes."""
    notes = [*_provenance(run, table), *frame.notes]
    return surround(figure, Frame(f"{reservation(run)}{frame.title}", frame.handles, notes))


def finish_pooled(figure: Figure, evidence: Evidence, table: pd.DataFrame, frame: Frame) -> Figure:
    """`finish` of what a body of evidence shows: the runs in place of the run."""
    run = evidence.newest
    over = "runs and processes" if len(evidence.runs) > 1 or evidence.lent else "processes"
    notes = [
        f"{run.machine.brand} ({run.machine.name}); {_runs(evidence)}",
        f"{_counted(table, over)}; {_disturbed(evidence.runs)}",
        "; ".join(evidence.cautions),
        *trust(evidence),
    ]
    return surround(figure, Frame(f"{reservation(run)}{frame.title}", frame.handles, [*notes, *frame.notes]))


def reservation(run: Run) -> str:
    """What comes before the title of a figure that claims nothing."""
    if exactness.faults(run):
        return "RESULTS ARE WRONG: no claim. "
    return "smoke: no claim. " if run.protocol.is_smoke else ""


def surround(figure: Figure, frame: Frame) -> Figure:
    """The figure with a frame around the panels, each part of it in a band of its own."""
    wrapped = [part for line in frame.notes for part in textwrap.wrap(line, FOOTER_CHARACTERS)]
    handles, footer = frame.handles, [style.plain(line) for line in wrapped]
    per_line = _legend_columns(handles)
    legend = LEGEND_LINE * math.ceil(len(handles) / per_line)
    below = FOOTER_LINE * len(footer) + GAP + (legend + GAP if handles else 0.0)
    height = figure.get_figheight() + TITLE + below
    figure.set_figheight(height)
    figure.set_layout_engine("constrained", rect=(0, below / height, 1, 1 - (below + TITLE) / height), w_pad=0.03)
    figure.text(0.01, 1 - 0.05 / height, frame.title, va="top", ha="left", fontsize=9.5, weight="bold")
    if handles:
        place = {"loc": "lower center", "bbox_to_anchor": (0.5, (FOOTER_LINE * len(footer) + GAP) / height)}
        room = {"borderpad": 0, "borderaxespad": 0, "labelspacing": 0.35, "handlelength": 2.6}
        figure.legend(handles=handles, ncols=per_line, frameon=False, **place, **room)
    small = {"fontsize": 6.2, "color": "0.3", "linespacing": 1.25}
    figure.text(0.01, 0.03 / height, "\n".join(footer), va="bottom", ha="left", **small)
    return figure


def _legend_columns(handles: Sequence[Artist]) -> int:
    """The most columns that fit side by side, each as wide as its longest entry. Matplotlib fills them from the left,
    the first ones with one entry more where that does not come out even."""
    # Inches: some 0.055 for a character of 7.5 points, 0.6 for the sample of the line and the gaps.
    widths = [0.055 * len(str(handle.get_label())) + 0.6 for handle in handles]
    for columns in range(len(handles), 1, -1):
        fewest, more = divmod(len(handles), columns)
        ends = list(itertools.accumulate(fewest + (place < more) for place in range(columns)))
        if sum(max(widths[start:end]) for start, end in itertools.pairwise([0, *ends])) <= style.WIDTH:
            return columns
    return 1


def _provenance(run: Run, table: pd.DataFrame) -> list[str]:
    return [
        f"{run.machine.brand} ({run.machine.name}); {_runs(Evidence((run,)))}",
        f"{_counted(table, 'processes')}; {_disturbed([run])}",
        null_test(run),
        audit_line(run),
    ]


def _runs(evidence: Evidence) -> str:
    run = evidence.newest
    protocol = run.protocol.name
    if run.protocol.tuning == "paper":
        protocol += ", published variants"
    if run.machine.overridden:
        protocol += "; the machine's name was given, not detected"
    which = ", ".join(each.name for each in evidence.runs)
    if len(evidence.runs) == 1:
        return f"run {which}, protocol {protocol}"
    return f"{len(evidence.runs)} runs {evidence.period}: {which}"


def _counted(table: pd.DataFrame, over: str) -> str:
    processes, confidence = table["processes"], 100 * table["confidence"]
    counted = names.spread(processes.min(), processes.max(), " process" if processes.max() == 1 else " processes")
    if confidence.max() == 0:
        return f"{counted}; no interval" + (" from one process" if processes.max() == 1 else "")
    sure = names.spread(confidence.min(), confidence.max(), " %")
    return f"{counted}; intervals: median over {over}, {sure} confidence"


def _disturbed(runs: Sequence[Run]) -> str:
    return f"{names.percent(disturbed_share(runs))} of samples disturbed"


def trust(evidence: Evidence) -> list[str]:
    """What the controls and the audit say of a body of evidence, a line each."""
    run, found = evidence.newest, doubts(evidence)
    if len(evidence.runs) == 1:
        return [null_test(run), audit_line(run)]
    return [f"{found.told}, noise floor {found.floor_told}", audit_line(run)]


def null_test(run: Run) -> str:
    """What the run's controls say, in few words."""
    if told := emulator(run):
        return f"EMULATED ({told}): NOTHING IS DECIDED"
    if wrong := exactness.faults(run):
        return f"RESULTS ARE WRONG: {'; '.join(wrong)}"[:150]
    if not controls.are_in(run):
        return "no null test"
    found = verdict(run)
    return "NULL TEST FAILED" if found.faults else f"null test passed, noise floor {found.floor_percent:.2g} %"


def audit_line(run: Run) -> str:
    """The audit of the machine in one line: what disturbs, what is not known, and how much is in order."""
    by_answer: dict[str, list[str]] = {"yes": [], "unknown": [], "no": []}
    for finding in run.audit:
        by_answer[finding["disturbs"]].append(finding["item"])
    told = [f"{word}: {', '.join(by_answer[answer]) or 'nothing'}" for answer, word in AUDIT_WORDS.items()]
    return f"{'; '.join(told)}; in order: {len(by_answer['no'])}"
