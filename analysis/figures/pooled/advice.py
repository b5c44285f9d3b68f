"""Which algorithm to use at which length and for which output, and what always using the same one costs."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from analysis import panels, style
from harness.reading import names
from harness.reading.advice import advice, regrets
from harness.reading.evidence import Evidence
from harness.reading.frontier import outputs_in, pooled_frontier
from harness.statistics import selection

EXPERIMENT = "frontier"
TABLE = advice

BEST = "#CFE8DC"
"""Of the fastest and what is tied with it."""
DARKEST, DARKEST_AT = 0.62, 1.6
"""Grey of the slowest, and from which relative time on."""


def draw(evidence: Evidence) -> Figure:
    """A line of panels for each ISA, with one for each fate of the output: a row for each algorithm, a column for each
    length and two for what the algorithm costs where it is always used. Raises MissingRows."""
    run, table, costs = evidence.newest, pooled_frontier(evidence), regrets(evidence)
    isas = selection.isas(table)
    outputs = outputs_in(table)
    algorithms = panels.algorithms_in(table, run)
    figure, grid = panels.grid(len(isas), len(outputs), 0.8 + 0.145 * len(algorithms), "row")
    for line, isa in zip(grid, isas, strict=True):
        for axes, output in zip(line, outputs, strict=True):
            of_case = table[(table["isa"] == isa) & (table["output"] == output)]
            over = costs[(costs["isa"] == isa) & (costs["output"] == output) & (costs["threads"] == 1)]
            _panel(axes, of_case, over, algorithms)
            axes.set_title(f"{names.ISAS[isa]}, {output} output", pad=5)
        panels.algorithm_rows(line[0], run, algorithms)
    fill = {"facecolor": BEST, "edgecolor": style.BLACK, "linewidth": 0.6}
    handles = [Patch(label="fastest (bold), and what no more than the noise floor tells from it", **fill)]
    notes = [
        "numbers: time relative to the fastest at that length",
        "worst and mean (geometric): over all lengths of one thread, what the algorithm costs where it is always used",
        "* later than the paper; cold output: written longest ago of all in rotation; warm output: the one of the call "
        "before",
    ]
    title = "Advice: which algorithm, at which length"
    return panels.finish_pooled(figure, evidence, TABLE(evidence), panels.Frame(title, handles, notes))


def _panel(axes: Axes, table: pd.DataFrame, costs: pd.DataFrame, algorithms: list[str]) -> None:
    points = sorted(set(zip(table["threads"], table["elements"], strict=True)))
    labels = [names.count(n) + (f" x{threads}" if threads > 1 else "") for threads, n in points]
    cells = {(row["threads"], row["elements"], row["algorithm"]): row for _, row in table.iterrows()}
    by_algorithm = costs.set_index("algorithm")
    for place, name in enumerate(algorithms):
        for column, (threads, elements) in enumerate(points):
            if (row := cells.get((threads, elements, name))) is not None:
                _cell(axes, column, place, row["relative_time_median"], row["is_tied"], row["fastest"] == name)
        if name in by_algorithm.index:
            worst, mean = by_algorithm.loc[name, ["worst_percent_median", "mean_percent"]]
            for right, percent in ((0.3, worst), (1.3, mean)):
                _cell(axes, len(points) + right, place, 1 + percent / 100, False, False)
    axes.set_xlim(-0.5, len(points) + 1.8)
    axes.set_ylim(len(algorithms) - 0.5, -0.5)
    places = [*range(len(points)), len(points) + 0.3, len(points) + 1.3]
    axes.set_xticks(places, [*labels, "worst", "mean"], fontsize=5, rotation=90)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_yticks([])


def _cell(axes: Axes, column: float, place: int, relative: float, is_tied: bool, is_fastest: bool) -> None:
    share = min(1.0, (relative - 1) / (DARKEST_AT - 1))
    grey = 1 - (1 - DARKEST) * max(0.0, share)
    colour = BEST if is_tied else (grey, grey, grey)
    edge = {"edgecolor": style.BLACK if is_tied else "white", "linewidth": 0.6}
    axes.add_patch(Rectangle((column - 0.46, place - 0.45), 0.92, 0.9, facecolor=colour, **edge))
    weight = "bold" if is_fastest else "normal"
    axes.text(column, place, f"{relative:.2f}", ha="center", va="center", fontsize=5.8, weight=weight)
