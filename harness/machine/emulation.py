"""Whether the processor is one, or a program that plays one: by what it says of itself, and by its pace.

What translates vectors to vectors, and gives neither its name nor its pace away, is taken for a processor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from harness.machine.processor import Processor
from harness.record.instance import HIDDEN
from harness.record.machines import implausible
from harness.record.run import NOT_EMULATED

# By what is in their vendor's name, in the brand or in the hypervisor's signature.
EMULATORS = {"TCGTCGTCGTCG": "QEMU", "VirtualApple": "Rosetta", "FEXIFEXIEMU": "FEX", "Box64 on": "Box64"}
# A processor answers CPUID within some 100 to 300 cycles. Where a hypervisor has to be asked it takes some 1,200 at
# least: 3,700 to 4,100 on the virtual machine where this was written.
MOST_CPUID_CYCLES = 800
ADDS, FMAS, CPUIDS, READINGS = 16384, 16384, 16, 5


def named(*told: str) -> str:
    """The emulator that one of these texts names."""
    return next((name for mark, name in EMULATORS.items() if any(mark in text for text in told)), NOT_EMULATED)


def judged(processor: Processor, canary: Mapping[str, int], cpuid_nanoseconds: float) -> Processor:
    """The processor and what its pace tells of it, beyond what it says itself. `canary` is as in run.json; it and the
    time of a CPUID are the fastest seen."""
    if processor.emulator != NOT_EMULATED:
        return processor
    if reason := implausible(canary):
        return replace(processor, emulator=f"suspected: {reason}")
    cycles = cpuid_nanoseconds * canary["clock_adds"] / canary["clock_nanoseconds"]
    is_hidden = not processor.hypervisor and cycles > MOST_CPUID_CYCLES
    return replace(processor, hypervisor=HIDDEN) if is_hidden else processor


def timed(lib: Any, processor: Processor) -> Processor:
    """The processor that this runs on, judged by its pace here and now. `lib` is that of the host part."""
    if not processor.isas:  # no FMA, no canary
        return processor

    def fastest(run: Callable[[int], int], count: int) -> int:
        return max(1, min(run(count) for _ in range(READINGS)))

    canary = {
        "clock_adds": ADDS,
        "throughput_fmas": FMAS,
        "clock_nanoseconds": fastest(lib.canary_clock, ADDS),
        "throughput_nanoseconds": fastest(lib.canary_throughput, FMAS),
    }
    return judged(processor, canary, fastest(lib.canary_cpuid, CPUIDS) / CPUIDS)
