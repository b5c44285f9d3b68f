"""Time of every algorithm relative to the fastest, with a cold and a warm output, and the limit of the machine."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import panels, style
from harness.reading import names
from harness.reading.evidence import Evidence, floors
from harness.reading.frontier import outputs_in, pooled_frontier
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "frontier"
TABLE = pooled_frontier

LOWEST = 0.4
"""Where the panels end below: in cache the limit of memory lies far from any algorithm."""
LIMIT = style.Style(style.GREY, "", (0, (1, 1.5)))
LOOKS: dict[str, tuple[style.Dashes, str]] = {"paper": ("-", "full"), "later": ((0, (4, 1.5)), "none")}
"""Dashes and filling of markers by origin."""


def draw(evidence: Evidence) -> Figure:
    """A line of panels for each fate of the output and one for several threads, with a panel for each ISA. Raises
    MissingRows."""
    run, table = evidence.newest, TABLE(evidence)
    isas, looks = selection.isas(table), style.algorithms(run.algorithms)
    alone, teams = table[table["threads"] == 1], table[table["threads"] > 1]
    outputs = outputs_in(alone)
    figure, grid = panels.grid(len(outputs) + (len(teams) > 0), len(isas), 1.95, "row")
    for line, output in zip(grid, outputs, strict=False):
        of_output = alone[alone["output"] == output]
        for axes, isa in zip(line, isas, strict=True):
            _lines(axes, of_output[of_output["isa"] == isa], looks, evidence)
            axes.set_title(f"{names.ISAS[isa]}, {output} output", pad=11)
        line[0].set_ylim(LOWEST, 1.04 * of_output["relative_time_high"].max())
        line[0].set_ylabel("time relative to the fastest")
    for axes, isa in zip(grid[-1] if len(teams) else [], isas, strict=False):
        _dots(axes, teams[teams["isa"] == isa], looks, evidence)
        axes.set_title(f"{names.ISAS[isa]}\n{_team(teams[teams['isa'] == isa])}", pad=5)
    handles = [_handle(name, looks[name], run) for name in panels.algorithms_in(table, run)]
    handles.append(panels.handle("limit: loops of two reads and a write", LIMIT))
    notes = [
        f"solid and filled: the paper's; dashed and hollow: later; grey band: noise floor; {panels.CACHE_NOTE}",
        "input read before each call; cold output: written longest ago of all in rotation; warm output: the one of the "
        "call before",
    ]
    notes += ["several threads: a row for each that was measured so, in the order of the legend"] if len(teams) else []
    title = "The frontier: every algorithm against the fastest at its length"
    return panels.finish_pooled(figure, evidence, table, panels.Frame(title, handles, notes))


def _shape(name: str, look: style.Style, run: Run) -> dict[str, object]:
    dashes, fill = LOOKS[run.origin_of(name)]
    return {**look.line, "linestyle": dashes, "fillstyle": fill}


def _handle(name: str, look: style.Style, run: Run) -> object:
    dashes, fill = LOOKS[run.origin_of(name)]
    return panels.handle(names.algorithm(name), style.Style(look.colour, look.marker, dashes), fillstyle=fill)


def _lines(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Style], evidence: Evidence) -> None:
    run = evidence.newest
    if table.empty:
        axes.set_axis_off()
        return
    for name, points in table.groupby("algorithm", sort=False):
        middle, spread = panels.error(points, "relative_time")
        look = _shape(name, looks[name], run)
        axes.errorbar(points["elements"], middle, yerr=spread, **look, elinewidth=0.8, capsize=1.5, linewidth=1)
    fastest = table[table["algorithm"] == table["fastest"]]
    axes.plot(fastest["elements"], fastest["limit_percent_median"] / 100, **LIMIT.line)
    panels.length_axis(axes, table["elements"], run.machine)
    panels.noise_band(axes, evidence, lambda floor: (1, 1 + floor / 100))
    axes.set_xlabel("elements")


def _dots(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Style], evidence: Evidence) -> None:
    """A row for each algorithm, at the longest length."""
    if table.empty:
        axes.set_axis_off()
        return
    run, table = evidence.newest, table[table["elements"] == table["elements"].max()].iloc[::-1]
    floor = floors(evidence, table["elements"])[0]
    axes.axvspan(1, 1 + floor / 100, color=style.GREY, alpha=0.2, linewidth=0)
    for place, (_, row) in enumerate(table.iterrows()):
        middle, spread = panels.error(row, "relative_time")
        look = {**_shape(row["algorithm"], looks[row["algorithm"]], run), "linestyle": "none"}
        axes.errorbar(middle, place, xerr=spread, **look, capsize=2, elinewidth=0.8)
    limit = table[table["algorithm"] == table["fastest"]]["limit_percent_median"].iloc[0] / 100
    axes.axvline(limit, color=LIMIT.colour, linestyle=LIMIT.dashes)
    axes.set_yticks([])  # names as long as these would take a third of the figure from all panels
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlim(min(limit, 1) - 0.05, 1.03 * table["relative_time_high"].max())
    panels.upright_grid(axes)
    axes.set_xlabel("time relative to the fastest")


def _team(table: pd.DataFrame) -> str:
    if table.empty:
        return "not measured"
    return f"{names.threads(table['threads'].max())}, {names.count(table['elements'].max())} elements"
