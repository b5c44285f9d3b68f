"""Which algorithm wins at the vector lengths that motivate the paper, with one thread and with all."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import panels, style
from analysis.tables.controls import verdict
from analysis.tables.speedups import class_counts
from harness.record import names
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "class-counts"
TABLE = class_counts

LOOKS = ((style.GREEN, "o"), (style.PURPLE, "D"))
"""One thread, all threads."""


def draw(run: Run) -> Figure:
    """One panel for each ISA, with a row for each length. Raises MissingRows."""
    table = TABLE(run)
    isas = selection.isas(table)
    lengths = sorted(table["elements"].unique(), reverse=True)
    counts = sorted(table["threads"].unique())
    figure, grid = panels.grid(1, len(isas), 0.7 + 0.42 * len(lengths), "row")
    floor = verdict(run).floor
    for axes, isa in zip(grid[0], isas, strict=True):
        axes.axvspan(-floor, floor, color=style.GREY, alpha=0.2, linewidth=0)
        panels.rows_axes(axes, len(lengths))
        for rank, (count, look) in enumerate(zip(counts, LOOKS, strict=False)):
            points = table[(table["isa"] == isa) & (table["threads"] == count)]
            places = [lengths.index(n) + 0.18 * (rank - (len(counts) - 1) / 2) for n in points["elements"]]
            panels.dots(axes, points, "speedup_percent", places, look)
        axes.set_title(names.ISAS[isa], pad=5)
        axes.set_xlabel("speedup of Two-Pass, %")
    labels = [f"{names.CLASS_COUNTS.get(n, 'no name')}\n{n:,}" for n in lengths]
    grid[0][0].set_yticks(range(len(lengths)), labels)
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", label=_threads(count))
        for count, (colour, marker) in zip(counts, LOOKS, strict=False)
    ]
    notes = [
        "classes, words, pages and documents, by the paper's introduction; threads share a vector; grey: noise floor"
    ]
    panels.finish(
        figure, run, table, panels.Frame("Two-Pass over the better Three-Pass at real lengths", handles, notes)
    )
    return figure


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"
