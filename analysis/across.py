"""The figure of all machines that have a run, side by side."""

import pandas as pd
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.machines import comparable
from analysis.tables.speedups import speedups
from harness.reading import names
from harness.record.caches import FLOAT_BYTES
from harness.record.samples import Run
from harness.statistics import selection

NAME = "machines"
TRUST = (panels.null_test, panels.audit_line)
TITLE = "Speedup of Two-Pass over the better Three-Pass, by machine"
LOOKS = (
    style.Style(style.GREEN, "o", "-"),
    style.Style(style.BLUE, "s", (0, (5, 1.5))),
    style.Style(style.ORANGE, "^", (0, (1.2, 1.2))),
    *style.OTHERS,
)
"""By machine; filled markers and lines are the widest ISA of a machine, hollow ones the others."""


def draw(runs: list[Run]) -> Figure:
    """Speedup against the input's size relative to each machine's last-level cache, one line a machine and ISA, by its
    primary compiler. Raises MissingRows where no run has the rows."""
    runs = comparable(runs)
    figure, grid = panels.grid(1, 1, 3.0, "none")
    axes, handles = grid[0][0], []
    for place, run in enumerate(runs):
        look, rows = LOOKS[place % len(LOOKS)], selection.of_primary(speedups(run), run)
        for rank, isa in enumerate(selection.isas(rows)):
            points = rows[rows["isa"] == isa].sort_values("elements")
            over_cache = FLOAT_BYTES * points["elements"] / run.machine.last_cache_bytes
            fill = {"fillstyle": style.FILLS[min(rank, len(style.FILLS) - 1)], "markerfacecoloralt": "white"}
            axes.plot(over_cache, points["speedup_percent_median"], **look.line, **fill)
            low, high = points["speedup_percent_low"], points["speedup_percent_high"]
            axes.fill_between(over_cache, low, high, color=look.colour, alpha=0.12, linewidth=0)
            handles.append(panels.handle(f"{run.machine.name} {names.ISAS[isa]}", look, **fill))
    panels.speedup_by_cache_axes(axes)
    reservation = next(filter(None, map(panels.reservation, runs)), "")
    return panels.surround(figure, panels.Frame(f"{reservation}{TITLE}", handles, _footer(runs)))


def _footer(runs: list[Run]) -> list[str]:
    which = [f"{run.machine.name}: {run.name}" for run in runs]
    lines = ["; ".join(which[start : start + 3]) for start in range(0, len(which), 3)]
    trust = [f"{run.machine.name}: {told(run)}" for run in runs for told in TRUST]
    confidence = pd.concat([100 * selection.of_primary(speedups(run), run)["confidence"] for run in runs])
    sure = names.spread(confidence.min(), confidence.max(), " %")
    return [*lines, *trust, f"bands: median over processes, {sure} confidence"]
