"""How fast a sample can be at most: by what its core loads and stores, and by what memory moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from harness.machine import identity
from harness.record.configuration import FLOAT_BYTES
from harness.record.run import passes_of, peers

# Vectors that a cycle loads and stores at most. No x86 core up to Golden Cove and Zen 5 does more: three loads of 32
# bytes (Golden Cove) or two of 64; two stores (Ice Lake).
LANES = {"scalar": 1, "avx2": 8, "avx512f": 16}
LOADS = {"scalar": 3, "avx2": 3, "avx512f": 2}
STORES = 2
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


def least(isa: str, algorithm: str, name: str, elements: int, threads: int, info: Mapping[str, Any]) -> Least:
    """What a call takes at least of a pass or, where `name` is empty, of a whole algorithm, by run.json."""
    # Several threads share a vector, or have one each, which takes as long as one alone.
    cycles = least_cycles(isa, algorithm, name, info) * elements / threads
    # Of what a pass reads, and of what it writes, all that does not fit into L2 and L3 comes from memory or goes there.
    cached = threads * sum(cache["bytes"] for cache in info["machine"]["caches"] if cache["level"] > 1)
    moved = (max(0, FLOAT_BYTES * floats * elements - cached) for floats in streams(algorithm, name, info))
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
    known = identity.load().get(machine)
    peak: float | str = known.memory.peak_gb_per_second if known else "unknown"
    return LARGEST_MEMORY_GB_PER_SECOND if isinstance(peak, str) else peak


def streams(algorithm: str, name: str, info: Mapping[str, Any]) -> list[int]:
    """Floats per element that each pass reads of X, reads of Y, and writes of Y; of a peer, what any softmax must."""
    if algorithm in peers(info):
        return [1, 0, 1]
    declared = (info["kernels"][part] for part in passes_of(algorithm, name, info))
    return [kernel[stream] for kernel in declared for stream in ("reads_x", "reads_y", "writes_y")]


def least_cycles(isa: str, algorithm: str, name: str, info: Mapping[str, Any]) -> float:
    """Core cycles that one element takes at least, of a pass or, where `name` is empty, of a whole algorithm: a pass
    takes at least those in which its declared reads are loaded, or those in which its writes are stored; an algorithm,
    those of its passes together."""
    if algorithm in peers(info):
        return 1 / LANES[isa] / LOADS[isa]
    passes = [info["kernels"][part] for part in passes_of(algorithm, name, info)]
    vectors = sum(max((p["reads_x"] + p["reads_y"]) / LOADS[isa], p["writes_y"] / STORES) for p in passes)
    return vectors / LANES[isa]
