"""Speedup of Two-Pass over the better of the two Three-Pass algorithms against array length, pooled and in each run."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import panels, style
from analysis.claims.claims import paper_percent
from analysis.tables.speedups import pooled_speedups, speedups
from harness.reading import names
from harness.reading.evidence import Evidence
from harness.record.machines import load_machines
from harness.record.samples import Run
from harness.statistics import selection

EXPERIMENT = "algorithms"
TABLE = pooled_speedups
RUN = style.Style(style.GREY, "", "-")

# Logical traffic of the better Three-Pass to that of Two-Pass, without and with write-allocate.
TRAFFIC_RATIOS = {"4/3": 100 / 3, "5/4": 25.0}


def draw(evidence: Evidence) -> Figure:
    """One panel for each ISA. Raises MissingRows."""
    run, table = evidence.newest, TABLE(evidence)
    compilers = selection.compilers(table, run)
    figure, grid = panels.isa_panels(table, 2.7, "row", 12)
    for axes, isa, of_isa in grid:
        panels.length_axis(axes, of_isa["elements"], run.machine)
        _traffic_ratios(axes)
        panels.noise_band(axes, evidence, lambda floor: (-floor, floor))
        _paper(axes, isa, run)
        _speedup(axes, of_isa, compilers)
        for one in evidence.runs if len(evidence.runs) > 1 else ():
            points = selection.of_primary(speedups(one), one).query("isa == @isa").sort_values("elements")
            axes.plot(points["elements"], points["speedup_percent_median"], **RUN.line, linewidth=0.6, zorder=1.5)
        axes.set_xlabel("elements")
    low = table[["speedup_percent_low", "next_run_speedup_percent_low"]].min().min()
    high = table[["speedup_percent_high", "next_run_speedup_percent_high"]].max().max()
    bottom, ratio = min(-5, 1.1 * low), max(TRAFFIC_RATIOS.values())
    # Above the data and the upper ratio a fifth of the panel is left for the two lines of text there.
    grid[0][0].set_ylim(bottom, ratio + 0.2 * (ratio - bottom) if high < ratio else high + 0.2 * (high - bottom))
    grid[0][0].set_ylabel("speedup of Two-Pass, %")
    differ = "; green band: what any run would find; lighter: what the next run will show" if _between(table) else ""
    notes = [
        f"grey band: noise floor{differ}",
        f"{panels.CACHE_NOTE}; traffic ratio: better Three-Pass to Two-Pass, 4/3 logical, 5/4 with write-allocate; no "
        "bounds",
    ]
    title = "Speedup of Two-Pass over the better Three-Pass"
    frame = panels.Frame(title, _handles(evidence, table, compilers), notes)
    return panels.finish_pooled(figure, evidence, table, frame)


def _between(table: pd.DataFrame) -> bool:
    """Whether it is known how much runs differ."""
    return bool(table["between_runs_percent"].notna().any())


def _speedup(axes: Axes, table: pd.DataFrame, compilers: list[str]) -> None:
    main = table[table["compiler"] == compilers[0]].sort_values("elements")
    low, high = main["speedup_percent_low"], main["speedup_percent_high"]
    axes.fill_between(main["elements"], low, high, color=style.GREEN, alpha=0.25, linewidth=0)
    low, high = main["next_run_speedup_percent_low"], main["next_run_speedup_percent_high"]
    axes.fill_between(main["elements"], low, high, color=style.GREEN, alpha=0.12, linewidth=0)
    axes.plot(main["elements"], main["speedup_percent_median"], color=style.GREEN)
    for rival in selection.THREE_PASS:
        against = table[table["against"] == rival]
        panels.error_lines(axes, against, "speedup_percent", style.ALGORITHMS[rival].points, compilers)


def _traffic_ratios(axes: Axes) -> None:
    axes.axhline(0, color=style.BLACK, linewidth=0.8)
    for (ratio, percent), above in zip(TRAFFIC_RATIOS.items(), (True, False), strict=True):
        axes.axhline(percent, color=style.GREY, linewidth=0.8, linestyle=(0, (1, 1.5)))
        beside = {"xytext": (0, 1.5 if above else -1.5), "va": "bottom" if above else "top"}
        where = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
        axes.annotate(f"traffic ratio {ratio}", (0.02, percent), **where, **beside, fontsize=6.2, color="0.3")


def _paper(axes: Axes, isa: str, run: Run) -> None:
    """What the paper found elsewhere, where its claim would apply here: beyond the last cache."""
    left, right = axes.get_xlim()
    start = max([left, *panels.cache_boundaries(run.machine).values()])
    claim = paper_percent(isa)
    if claim is None or claim.machine is None or start >= right:
        return
    percent = claim.value
    axes.plot([start, right], [percent, percent], color=style.PURPLE, linewidth=1.8, linestyle=(0, (4, 1)))
    told = f"paper, {load_machines()[claim.machine].microarchitecture}: up to {percent:g} %"
    corner = {"xytext": (0.99, 0.99), "textcoords": axes.transAxes, "ha": "right", "va": "top"}
    box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"}
    arrow = {"arrowstyle": "-", "color": style.PURPLE, "linewidth": 0.6, "relpos": (0.85, 0), "shrinkA": 0}
    look = {"fontsize": 6.8, "color": "#9A3F74", "bbox": box, "arrowprops": arrow}
    axes.annotate(told, ((start * right) ** 0.5, percent), **corner, **look)


def _handles(evidence: Evidence, table: pd.DataFrame, compilers: list[str]) -> list[Line2D]:
    rivals = [
        panels.handle(f"better Three-Pass: {names.SHORT_ALGORITHMS[rival]}", style.ALGORITHMS[rival].points)
        for rival in selection.THREE_PASS
        if rival in set(table["against"])
    ]
    several = len(evidence.runs) > 1
    lines = [
        panels.handle(f"{len(evidence.runs)} runs pooled" if several else "measured", style.Style(style.GREEN, "", "-"))
    ]
    lines += [panels.handle("each run", RUN, linewidth=0.6)] if several else []
    return [*lines, *rivals, *panels.compiler_handles(compilers)]
