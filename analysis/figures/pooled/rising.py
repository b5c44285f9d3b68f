"""What data cost whose maximum rises from block to block, which algorithms that go by blocks must follow."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from analysis import panels, style
from harness.reading import names
from harness.reading.evidence import Evidence
from harness.reading.frontier import pooled_rising

EXPERIMENT = "frontier-rising"
TABLE = pooled_rising

LOOKS = (style.Style(style.BLUE, "o", "none"), style.Style(style.VERMILLION, "D", "none"))
"""Of the lengths."""
TICKS = (-80, -50, 0, 100, 300)
"""Percents beside an axis of ratios."""
WIDE = 100
"""Percent that an interval reaches, from which on the axis is one of ratios: two runs make intervals so wide that only
their upper ends would be seen otherwise."""


def draw(evidence: Evidence) -> Figure:
    """A panel for each ISA, with a row for each algorithm and a look for each length. Raises MissingRows."""
    run, table = evidence.newest, TABLE(evidence)
    looks = style.series(sorted(set(table["elements"])), LOOKS)
    algorithms = panels.algorithms_in(table, run)[::-1]
    figure, grid = panels.isa_panels(table, 0.7 + 0.2 * len(algorithms), "row", 5)
    for axes, _, of_isa in grid:
        panels.rows_axes(axes, len(algorithms))
        for rank, (n, look) in enumerate(looks.items()):
            points = of_isa[of_isa["elements"] == n]
            shift = panels.beside(rank, len(looks), -0.3)
            places = [algorithms.index(name) + shift for name in points["algorithm"]]
            panels.dots(axes, points, "longer_percent", places, look)
        if table["longer_percent_high"].max() > WIDE:
            axes.set_xscale("function", functions=(_log, _percent))
            axes.xaxis.set_major_locator(FixedLocator(TICKS))
        axes.set_xlabel("longer where x rises, %")
    panels.algorithm_rows(grid[0][0], run, algorithms)
    handles = [panels.handle(f"{names.count(n)} elements", look) for n, look in looks.items()]
    notes = [
        "x rises evenly over all that the kernels are for, beside x uniform; * later than the paper",
        "a unified maximum then sums each block twice, and algorithms by blocks refer each block to another maximum",
    ]
    title = "Data that rise: each block's maximum lies far above the last's"
    return panels.finish_pooled(figure, evidence, table, panels.Frame(title, handles, notes))


def _log(percent: np.ndarray) -> np.ndarray:
    """The logarithm of a ratio that is told in percent over 1."""
    return np.log1p(np.asarray(percent) / 100)


def _percent(log: np.ndarray) -> np.ndarray:
    return 100 * np.expm1(log)
