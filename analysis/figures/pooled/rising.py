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

LOOKS = [style.Style(*look, "none") for look in ((style.BLUE, "o"), (style.VERMILLION, "D"), (style.GREEN, "s"))]


TICKS = (-80, -50, 0, 100, 300)
"""Percents beside an axis of ratios."""
WIDE = 100
"""Percent that an interval reaches, from which on the axis is one of ratios: two runs make intervals so wide that only
their upper ends would be seen otherwise."""


def draw(evidence: Evidence) -> Figure:
    """A panel for each ISA, with a row for each algorithm and a look for each length. Raises MissingRows."""
    run, table = evidence.newest, TABLE(evidence)
    lengths = sorted(set(table["elements"]))
    algorithms = [name for name in [*run.algorithms][::-1] if name in set(table["algorithm"])]
    figure, grid = panels.isa_panels(table, 0.7 + 0.2 * len(algorithms), "row", 5)
    for axes, _, of_isa in grid:
        panels.rows_axes(axes, len(algorithms))
        for rank, (n, look) in enumerate(zip(lengths, LOOKS, strict=False)):
            points = of_isa[of_isa["elements"] == n]
            places = [algorithms.index(name) + 0.15 - 0.3 * rank for name in points["algorithm"]]
            panels.dots(axes, points, "longer_percent", places, look)
        if table["longer_percent_high"].max() > WIDE:
            axes.set_xscale("function", functions=(_log, _percent))
            axes.xaxis.set_major_locator(FixedLocator(TICKS))
        axes.set_xlabel("longer where x rises, %")
    labels = [names.algorithm(name) + ("" if run.origin_of(name) == "paper" else " *") for name in algorithms]
    grid[0][0].set_yticks(range(len(algorithms)), labels, fontsize=6.2)
    handles = [panels.handle(f"{names.count(n)} elements", look) for n, look in zip(lengths, LOOKS, strict=False)]
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
