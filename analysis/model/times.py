"""The time of a pass by the model: computation and data, each on its own, overlap in part."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.model.inputs import LEVELS, LINE_BYTES, MEMORY, Core, Draws
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import HarnessError
from harness.record.isa import ISAS
from harness.record.machines import Machine
from harness.record.run import Pass
from harness.statistics.traffic import kind

FLOATS_PER_LINE = LINE_BYTES // FLOAT_BYTES
BOUND_BY = ("computation", "L2", "L3", "memory")

Grid = npt.NDArray[np.float64]
"""Shape (draws, lengths)."""


@dataclass(frozen=True)
class Parameters:
    """What no data sheet tells; calibrated on a machine that can be measured. Each value in as many draws, or one."""

    overlap: Draws
    """q of T = (computation^q + data^q)^(1/q): 1 adds them up, a large one takes the larger."""
    in_core: Mapping[str, Draws]
    """By pass, where between the ends of llvm-mca's interval its loop lies: 0 block throughput, 1 simulated."""
    cold_store: Draws
    """What writing to a line out of memory costs while nothing is read from there, against the copy loop's."""
    l3_share: Draws
    """The part of L3 that one core has for itself."""
    pass_cycles: Draws
    """Cycles that a pass takes beside its loop."""


@dataclass(frozen=True)
class Moved:
    """Lines for each line of X that a pass moves, by level; each of shape (shares of L3, lengths), or one for all."""

    read: Mapping[int | str, np.ndarray]
    allocated: Mapping[int | str, np.ndarray]
    """Fetched only to be written to."""
    written: Mapping[int | str, np.ndarray]
    """Changed lines that end there."""


class Traffic:
    """The recorded traffic of one machine, by cache state, algorithm and pass, at any length."""

    def __init__(self, table: pd.DataFrame, machine: Machine) -> None:
        """`table` as model.traffic.load_traffic gives it. Raises HarnessError where it lacks the machine."""
        if machine.name not in set(table["machine"]):
            raise HarnessError(f"{machine.name}: its traffic is not recorded (`python -m analysis.model simulate`)")
        of_machine = table[table["machine"] == machine.name].sort_values("elements")
        self._rows = {
            key: those.set_index("elements")
            for key, those in of_machine.groupby(["cache_state", "algorithm", "pass"], sort=False)
        }
        caches = {cache.level: cache for cache in machine.caches}
        # What is fetched from memory goes straight to L2 where L3 is a victim cache, as the simulator has it.
        self._past_l3 = caches[3].inclusion != "inclusive"
        self._beyond_l2 = 2 * caches[2].bytes / FLOAT_BYTES

    def without_allocation(self) -> Traffic:
        """The same where a line that is overwritten is not fetched first."""
        other = copy(self)
        fetched = ("allocate_l2_l1", "allocate_l3_l2", "allocate_memory")
        other._rows = {key: rows.assign(**dict.fromkeys(fetched, 0.0)) for key, rows in self._rows.items()}
        return other

    def moved(self, key: tuple[str, str, str], elements: npt.ArrayLike, l3_share: Draws) -> Moved:
        """What a pass moves, key being (cache state, algorithm, pass), where a core has so much of L3. Between recorded
        lengths it is taken to change evenly with the length's logarithm."""
        rows, lengths = self._rows[key], np.asarray(elements, float)
        known = np.log(rows.index.to_numpy(float))
        shares, places = np.unique(l3_share, return_inverse=True)
        # A smaller L3 is full at a shorter length. Where L2 alone holds the data nothing changes.
        asked = np.log(np.where(lengths > self._beyond_l2, lengths / shares[:, None], lengths))

        def column(name: str) -> np.ndarray:
            return np.interp(asked, known, rows[name].to_numpy(float))[places]

        def origins(reason: str) -> dict[int | str, np.ndarray]:
            memory, third, all_ = (column(f"{reason}_{way}") for way in ("memory", "l3_l2", "l2_l1"))
            third = third if self._past_l3 else np.maximum(0, third - memory)
            return {2: np.maximum(0, all_ - third - memory), 3: third, MEMORY: memory}

        first, second, last = (column(f"dirty_{way}") for way in ("l1_l2", "l2_l3", "memory"))
        written = {2: np.maximum(0, first - second), 3: np.maximum(0, second - last), MEMORY: last}
        return Moved(origins("load"), origins("allocate"), written)


@dataclass(frozen=True)
class PassTime:
    """Nanoseconds per element of a pass, each of shape (draws, lengths)."""

    computation: Grid
    data: Mapping[int | str, Grid]
    """By the level that the lines come from or go to."""
    total: Grid

    @property
    def bound_by(self) -> list[str]:
        """What takes longest at each length, in the median over the draws: one of BOUND_BY."""
        parts = [self.computation, *(self.data[level] for level in LEVELS)]
        medians = np.array([np.median(part, axis=0) for part in parts])
        return [BOUND_BY[place] for place in medians.argmax(axis=0)]


def pass_time(
    core: Core,
    parameters: Parameters,
    loop: tuple[str, float, float],
    isa: str,
    kernel: Pass,
    moved: Moved,
    elements: npt.ArrayLike,
    cold: bool = True,
) -> PassTime:
    """The time of a pass: `loop` is its name and llvm-mca's interval in cycles per vector, `kernel` what it
    declares, `moved` at these `elements`. `cold`: it writes to lines in rotation, as in the paper's protocol."""
    name, low, high = loop
    vectors = FLOATS_PER_LINE / ISAS[isa].lanes
    line = (low + parameters.in_core[name] * (high - low)) * vectors / core.clock_ghz
    # llvm-mca knows neither banks nor the width of the way to L1; the loops that only move data do.
    line = np.maximum(line, core.l1_nanoseconds[_bandwidth_loop(kernel)])
    beside = np.outer(parameters.pass_cycles / core.clock_ghz, 1 / np.asarray(elements, float))
    computation = line[:, None] / FLOATS_PER_LINE + beside
    beside_reads = _share(moved.read[MEMORY], moved.allocated[MEMORY])
    lone = (parameters.cold_store[:, None] - 1 if cold else 0.0) * (1 - beside_reads)
    factor = core.fetch_ratio[:, None] * (1 + lone)
    data = {}
    for level in LEVELS:
        stores = factor if level == MEMORY else 1.0
        read, write = core.read_nanoseconds[level][:, None], core.write_nanoseconds[level][:, None]
        # A line that was read for its own sake and goes back is the update loop's, which needs no factor.
        fetched = _share(moved.allocated[level], moved.written[level])
        lines = read * (moved.read[level] + stores * moved.allocated[level])
        lines = lines + write * moved.written[level] * (1 + (stores - 1) * fetched)
        data[level] = lines / FLOATS_PER_LINE
    q = np.reshape(parameters.overlap, (-1, 1))
    largest = np.maximum(computation, sum(data.values()))
    total = largest * ((computation / largest) ** q + (sum(data.values()) / largest) ** q) ** (1 / q)
    return PassTime(computation, data, total)


def textbook(time: PassTime) -> Grid:
    """The time of a pass as the execution-cache-memory model has it: transfers follow one another, and computation
    overlaps with all of them. (What the loops of a level take already has L1's loads and stores in it.)"""
    return np.maximum(time.computation, sum(time.data.values()))


def _bandwidth_loop(kernel: Pass) -> str:
    return {"reads X": "load", "writes Y": "copy", "updates Y": "update"}[kind(kernel)]


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(np.minimum(part, whole), whole, out=np.ones(np.shape(whole)), where=whole > 0)
