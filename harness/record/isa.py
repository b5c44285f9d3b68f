"""What is known of each ISA, in one table: a vocabulary in kernels/isa/ has the same name, a schema the same list."""

from __future__ import annotations

from dataclasses import dataclass

SAVED_BY_AVX = 0x6  # XCR0: SSE and AVX state
SAVED_BY_AVX512 = 0xE6  # and opmask, upper halves of zmm0-15, zmm16-31


@dataclass(frozen=True)
class Isa:
    """One ISA."""

    title: str
    lanes: int
    """Floats in a vector, and so float accumulators of a sum at least."""
    loads: int
    """Vectors that a cycle loads at most. No x86 core up to Golden Cove and Zen 5 does more: three loads of 32 bytes
    (Golden Cove) or two of 64."""
    exp_nanoseconds: float
    """Per element of a pass with exp, for an estimate before anything was measured."""
    feature: int = 0
    """The bit of CPUID leaf 7's EBX that says that a processor with FMA3 has it."""
    states: int = SAVED_BY_AVX
    """Of XCR0: the registers that the operating system must save."""
    stores: int = 2
    """Vectors that a cycle stores at most (Ice Lake)."""


ISAS: dict[str, Isa] = {
    "avx512f": Isa("AVX512F", 16, 2, 0.2, feature=1 << 16, states=SAVED_BY_AVX512),
    "avx2": Isa("AVX2", 8, 3, 0.25, feature=1 << 5),
    "scalar": Isa("scalar", 1, 3, 1.8),
}
"""By name, the one with the longest vectors first."""
