"""What it costs to use one algorithm at every length, at worst and in the geometric mean."""

from matplotlib.figure import Figure

from analysis import panels, style
from harness.reading import names
from harness.reading.advice import regrets
from harness.reading.evidence import Evidence
from harness.reading.frontier import outputs_in
from harness.statistics import selection

EXPERIMENT = "frontier"
TABLE = regrets

WORST, MEAN = style.Style(style.VERMILLION, "D", "none"), style.Style(style.BLUE, "o", "none")


def draw(evidence: Evidence) -> Figure:
    """A line of panels for each fate of the output, with one for each ISA and in it a row for each algorithm. Raises
    MissingRows."""
    run, table = evidence.newest, TABLE(evidence)
    table = table[table["threads"] == 1]
    isas = selection.isas(table)
    outputs = outputs_in(table)
    algorithms = panels.algorithms_in(table, run)[::-1]
    figure, grid = panels.grid(len(outputs), len(isas), 0.7 + 0.15 * len(algorithms), "row")
    for line, output in zip(grid, outputs, strict=True):
        for axes, isa in zip(line, isas, strict=True):
            of_case = table[(table["isa"] == isa) & (table["output"] == output)]
            places = [algorithms.index(name) for name in of_case["algorithm"]]
            panels.dots(axes, of_case, "worst_percent", places, WORST)
            axes.plot(of_case["mean_percent"], places, **MEAN.line)
            panels.rows_axes(axes, len(algorithms))
            axes.set_title(f"{names.ISAS[isa]}, {output} output", pad=5)
        panels.algorithm_rows(line[0], run, algorithms)
    for axes in grid[-1]:
        axes.set_xlabel("longer than the fastest, %")
    handles = [panels.handle("at worst", WORST), panels.handle("geometric mean over the lengths", MEAN)]
    notes = ["one thread; * later than the paper; each length counts as much as any other"]
    return panels.finish_pooled(
        figure, evidence, table, panels.Frame("The price of one algorithm for every length", handles, notes)
    )
