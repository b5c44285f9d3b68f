"""What the model of one core is made of: the clock, and what a line costs in each level of the hierarchy. From a
machine's file, as ranges; or measured, by the bandwidth loops of runs on the machine itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.model.traffic import LEVELS, LINE_BYTES, MEMORY
from analysis.tables.times import per_call
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import HarnessError
from harness.record.machines import Machine
from harness.record.samples import Run, made_once
from harness.statistics import selection
from harness.statistics.intervals import with_text
from harness.statistics.ratios import POINT

FLOATS_PER_LINE = LINE_BYTES // FLOAT_BYTES
KIND_SPREAD = 0.2
"""By so much published machines differ in the ratio of their copy and update loops to the load loop of one level."""
L3_SHARES = (0.25, 0.5, 0.75, 1.0)
"""A core finds in L3 what it left there as far as others leave it room, and none drops its oldest line first: the mean
over several sizes, these where no loop tells."""
STREAMS = {"load": 1, "copy": 2, "update": 2}
"""Lines that a bandwidth loop reads and writes, without write-allocate, for each line of its length."""
Draws = npt.NDArray[np.float64]
"""Of each draw of the uncertain inputs a number, or one for each length: shape (draws, 1) or (draws, lengths)."""


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
    l3_shares: Sequence[float] = L3_SHARES


def of_lines(clock_ghz: Draws, nanoseconds: Mapping[tuple[int | str, str], Draws]) -> Core:
    """A core by the time that each loop takes for a line of its length, by (level, kind), level 1 included. A line that
    is read costs what it costs the load loop; that it goes back changed, what the update loop takes longer."""
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
    clock, lines = performance.clock_ghz[isa], {}
    ghz = random.uniform(clock.low, clock.high, (draws, 1))
    for level in (1, *LEVELS):
        place = random.random((draws, 1))
        for kind, streams in STREAMS.items():
            row = performance.bandwidth(level, kind, isa)
            rate = row.estimate.low + (row.estimate.high - row.estimate.low) * place
            if kind != "load":
                rate = rate * random.uniform(1 - KIND_SPREAD, 1 + KIND_SPREAD, (draws, 1))
            lines[level, kind] = LINE_BYTES * streams / (rate * ghz if row.unit == "bytes_per_cycle" else rate)
    return of_lines(ghz, lines)


def of_run(run: Run, others: Sequence[Run], isa: str) -> Core:
    """The core that a run measured with its bandwidth loops: at the lengths whose data lie well within each level, the
    median; where it has none there, by other runs of its machine. So is what it finds in L3: as far as its load loop is
    faster than out of memory. Raises HarnessError where no run has a loop."""
    levels, ends = (1, *LEVELS), [0, *map(run.machine.cache_bytes, (1, 2, 3)), np.inf]
    found: dict[tuple[int | str, str], np.ndarray] = {}
    for table in (pd.concat([loops(one, isa) for one in (run, *others)]), loops(run, isa)):
        held = FLOAT_BYTES * table["elements"] * table["pass"].map({"copy": 2}).fillna(1)
        for level, above, within in zip(levels, ends, ends[1:], strict=False):
            its = table[(held >= 2 * above) & (held <= within / 2)].groupby("pass")["nanoseconds_per_element"].median()
            found |= {(level, kind): np.full((1, 1), FLOATS_PER_LINE * one) for kind, one in its.items()}
            if level == 3 and "load" in its:
                beyond = table[(table["pass"] == "load") & (held >= 2 * above)]
    for level, kind in product(levels, STREAMS):
        if (level, kind) not in found:
            raise HarnessError(f"{run.folder}: no {kind} loop in {isa} whose data lie within level {level}")
    clock = run.canary.clock_adds / run.samples["clock_nanoseconds"].median()
    near, far = (found[level, "load"].item() / FLOATS_PER_LINE for level in (3, MEMORY))
    load = beyond.groupby("elements")["nanoseconds_per_element"].median()
    missed = np.maximum.accumulate(np.clip((load - near) / (far - near), 0, 1))
    # The length at which an eighth, three, five and seven of X come from memory instead.
    sizes = np.exp(np.interp((1 / 8, 3 / 8, 5 / 8, 7 / 8), missed, np.log(FLOAT_BYTES * load.index)))
    return replace(of_lines(np.full((1, 1), clock), found), l3_shares=sizes / ends[3])


@made_once
def loops(run: Run, isa: str) -> pd.DataFrame:
    """pass, elements and nanoseconds_per_element of the bandwidth loops of a run (experiment `passes`, warm, primary
    compiler): of each length the best one, since that is the limit."""
    rows = selection.pass_rows(run) if run.experiments.get("passes") else run.samples[:0]
    rows = rows[(rows["isa"] == isa) & (rows["compiler"] == run.primary) & rows["pass"].isin(list(STREAMS))]
    times = medians(rows, ["pass", "elements", "variant"], run.canary.clock_adds)
    return times.groupby(["pass", "elements"])["nanoseconds_per_element"].min().reset_index()


def shared(rows: pd.DataFrame, run: Run) -> pd.Series:
    """By compiler, ISA and elements, how many times as long independent FMA took around these samples, in cycles, as
    the fastest that the run saw (median): a neighbour on the same core leaves a virtual machine only so much of it."""
    cycles = rows["throughput_nanoseconds"] / rows["clock_nanoseconds"]
    times = cycles / (run.canary.throughput_nanoseconds / run.canary.clock_nanoseconds)
    return times.groupby([rows[name] for name in POINT]).median().clip(lower=1).rename("shared")


def medians(rows: pd.DataFrame, by: list[str], clock_adds: int) -> pd.DataFrame:
    """`by` and nanoseconds_per_element, the median over processes of their medians: what figures draw, without the
    intervals, which would take a hundred times as long."""
    rates = per_call(rows, clock_adds).groupby([*by, "process"])["nanoseconds_per_element"].median()
    return with_text(rates.groupby(level=by).median().reset_index())
