"""Runs of one body of evidence against each other: by how much each differs from all pooled, and which agree."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.repeatability import agreement, each_run, pairs
from harness.reading import names
from harness.reading.evidence import Evidence
from harness.statistics import selection

EXPERIMENT = "runs"
TABLE = each_run
LOOKS = (
    style.Style(style.GREEN, "o", "none"),
    style.Style(style.BLUE, "s", "none"),
    style.Style(style.ORANGE, "^", "none"),
)
"""Of the first runs that have a length in common with another, in the order of the body."""
ROOM = 1.5
"""The factor of lengths within which runs stand beside each other, so that their intervals can be told apart."""


def draw(evidence: Evidence) -> Figure:
    """One panel for each ISA, and one of the pairs. Raises MissingRows where no two runs have a length in common."""
    table, run = TABLE(evidence), evidence.newest
    primary = selection.of_primary(table, run)
    isas = selection.isas(primary)
    figure, grid = panels.grid(len(isas) + 1, 1, 1.7, "none")
    compared = [one.name for one in evidence.runs if one.name in set(table["run"])]
    looks = style.series(compared, LOOKS)
    for axes, isa in zip(grid[:, 0], isas, strict=False):
        of_isa = primary[primary["isa"] == isa]
        panels.length_axis(axes, of_isa["elements"], run.machine)
        axes.axhline(0, color=style.BLACK, linewidth=0.8)
        _deviations(axes, of_isa, looks)
        axes.set_title(names.ISAS[isa], pad=12)
        axes.set_ylabel("off all pooled, %")
    grid[-2][0].set_xlabel("elements")
    _pairs(grid[-1][0], table, list(looks))
    agreed, points = agreement(evidence)
    counts = pairs(table, list(looks))
    over = names.percent(counts["agree_over_processes"].sum() / counts["points"].sum())
    notes = [
        f"all runs agree at {agreed} of {points} points (lengths of an ISA and compiler); of all pairs' points, "
        f"{names.percent(counts['agree'].sum() / counts['points'].sum())} agree",
        f"intervals: a run's processes (thick), and how much runs differ; over processes alone {over} of them agree",
        "pairs: below the diagonal by whole intervals, above it over processes alone",
        panels.CACHE_NOTE,
    ]
    handles = [panels.handle(f"{place}: {name}", look) for place, (name, look) in enumerate(looks.items(), 1)]
    frame = panels.Frame("Repeatability: each run against all pooled", handles, notes)
    return panels.finish_pooled(figure, evidence, table, frame)


def _deviations(axes: Axes, table: pd.DataFrame, looks: dict[str, style.Style]) -> None:
    for place, (name, look) in enumerate(looks.items()):
        points = table[table["run"] == name]
        where = points["elements"] * ROOM ** ((place + 0.5) / len(looks) - 0.5)
        middle, spread = panels.error(points, "difference_percent")
        axes.errorbar(where, middle, yerr=spread, **look.line, markersize=2.5, elinewidth=0.5)
        whole = 1 + points["speedup_percent_median"] / 100
        ends = [
            100 * ((1 + points[f"over_processes_speedup_percent_{end}"] / 100) / whole - 1) + middle
            for end in ("low", "high")
        ]
        axes.vlines(where, *ends, color=look.colour, linewidth=1.6)


def _pairs(axes: Axes, table: pd.DataFrame, runs: list[str]) -> None:
    """The share of points at which two runs agree, in percent, for each pair: below the diagonal by intervals that hold
    how much runs differ, above it by those over processes alone."""
    axes.set_title("pairs that agree, %", pad=12)
    axes.grid(False)
    axes.set_xlim(-0.5, len(runs) - 0.5)
    axes.set_ylim(len(runs) - 0.5, -0.5)
    for _, pair in pairs(table, runs).iterrows():
        earlier, later = runs.index(pair["first"]), runs.index(pair["second"])
        for column, row, count in ((earlier, later, "agree"), (later, earlier, "agree_over_processes")):
            if pair["points"]:
                share = pair[count] / pair["points"]
                cell = {"color": style.GREEN, "alpha": 0.6 * share**2, "linewidth": 0}
                axes.fill_between([column - 0.48, column + 0.48], row - 0.48, row + 0.48, **cell)
                axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=7)
    places = range(len(runs))
    axes.set_xticks(places, [place + 1 for place in places])
    axes.set_yticks(places, [place + 1 for place in places])
    axes.set_xlabel("run")
    axes.set_ylabel("run")
