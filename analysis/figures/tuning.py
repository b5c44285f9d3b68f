"""What each choice of variants costs: the published ones against those that were chosen here, and those at most."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis import panels, style
from analysis.tables.tuning import CHOICE, tuning_costs
from harness.reading import names
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "tuning"
TABLE = tuning_costs

LOOKS = {
    "skylake-x": style.Style(style.VERMILLION, "D", "none"),
    "broadwell": style.Style(style.BLUE, "s", "none"),
    "zen2": style.Style(style.ORANGE, "^", "none"),
}
CHOICE_LOOK = style.Style(style.BLACK, "_", "none")


def draw(run: Run) -> Figure:
    """One panel for each ISA, of the primary compiler. Raises MissingRows if nothing was tuned."""
    drawn = selection.of_primary(TABLE(run), run)
    looks = _looks(drawn)
    figure, grid = panels.isa_panels(drawn, 2.4, "row")
    for axes, _, of_isa in grid:
        _points(axes, of_isa, looks)
    # So that what is at 0 is seen as a whole.
    grid[0][0].set_ylim(bottom=min(axes.get_ylim()[0] for axes, _, _ in grid) - 0.04 * grid[0][0].get_ylim()[1])
    grid[0][0].set_ylabel("time beyond that of\nthe chosen variant, %")
    handles = [panels.handle(f"published for {name}", look) for name, look in looks.items()]
    handles += [
        panels.handle("best of the run", CHOICE_LOOK, markersize=8),
        Patch(color="0.8", label="where the best may be, at the lowest"),
    ]
    # Runs from before that was so were tuned without asking for processes.
    where = "within its whole algorithm" if "processes" in run.protocol.tuner else "on its own"
    notes = [f"{run.primary}; each pass {where}, geometric mean over {_told_lengths(run)} elements"]
    return panels.finish(figure, run, drawn, panels.Frame("What choices of variants cost here", handles, notes))


def _told_lengths(run: Run) -> str:
    found = sorted({row["elements"] for row in run.tuning if row["elements"] is not None})
    return ", ".join(map(names.count, found))


def _looks(table: pd.DataFrame) -> dict[str, style.Style]:
    """Of each machine with published variants: those of the paper first, then others that a file describes."""
    published = sorted(set(table["of"]) - {CHOICE, *LOOKS})
    looks = LOOKS | style.series(published, ())
    return {name: look for name, look in looks.items() if name in set(table["of"])}


def _points(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Style]) -> None:
    passes = list(dict.fromkeys(table["pass"]))
    axes.axhline(0, color=style.BLACK, linewidth=0.8)
    ours = table[table["of"] == CHOICE].set_index("pass").loc[passes]
    places = range(len(passes))
    axes.bar(places, -ours["cost_percent_high"], 0.7, color="0.8", zorder=0.9)
    axes.plot(places, -ours["cost_percent_median"], **CHOICE_LOOK.line, markersize=11)
    for place, (machine, look) in enumerate(looks.items()):
        of_machine = table[table["of"] == machine]
        x = [passes.index(name) + panels.beside(place, len(looks), 0.2) for name in of_machine["pass"]]
        middle, spread = panels.error(of_machine, "cost_percent")
        axes.errorbar(x, middle, yerr=spread, **look.line, markersize=4, elinewidth=0.8, capsize=1.5)
    axes.set_xticks(places, passes, rotation=90, fontsize=6)
