"""The figure of all machines that have a run, side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis import panels, style
from analysis.tables.machines import NOTHING, machine
from analysis.tables.speedups import pooled_speedups
from harness.reading import names
from harness.reading.evidence import Evidence
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import MissingRows
from harness.statistics import selection
from harness.statistics.intervals import bounds

NAME = "machines"
TITLE = "Speedup of Two-Pass over the better Three-Pass, by machine"
LOOKS = (
    style.Style(style.GREEN, "o", "-"),
    style.Style(style.BLUE, "s", (0, (5, 1.5))),
    style.Style(style.ORANGE, "^", (0, (1.2, 1.2))),
    *style.OTHERS,
)
"""By machine; filled markers and lines are the widest ISA of a machine, hollow ones the others."""


@dataclass(frozen=True)
class Compared:
    """What of a machine stands beside others: so much less than its runs that it can be had of any number."""

    name: str
    last_cache_bytes: int
    speedups: pd.DataFrame
    """`pooled_speedups` of the primary compiler."""
    rows: list[dict[str, Any]]
    """`analysis.tables.machines.machine`."""
    runs: tuple[str, ...]
    trust: list[str]
    reservation: str

    @classmethod
    def of(cls, evidence: Evidence) -> Compared:
        """Raises MissingRows where there are no speedups."""
        run = evidence.newest
        return cls(
            run.machine.name,
            run.machine.last_cache_bytes,
            selection.of_primary(pooled_speedups(evidence), run),
            machine(evidence),
            tuple(its.name for its in evidence.runs),
            panels.trust(evidence),
            panels.reservation(run),
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        table = {name: (str(column.dtype), column.tolist()) for name, column in self.speedups.items()}
        rows = [{name: getattr(cell, "item", lambda c=cell: c)() for name, cell in row.items()} for row in self.rows]
        return vars(self) | {"speedups": table, "rows": rows}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Compared:
        """`as_json` turned round."""
        table = {name: pd.Series(column, dtype=kind) for name, (kind, column) in content["speedups"].items()}
        return cls(**{**content, "speedups": pd.DataFrame(table), "runs": tuple(content["runs"])})


def draw(machines: Sequence[Compared]) -> Figure:
    """The figure of some machines as lines, of many as rows. Raises MissingRows where there is none."""
    if not machines:
        raise MissingRows(NOTHING)
    machines = sorted(machines, key=lambda its: its.name)
    return lines(machines) if len(machines) <= len(LOOKS) else rows(machines)


def table(machines: Sequence[Compared]) -> pd.DataFrame:
    """Their rows (`analysis.tables.machines.machine`), sorted by machine."""
    return pd.DataFrame([row for its in sorted(machines, key=lambda its: its.name) for row in its.rows])


def lines(machines: Sequence[Compared]) -> Figure:
    """Speedup against the input's size relative to each machine's last-level cache, one line a machine and ISA, by its
    primary compiler."""
    figure, grid = panels.grid(1, 1, 3.0, "none")
    axes, handles = grid[0][0], []
    for its, look in zip(machines, LOOKS, strict=False):
        for rank, isa in enumerate(selection.isas(its.speedups)):
            points = its.speedups[its.speedups["isa"] == isa].sort_values("elements")
            over_cache = FLOAT_BYTES * points["elements"] / its.last_cache_bytes
            fill = {"fillstyle": style.FILLS[min(rank, len(style.FILLS) - 1)], "markerfacecoloralt": "white"}
            axes.plot(over_cache, points["speedup_percent_median"], **look.line, **fill)
            low, high = points["speedup_percent_low"], points["speedup_percent_high"]
            axes.fill_between(over_cache, low, high, color=look.colour, alpha=0.12, linewidth=0)
            handles.append(panels.handle(f"{its.name} {names.ISAS[isa]}", look, **fill))
    panels.speedup_by_cache_axes(axes)
    which = [f"{its.name}: {_runs(its)}" for its in machines]
    notes = ["; ".join(which[start : start + 3]) for start in range(0, len(which), 3)]
    notes += [f"{its.name}: {told}" for its in machines for told in its.trust]
    tables = pd.concat([its.speedups for its in machines])
    notes.append(f"bands: {OVER}; {_sure(tables)}")
    return panels.surround(figure, panels.Frame(f"{_reservation(machines)}{TITLE}", handles, notes))


OVER = "median over processes, and over runs where how much these differ is known"


def rows(machines: Sequence[Compared]) -> Figure:
    """The largest speedup of each machine in a row, with a panel for each ISA: the machine with the largest one in its
    widest ISA on top."""
    found = table(machines).rename(columns={"best_speedup_percent": bounds("best_speedup_percent")[0]})
    middle = bounds("best_speedup_percent")[0]
    order = list(found.groupby("machine", sort=False)[middle].first().sort_values(kind="stable").index)
    figure, grid = panels.isa_panels(found, 0.7 + 0.14 * len(order), "row", 5)
    for axes, _, of_isa in grid:
        panels.dots(axes, of_isa, "best_speedup_percent", list(map(order.index, of_isa["machine"])), LOOKS[0])
        panels.rows_axes(axes, len(order))
        axes.set_xlabel("largest speedup, %")
    grid[0][0].set_yticks(range(len(order)), order, fontsize=6.2)
    told = [f"{its.name}: {its.reservation}" for its in machines if its.reservation]
    notes = [
        f"{len(machines)} machines, {found.groupby('machine')['runs'].first().sum()} runs; out of cache where that was "
        "measured",
        f"bars: {OVER}; {_sure(found)}",
        *textwrap.wrap("; ".join(told), 150),
        "by length, each machine in its own figure speedup; which runs, noise floors, bandwidths: tables/machines.csv",
    ]
    return panels.surround(figure, panels.Frame(f"{_reservation(machines)}{TITLE}", [], notes))


def _reservation(machines: Sequence[Compared]) -> str:
    return next(filter(None, (its.reservation for its in machines)), "")


def _sure(table: pd.DataFrame) -> str:
    percent = 100 * table["confidence"]
    return names.spread(percent.min(), percent.max(), " %")


def _runs(its: Compared) -> str:
    newest, *more = its.runs
    return newest + (f" and {len(more)} more" if more else "")
