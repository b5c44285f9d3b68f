"""Which algorithm wins at the vector lengths that motivate the paper, with one thread and with all."""

from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.speedups import class_counts
from harness.reading import names
from harness.reading.trust import verdict
from harness.record.samples import Run

EXPERIMENT = "class-counts"
TABLE = class_counts

LOOKS = (style.Style(style.GREEN, "o", "none"), style.Style(style.PURPLE, "D", "none"))
"""One thread, all threads."""


def draw(run: Run) -> Figure:
    """One panel for each ISA, with a row for each length. Raises MissingRows."""
    table = TABLE(run)
    lengths = sorted(table["elements"].unique(), reverse=True)
    looks = style.series(sorted(table["threads"].unique()), LOOKS)
    figure, grid = panels.isa_panels(table, 0.7 + 0.42 * len(lengths), "row", 5)
    floor = verdict(run).floor
    for axes, _, of_isa in grid:
        axes.axvspan(-floor, floor, color=style.GREY, alpha=0.2, linewidth=0)
        panels.rows_axes(axes, len(lengths))
        for rank, (count, look) in enumerate(looks.items()):
            points = of_isa[of_isa["threads"] == count]
            shift = panels.beside(rank, len(looks), 0.18)
            places = [lengths.index(n) + shift for n in points["elements"]]
            panels.dots(axes, points, "speedup_percent", places, look)
        axes.set_xlabel("speedup of Two-Pass, %")
    labels = [f"{names.CLASS_COUNTS.get(n, 'no name')}\n{n:,}" for n in lengths]
    grid[0][0].set_yticks(range(len(lengths)), labels)
    handles = [panels.handle(names.threads(count), look) for count, look in looks.items()]
    notes = [
        "classes, words, pages and documents, by the paper's introduction; threads share a vector; grey: noise floor"
    ]
    frame = panels.Frame("Two-Pass over the better Three-Pass at real lengths", handles, notes)
    return panels.finish(figure, run, table, frame)
