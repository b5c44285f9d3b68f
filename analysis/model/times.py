"""The time of a pass by the model: computation or data, whichever takes longer, as in the execution-cache-memory model.
Computation is llvm-mca's interval of the loop, at a place between its ends; data are what each line costs that the pass
moves, level by level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.model.inputs import FLOATS_PER_LINE, Core, Draws
from analysis.model.traffic import LEVELS, MEMORY, moved
from harness.record.caches import FLOAT_BYTES
from harness.record.isa import ISAS
from harness.record.run import Pass
from harness.statistics import selection

REGIONS = ("L2", "L3", "memory")  # what is large enough for X; the last is out of cache


@dataclass(frozen=True)
class Parameters:
    """What no data sheet tells, in as many draws or in one. Fits of the first two (0.55 to 0.7, and 1.9) did no better
    on what they had not seen."""

    in_core: Draws | float = 0.7
    """Where between the ends of llvm-mca's intervals loops lie: 0 block throughput, 1 simulated."""
    lone_store: Draws | float = 2.0
    """What writing to a line out of memory costs while nothing is read from beyond L2, against the copy loop's. With 1
    times of algorithms on Zen 4 were off by 8.0 instead of 4.7 %."""
    unhidden: Draws | float = 0.0
    """What is not hidden of the shorter one of computation and data."""
    shared: float | np.ndarray = 1.0
    """How many times as long computation takes because another thread is on the core; of each length, or of all."""


@dataclass(frozen=True)
class Subject:
    """A core, its code and its caches: what the model needs to know of a machine for one ISA and compiler."""

    machine: str
    caches: Sequence[int]
    """Bytes of L1, L2 and L3."""
    isa: str
    compiler: str
    core: Core
    loops: Mapping[str, tuple[str, float, float]]
    """Of each pass its variant and llvm-mca's interval in cycles per vector."""
    algorithms: Mapping[str, Sequence[str]]
    passes: Mapping[str, Pass]

    def regions(self, elements: npt.ArrayLike) -> np.ndarray:
        """Of each length, which of REGIONS it is in."""
        return np.array(REGIONS)[np.searchsorted(np.cumsum(self.caches[1:]), FLOAT_BYTES * np.asarray(elements))]


@dataclass(frozen=True)
class PassTime:
    """Nanoseconds per element of a pass, each of shape (draws, lengths)."""

    computation: Draws
    data: Draws
    total: Draws


@dataclass(frozen=True)
class Prediction:
    """Every pass of every algorithm of a subject, at these elements, under the paper's protocol."""

    subject: Subject
    elements: np.ndarray
    passes: Mapping[tuple[str, str], PassTime]
    """By (algorithm, pass); of a pass on its own, on the same operands each time, by ("", pass)."""

    def total(self, algorithm: str, part: str = "total") -> Draws:
        """Nanoseconds per element of a whole algorithm, or of its data or computation alone."""
        return sum(getattr(self.passes[algorithm, name], part) for name in self.subject.algorithms[algorithm])

    def ratio(self) -> Draws:
        """How many times as long the better Three-Pass takes as Two-Pass."""
        return np.minimum(*map(self.total, selection.THREE_PASS)) / self.total(selection.TWO_PASS)


def predict(subject: Subject, parameters: Parameters, elements: npt.ArrayLike) -> Prediction:
    """What the model expects at these lengths."""
    lengths, passes = np.asarray(elements, float), {}
    caches = [*subject.caches[:2], *(share * subject.caches[2] for share in subject.core.l3_shares)]
    for algorithm, names in (*subject.algorithms.items(), *(("", [name]) for name in subject.passes)):
        rotating, walks = algorithm != "", [subject.passes[name] for name in names]
        for name, lines in zip(names, moved(walks, lengths, caches, rotating), strict=True):
            passes[algorithm, name] = _pass_time(subject, parameters, name, lines, rotating)
    return Prediction(subject, lengths, passes)


def _pass_time(subject: Subject, parameters: Parameters, name: str, lines: np.ndarray, rotating: bool) -> PassTime:
    """`lines`: of one pass, as `moved`."""
    read, allocated, written = lines
    core, walk, (_, low, high) = subject.core, subject.passes[name], subject.loops[name]
    vectors = FLOATS_PER_LINE / ISAS[subject.isa].lanes
    computed = parameters.shared * (low + parameters.in_core * (high - low)) * vectors / core.clock_ghz
    # llvm-mca knows neither banks nor the width of the way to L1; the loops that only move data do.
    kind = "load" if not walk.writes_y else "update" if walk.reads_y else "copy"
    computed = np.maximum(computed, core.l1_nanoseconds[kind]) / FLOATS_PER_LINE
    # Stores that no read from beyond L2 goes along with: on the measured machines X in L3 is as good as in memory.
    alone = 1 - _share(read[1:].sum(axis=0), allocated[-1])
    fetch = core.fetch_ratio * (1 + (parameters.lone_store - 1) * alone * rotating)
    data = 0 * computed
    for place, level in enumerate(LEVELS):
        factor = fetch if level == MEMORY else 1.0
        # A line that was read for its own sake and goes back is the update loop's, which needs no factor.
        fetched = _share(allocated[place], written[place])
        there = core.read_nanoseconds[level] * (read[place] + factor * allocated[place])
        back = core.write_nanoseconds[level] * written[place] * (1 + (factor - 1) * fetched)
        data = data + (there + back) / FLOATS_PER_LINE
    longer, shorter = np.maximum(computed, data), np.minimum(computed, data)
    return PassTime(computed + 0 * data, data, longer + parameters.unhidden * shorter)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(np.minimum(part, whole), whole, out=np.ones(np.shape(whole)), where=whole > 0)
