"""Time of each algorithm split by pass, at the longest array length for which that was measured."""

import itertools
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.breakdown import WHOLE, breakdown
from harness.reading import names
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "breakdown"
TABLE = breakdown

SHADES = (0.35, 0.6, 0.85)
"""Opacity of the first, second and third pass: lightness tells them apart in grey print too."""
THIN = 0.05
"""Share of the panel's height below which a pass is named beside its bar."""


def draw(run: Run) -> Figure:
    """One panel for each ISA, with a bar for each algorithm by the primary compiler. Raises MissingRows."""
    drawn = selection.of_primary(TABLE(run), run)
    looks = style.algorithms(run.algorithms)
    figure, grid = panels.isa_panels(drawn, 2.5, "none")
    for axes, isa, of_isa in grid:
        longest = of_isa[of_isa["elements"] == of_isa["elements"].max()]
        algorithms = panels.algorithms_in(longest[longest["pass"] == WHOLE], run)
        axes.set_ylim(0, 1.04 * longest["nanoseconds_per_element_high"].max())
        axes.set_xlim(-0.5, len(algorithms) - 0.35)
        for place, name in enumerate(algorithms):
            of_algorithm = longest[longest["algorithm"] == name]
            _bar(axes, place, of_algorithm, run.algorithms[name], looks[name].colour)
        axes.set_xticks(range(len(algorithms)), [names.algorithm(name).replace(", ", ",\n") for name in algorithms])
        axes.tick_params(axis="x", length=0, labelsize=6.5)
        elements = longest["elements"].max()
        where = "out of cache" if run.machine.is_out_of_cache(elements) else "in cache"
        axes.set_title(f"{names.ISAS[isa]}\n{names.count(elements)} elements, {where}", fontsize=8)
    grid[0][0].set_ylabel("nanoseconds per element")
    notes = [f"{run.primary}; bars: medians of the passes; vertical bars: the whole call and its interval"]
    return panels.finish(figure, run, drawn, panels.Frame("Where the time goes, pass by pass", [], notes))


def _bar(axes: Axes, place: int, table: pd.DataFrame, passes: Sequence[str], colour: str) -> None:
    by_pass = table.set_index("pass")
    bottom = 0.0
    for name, shade in zip(passes, itertools.cycle(SHADES), strict=False):
        height = by_pass.loc[name, "nanoseconds_per_element_median"]
        axes.bar(place, height, 0.7, bottom, color=colour, alpha=shade, edgecolor="white", linewidth=0.8)
        _name(axes, place, bottom + height / 2, name, height < THIN * axes.get_ylim()[1])
        bottom += height
    whole = by_pass.loc[WHOLE]
    middle, spread = panels.error(whole, "nanoseconds_per_element")
    axes.errorbar(place, middle, yerr=spread, color=style.BLACK, elinewidth=1, capsize=3)


def _name(axes: Axes, place: int, height: float, name: str, is_thin: bool) -> None:
    if is_thin:
        axes.text(place + 0.36, height, name, ha="left", va="center", fontsize=5.5)
        return
    box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    axes.text(place, height, name, ha="center", va="center", fontsize=6.5, bbox=box)
