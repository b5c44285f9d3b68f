"""What the model of one core is made of: what a line costs in each level of the hierarchy, the clock, and how sure that
is. From a machine's file, as ranges; or measured, by the bandwidth loops of a run on the machine itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.tables.bandwidths import bandwidths
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import HarnessError
from harness.record.machines import Machine
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.traffic import logical_floats

LINE_BYTES = 64
MEMORY = "memory"
# Published machines differ by so much in the ratio of their copy and update loops to the load loop of the same level.
KIND_SPREAD = 0.2
LEVELS = (2, 3, MEMORY)
"""Where the lines that L1 lacks come from."""
KINDS = ("load", "copy", "update")
STREAMS = {"load": 1, "copy": 2, "update": 2}
"""Lines that a bandwidth loop reads and writes, without write-allocate, for each line of its length."""

Draws = npt.NDArray[np.float64]
"""One number for each draw of the uncertain inputs; shape (draws,)."""


@dataclass(frozen=True)
class Core:
    """One core of a machine, for code of one ISA; each value in as many draws."""

    clock_ghz: Draws
    l1_nanoseconds: Mapping[str, Draws]
    """Of a line of each kind of bandwidth loop whose data are in L1."""
    read_nanoseconds: Mapping[int | str, Draws]
    """Of a line that comes from a level."""
    write_nanoseconds: Mapping[int | str, Draws]
    """Of a changed line that goes back there, on top of its having been read."""
    fetch_ratio: Draws
    """What a line costs that is fetched from memory to be overwritten, and goes back: against one that is updated."""


def of_bandwidths(clock_ghz: Draws, gigabytes_per_second: Mapping[tuple[int | str, str], Draws]) -> Core:
    """A core by the bandwidth of each (level, kind), level 1 included: 10^9 bytes per second, what the loop reads and
    writes without write-allocate.

    A line that is read costs what it costs the load loop; that it goes back changed, what the update loop takes longer.
    """
    line = {key: LINE_BYTES * STREAMS[key[1]] / rate for key, rate in gigabytes_per_second.items()}
    read = {level: line[level, "load"] for level in LEVELS}
    write = {level: np.maximum(0, line[level, "update"] - read[level]) for level in LEVELS}
    fetched = np.maximum(0, line[MEMORY, "copy"] - read[MEMORY])
    return Core(
        clock_ghz,
        {kind: line[1, kind] for kind in KINDS},
        read,
        write,
        fetched / (read[MEMORY] + write[MEMORY]),
    )


def of_machine(machine: Machine, isa: str, random: np.random.Generator, draws: int) -> Core:
    """The core that a machine's file describes: each range uniform, and the loops of one level at the same place of
    theirs, since what moves one moves all, but for KIND_SPREAD. Raises HarnessError where the file does not tell."""
    performance = machine.performance
    if performance is None or isa not in performance.clock_ghz:
        raise HarnessError(f"{machine.name}: the machine's file does not tell what a core can do in {isa}")
    clock = performance.clock_ghz[isa]
    ghz = clock.low + (clock.high - clock.low) * random.random(draws)
    rates: dict[tuple[int | str, str], Draws] = {}
    for level in (1, *LEVELS):
        place = random.random(draws)
        for kind in KINDS:
            row = performance.bandwidth(level, kind, isa)
            rate = row.estimate.low + (row.estimate.high - row.estimate.low) * place
            if kind != "load":
                rate = rate * random.uniform(1 - KIND_SPREAD, 1 + KIND_SPREAD, draws)
            rates[level, kind] = rate * ghz if row.unit == "bytes_per_cycle" else rate
    return of_bandwidths(ghz, rates)


def of_run(run: Run, isa: str, draws: int) -> Core:
    """The core that a run measured with its bandwidth loops (experiment `passes`, warm, primary compiler): at the
    lengths whose data lie well within each level, the median. Raises HarnessError where it lacks one."""
    caches = {cache.level: cache.bytes for cache in run.machine.caches}
    table = selection.of_primary(bandwidths(run), run)
    table = table[table["isa"] == isa]
    rates = {}
    for level in (1, *LEVELS):
        for kind in KINDS:
            bytes_ = FLOAT_BYTES * (2 if kind == "copy" else 1) * table["elements"]
            inside = bytes_ >= 2 * caches[level - 1 if level != MEMORY else 3] if level != 1 else bytes_ > 0
            inside &= bytes_ <= caches[level] / 2 if level != MEMORY else True
            found = table[inside & (table["pass"] == kind)]
            if found.empty:
                raise HarnessError(f"{run.folder}: no {kind} loop in {isa} whose data lie within level {level}")
            rates[level, kind] = np.full(draws, _rate(found, run, kind))
    clock = (run.canary.clock_adds / run.samples["clock_nanoseconds"]).median()
    return of_bandwidths(np.full(draws, clock), rates)


def _rate(found: pd.DataFrame, run: Run, kind: str) -> float:
    floats = logical_floats(run.kernels[kind])
    return float((FLOAT_BYTES * floats / found["nanoseconds_per_element_median"]).median())
