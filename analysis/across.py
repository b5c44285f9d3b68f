"""The figure of all machines that have a run, side by side."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.machines import comparable
from analysis.tables.speedups import pooled_speedups
from harness.reading import names
from harness.reading.evidence import Evidence
from harness.record.caches import FLOAT_BYTES
from harness.statistics import selection

NAME = "machines"
TITLE = "Speedup of Two-Pass over the better Three-Pass, by machine"
LOOKS = (
    style.Style(style.GREEN, "o", "-"),
    style.Style(style.BLUE, "s", (0, (5, 1.5))),
    style.Style(style.ORANGE, "^", (0, (1.2, 1.2))),
    *style.OTHERS,
)
"""By machine; filled markers and lines are the widest ISA of a machine, hollow ones the others."""


def draw(bodies: Sequence[Evidence]) -> Figure:
    """Speedup against the input's size relative to each machine's last-level cache, one line a machine and ISA, by its
    primary compiler. Raises MissingRows where no run has the rows."""
    bodies = comparable(bodies)
    figure, grid = panels.grid(1, 1, 3.0, "none")
    axes, handles = grid[0][0], []
    for place, evidence in enumerate(bodies):
        run, look = evidence.newest, LOOKS[place % len(LOOKS)]
        rows = selection.of_primary(pooled_speedups(evidence), run)
        for rank, isa in enumerate(selection.isas(rows)):
            points = rows[rows["isa"] == isa].sort_values("elements")
            over_cache = FLOAT_BYTES * points["elements"] / run.machine.last_cache_bytes
            fill = {"fillstyle": style.FILLS[min(rank, len(style.FILLS) - 1)], "markerfacecoloralt": "white"}
            axes.plot(over_cache, points["speedup_percent_median"], **look.line, **fill)
            low, high = points["speedup_percent_low"], points["speedup_percent_high"]
            axes.fill_between(over_cache, low, high, color=look.colour, alpha=0.12, linewidth=0)
            handles.append(panels.handle(f"{run.machine.name} {names.ISAS[isa]}", look, **fill))
    panels.speedup_by_cache_axes(axes)
    reservation = next(filter(None, (panels.reservation(evidence.newest) for evidence in bodies)), "")
    return panels.surround(figure, panels.Frame(f"{reservation}{TITLE}", handles, _footer(bodies)))


def _footer(bodies: Sequence[Evidence]) -> list[str]:
    which = [f"{evidence.newest.machine.name}: {_runs(evidence)}" for evidence in bodies]
    lines = ["; ".join(which[start : start + 3]) for start in range(0, len(which), 3)]
    trust = [f"{its.newest.machine.name}: {told}" for its in bodies for told in panels.trust(its)]
    tables = [selection.of_primary(pooled_speedups(evidence), evidence.newest) for evidence in bodies]
    sure = names.spread(*(100 * pd.concat(tables)["confidence"].agg(["min", "max"])), " %")
    return [*lines, *trust, f"bands: median over processes, and over runs where how much these differ is known; {sure}"]


def _runs(evidence: Evidence) -> str:
    more = len(evidence.runs) - 1
    return evidence.newest.name + (f" and {more} more" if more else "")
