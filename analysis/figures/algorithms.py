"""Time per element of every softmax algorithm in the run against array length."""

import pandas as pd
from matplotlib.figure import Figure

from analysis.times import draw_times
from harness.record.samples import Run
from harness.statistics.selection import algorithm_rows

EXPERIMENT = "algorithms"


def draw(run: Run) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its table: times of `analysis.times.algorithm_times`. Raises MissingRows."""
    measured = set(algorithm_rows(run)["algorithm"])
    algorithms = [name for name in run.information["algorithms"] if name in measured]
    return draw_times(run, algorithms, "Softmax algorithms: time per element")
