"""What is known of a processor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.record.caches import HasCaches
from harness.record.run import NOT_EMULATED, Cache

Registers = tuple[int, int, int, int]
"""eax, ebx, ecx, edx"""
Cpuid = Callable[[int, int], Registers]
"""CPUID: (leaf, subleaf) to registers."""


@dataclass(frozen=True)
class Processor(HasCaches):
    """What CPUID tells. `isas` are those that the processor has and the operating system saves."""

    vendor: str
    brand: str
    family: int
    model: int
    stepping: int
    isas: tuple[str, ...]
    caches: tuple[Cache, ...]
    hypervisor: str
    llc_count: int = 1
    """Last-level caches of the logical processors that may be used."""
    emulator: str = NOT_EMULATED

    def llc_bytes_of(self, threads: int) -> int:
        """Size of the last-level caches that so many threads can reach, each on a core of its own, in bytes."""
        return self.last_cache_bytes * min(threads, self.llc_count)
