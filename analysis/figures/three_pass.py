"""Time per element of the two Three-Pass algorithms, recomputing and reloading, against array length."""

import pandas as pd
from matplotlib.figure import Figure

from analysis.experiments import THREE_PASS
from analysis.rows import Run
from analysis.times import draw_times

EXPERIMENT = "algorithms"


def draw(run: Run) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its table: times of `analysis.times.algorithm_times`. Raises MissingRows."""
    return draw_times(run, THREE_PASS, "Three-Pass softmax: recomputing or reloading")
