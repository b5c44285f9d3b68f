"""How fast a sample can be at most: by what its core loads and stores, and by what memory moves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from harness.record.caches import FLOAT_BYTES
from harness.record.isa import ISAS
from harness.record.machines import load_machines
from harness.record.run import Record

# The clock may rise by 5 % around a sample before that is flagged, and flagged rows are kept.
SPEED_MARGIN = 1.1
# Where the machine's file does not know: the memory of any x86 socket with DIMMs so far, 12 x MRDIMM-8800.
LARGEST_MEMORY_GB_PER_SECOND = 845.0


@dataclass(frozen=True)
class Least:
    """What a call takes at least: core cycles, and bytes that go through memory."""

    cycles: float
    bytes: float

    def excess(self, calls: float, nanoseconds: float, gigahertz: float) -> float:
        """How many times faster than its core a sample was."""
        return calls * self.cycles / (nanoseconds * gigahertz)

    def gb_per_second(self, calls: float, nanoseconds: float) -> float:
        """What memory moved meanwhile, at least."""
        return calls * self.bytes / nanoseconds


class Call(NamedTuple):
    """What is called: a pass or, where that is empty, a whole algorithm. Several threads share a vector of `elements`,
    or have one each, which takes as long as one alone."""

    isa: str
    algorithm: str
    pass_name: str
    elements: int
    threads: int = 1


def least(call: Call, record: Record) -> Least:
    """What a call takes at least, by what a run tells of its passes and machine."""
    cycles = least_cycles(call, record) * call.elements / call.threads
    # Of what a pass reads, and of what it writes, all that does not fit into L2 and L3 comes from memory or goes there.
    cached = call.threads * record.machine.holds_bytes
    moved = (max(0, FLOAT_BYTES * floats * call.elements - cached) for floats in streams(call, record))
    return Least(cycles, float(sum(moved)))


def is_too_fast(its: Least, calls: int, nanoseconds: int, gigahertz: float, peak_gb_per_second: float) -> bool:
    """Whether a sample cannot have been so fast."""
    return (
        its.excess(calls, nanoseconds, gigahertz) > SPEED_MARGIN
        or its.gb_per_second(calls, nanoseconds) > SPEED_MARGIN * peak_gb_per_second
    )


@cache
def peak_gb_per_second(machine: str) -> float:
    """What the memory of the machine of this name gives at most."""
    known = load_machines().get(machine)
    peak: float | str = known.memory.peak_gb_per_second if known else "unknown"
    return LARGEST_MEMORY_GB_PER_SECOND if isinstance(peak, str) else peak


def streams(call: Call, record: Record) -> list[int]:
    """Floats per element that each pass reads of X, reads of Y, and writes of Y; of a peer, what any softmax must."""
    if call.algorithm in record.peers.libraries:
        return [1, 0, 1]
    passes = [record.kernels[part] for part in record.passes_of(call.algorithm, call.pass_name)]
    return [floats for its in passes for floats in (its.reads_x, its.reads_y, its.writes_y)]


def least_cycles(call: Call, record: Record) -> float:
    """Core cycles that one element takes at least: a pass takes at least those in which its declared reads are loaded,
    or those in which its writes are stored; an algorithm, those of its passes together."""
    isa = ISAS[call.isa]
    if call.algorithm in record.peers.libraries:
        return 1 / isa.lanes / isa.loads
    passes = [record.kernels[part] for part in record.passes_of(call.algorithm, call.pass_name)]
    vectors = sum(max((its.reads_x + its.reads_y) / isa.loads, its.writes_y / isa.stores) for its in passes)
    return vectors / isa.lanes
