"""Time of each algorithm split by pass, at the longest array length for which that was measured."""

import itertools

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import panels, style
from harness.record import names
from harness.record.errors import MissingRows
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.ratios import times

EXPERIMENT = "breakdown"

BY = ["isa", "compiler", "algorithm", "elements"]
WHOLE = "all"
SHADES = (0.35, 0.6, 0.85)
"""Opacity of the first, second and third pass: lightness tells them apart in grey print too."""
THIN = 0.05
"""Share of the panel's height below which a pass is named beside its bar."""


def draw(run: Run) -> tuple[Figure, pd.DataFrame]:
    """The figure, and its table: `statistics.times` by pass, and for "all" passes together. Raises MissingRows."""
    table = _table(run)
    isas, compiler = selection.isas(table), selection.compilers(table)[0]
    drawn = table[table["compiler"] == compiler]
    looks = style.algorithms(run.information["algorithms"])
    figure, grid = panels.grid(1, len(isas), 2.5, "none")
    for axes, isa in zip(grid[0], isas, strict=True):
        of_isa = drawn[drawn["isa"] == isa]
        longest = of_isa[of_isa["elements"] == of_isa["elements"].max()]
        whole = set(longest[longest["pass"] == WHOLE]["algorithm"])
        algorithms = [name for name in run.information["algorithms"] if name in whole]
        axes.set_ylim(0, 1.04 * longest["nanoseconds_per_element_high"].max())
        axes.set_xlim(-0.5, len(algorithms) - 0.35)
        for place, name in enumerate(algorithms):
            of_algorithm = longest[longest["algorithm"] == name]
            _bar(axes, place, of_algorithm, run.information["algorithms"][name], looks[name].colour)
        axes.set_xticks(range(len(algorithms)), [names.algorithm(name).replace(", ", ",\n") for name in algorithms])
        axes.tick_params(axis="x", length=0, labelsize=6.5)
        elements = longest["elements"].max()
        where = "out of cache" if elements > max(panels.cache_boundaries(run).values(), default=0) else "in cache"
        axes.set_title(f"{names.ISAS[isa]}\n{names.count(elements)} elements, {where}", fontsize=8)
    grid[0][0].set_ylabel("nanoseconds per element")
    notes = [f"{compiler}; bars: medians of the passes; vertical bars: the whole call and its interval"]
    panels.finish(figure, run, drawn, "Where the time goes, pass by pass", [], notes)
    return figure, table


def _table(run: Run) -> pd.DataFrame:
    rows, clock_adds = selection.breakdown_rows(run), run.information["canary"]["clock_adds"]
    split = times(rows, [*BY, "pass"], clock_adds)
    calls = _whole_calls(rows, run.information["algorithms"])
    if calls.empty:
        raise MissingRows(f"{run.folder}: no round of the experiment 'breakdown' has every pass of an algorithm")
    together = times(calls, BY, clock_adds).assign(**{"pass": WHOLE})
    order = {name: place for place, name in enumerate([*run.information["kernels"], WHOLE])}
    table = pd.concat([split, together])[list(split)]
    return table.sort_values([*BY, "pass"], key=lambda column: column.map(order) if column.name == "pass" else column)


def _whole_calls(rows: pd.DataFrame, algorithms: dict[str, list[str]]) -> pd.DataFrame:
    """One row for each call: the passes of one round belong together, so they are added before any median is taken."""
    call = [*BY, "process", "round"]
    one_call = rows.assign(nanoseconds=rows["nanoseconds"] / rows["calls"], calls=1)
    passes = one_call.groupby([*call, "pass"], as_index=False)[["nanoseconds", "clock_nanoseconds"]].mean()
    whole = passes.groupby(call, as_index=False).agg(
        nanoseconds=("nanoseconds", "sum"), clock_nanoseconds=("clock_nanoseconds", "mean"), found=("pass", "nunique")
    )
    expected = whole["algorithm"].map({name: len(set(passes)) for name, passes in algorithms.items()})
    return whole[whole["found"] == expected].assign(calls=1)


def _bar(axes: Axes, place: int, table: pd.DataFrame, passes: list[str], colour: str) -> None:
    by_pass = table.set_index("pass")
    bottom = 0.0
    for name, shade in zip(passes, itertools.cycle(SHADES), strict=False):
        height = by_pass.loc[name, "nanoseconds_per_element_median"]
        axes.bar(place, height, 0.7, bottom, color=colour, alpha=shade, edgecolor="white", linewidth=0.8)
        _name(axes, place, bottom + height / 2, name, height < THIN * axes.get_ylim()[1])
        bottom += height
    whole = by_pass.loc[WHOLE]
    middle = whole["nanoseconds_per_element_median"]
    low, high = whole["nanoseconds_per_element_low"], whole["nanoseconds_per_element_high"]
    axes.errorbar(place, middle, yerr=[[middle - low], [high - middle]], color=style.BLACK, elinewidth=1, capsize=3)


def _name(axes: Axes, place: int, height: float, name: str, is_thin: bool) -> None:
    if is_thin:
        axes.text(place + 0.36, height, name, ha="left", va="center", fontsize=5.5)
        return
    box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    axes.text(place, height, name, ha="center", va="center", fontsize=6.5, bbox=box)
