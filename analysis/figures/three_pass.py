"""Time per element of the two Three-Pass algorithms, recomputing and reloading, against array length."""

from matplotlib.figure import Figure

from analysis.figures.algorithms import draw_times
from analysis.tables.times import three_pass_times
from harness.record.samples import Run
from harness.statistics.selection import THREE_PASS

EXPERIMENT = "algorithms"
TABLE = three_pass_times


def draw(run: Run) -> Figure:
    """One panel for each ISA. Raises MissingRows."""
    return draw_times(run, TABLE(run), THREE_PASS, "Three-Pass softmax: recomputing or reloading")
