"""Time per element of the two Three-Pass algorithms, recomputing and reloading, against array length."""

import pandas as pd
from matplotlib.figure import Figure

from analysis.times import draw_times
from harness.record.samples import Run
from harness.statistics.selection import THREE_PASS

EXPERIMENT = "algorithms"


def draw(run: Run) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its table: times of `analysis.times.algorithm_times`. Raises MissingRows."""
    return draw_times(run, THREE_PASS, "Three-Pass softmax: recomputing or reloading")
