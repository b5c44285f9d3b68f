"""What the model of one core is made of: what a line costs in each level of the hierarchy, the clock, and how sure that
is. From a machine's file, as ranges; or measured, by the bandwidth loops of runs on the machine itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.model.traffic import LEVELS, LINE_BYTES, MEMORY
from analysis.tables.times import per_call
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import HarnessError
from harness.record.machines import Machine
from harness.record.samples import Run
from harness.statistics import selection

FLOATS_PER_LINE = LINE_BYTES // FLOAT_BYTES
KIND_SPREAD = 0.2
"""By so much published machines differ in the ratio of their copy and update loops to the load loop of one level."""
STREAMS = {"load": 1, "copy": 2, "update": 2}
"""Lines that a bandwidth loop reads and writes, without write-allocate, for each line of its length."""

Draws = npt.NDArray[np.float64]
"""One number for each draw of the uncertain inputs; shape (draws, 1), so that lengths go beside."""


@dataclass(frozen=True)
class Core:
    """One core of a machine, for code of one ISA; each value in as many draws, or in one."""

    clock_ghz: Draws
    l1_nanoseconds: Mapping[str, Draws]
    """Of a line of each kind of bandwidth loop whose data are in L1."""
    read_nanoseconds: Mapping[int | str, Draws]
    """Of a line that comes from a level."""
    write_nanoseconds: Mapping[int | str, Draws]
    """Of a changed line that goes back there, on top of its having been read."""
    fetch_ratio: Draws
    """What a line costs that is fetched from memory to be overwritten, and goes back: against one that is updated."""


def of_lines(clock_ghz: Draws, nanoseconds: Mapping[tuple[int | str, str], Draws]) -> Core:
    """A core by the time that each loop takes for a line of its length, by (level, kind), level 1 included.

    A line that is read costs what it costs the load loop; that it goes back changed, what the update loop takes longer.
    """
    read = {level: nanoseconds[level, "load"] for level in LEVELS}
    write = {level: np.maximum(0, nanoseconds[level, "update"] - read[level]) for level in LEVELS}
    fetched = np.maximum(0, nanoseconds[MEMORY, "copy"] - read[MEMORY])
    ratio = fetched / (read[MEMORY] + write[MEMORY])
    return Core(clock_ghz, {kind: nanoseconds[1, kind] for kind in STREAMS}, read, write, ratio)


def of_machine(machine: Machine, isa: str, random: np.random.Generator, draws: int) -> Core:
    """The core that a machine's file describes: each range uniform, and the loops of one level at the same place of
    theirs, since what moves one moves all, but for KIND_SPREAD. Raises HarnessError where the file does not tell."""
    performance = machine.performance
    if performance is None or isa not in performance.clock_ghz:
        raise HarnessError(f"{machine.name}: the machine's file does not tell what a core can do in {isa}")
    clock = performance.clock_ghz[isa]
    ghz = random.uniform(clock.low, clock.high, (draws, 1))
    lines: dict[tuple[int | str, str], Draws] = {}
    for level in (1, *LEVELS):
        place = random.random((draws, 1))
        for kind, streams in STREAMS.items():
            row = performance.bandwidth(level, kind, isa)
            rate = row.estimate.low + (row.estimate.high - row.estimate.low) * place
            if kind != "load":
                rate = rate * random.uniform(1 - KIND_SPREAD, 1 + KIND_SPREAD, (draws, 1))
            lines[level, kind] = LINE_BYTES * streams / (rate * ghz if row.unit == "bytes_per_cycle" else rate)
    return of_lines(ghz, lines)


def of_runs(runs: Sequence[Run], isa: str) -> Core:
    """The core that runs of one machine measured with their bandwidth loops (experiment `passes`, warm, primary
    compiler): at the lengths whose data lie well within each level, the median. Raises HarnessError where none has one.
    """
    tables = []
    for run in runs:
        rows = selection.pass_rows(run)
        rows = rows[(rows["isa"] == isa) & (rows["compiler"] == run.primary) & rows["pass"].isin(list(STREAMS))]
        times = medians(rows, ["pass", "elements", "variant"], run.canary.clock_adds)
        # A limit is the best loop found.
        tables.append(times.groupby(["pass", "elements"])["nanoseconds_per_element"].min().reset_index())
    table, (first, second, third) = pd.concat(tables), (runs[0].machine.cache_bytes(level) for level in (1, 2, 3))
    bounds = {1: (0, first), 2: (first, second), 3: (second, third), MEMORY: (third, np.inf)}
    lines = {}
    for level, (above, within) in bounds.items():
        for kind in STREAMS:
            held = FLOAT_BYTES * (2 if kind == "copy" else 1) * table["elements"]
            found = table[(held >= 2 * above) & (held <= within / 2) & (table["pass"] == kind)]
            if found.empty:
                raise HarnessError(f"{runs[0].folder}: no {kind} loop in {isa} whose data lie within level {level}")
            lines[level, kind] = np.full((1, 1), FLOATS_PER_LINE * found["nanoseconds_per_element"].median())
    clocks = [run.canary.clock_adds / run.samples["clock_nanoseconds"].median() for run in runs]
    return of_lines(np.full((1, 1), np.median(clocks)), lines)


def medians(rows: pd.DataFrame, by: list[str], clock_adds: int) -> pd.DataFrame:
    """`by` and nanoseconds_per_element, the median over processes of their medians: what figures draw, without the
    intervals, which would take a hundred times as long."""
    rates = per_call(rows, clock_adds).groupby([*by, "process"])["nanoseconds_per_element"].median()
    return rates.groupby(level=by).median().reset_index()
