"""What the processor says of itself, decoded from CPUID and XGETBV; pure functions of the raw registers, so that they
can be tested on processors that are not here."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.machine import control_groups, emulation, fingerprint, identity, limits, topology
from harness.machine.allocation import allocation
from harness.machine.processor import Cpuid, Processor
from harness.machine.system import read
from harness.record.errors import HarnessError
from harness.record.isa import ISAS
from harness.record.machines import microarchitecture
from harness.record.run import Cache, Machine, Skipped


def decode(cpuid: Cpuid, extended_states: int) -> Processor:
    """The processor behind `cpuid`, whose operating system saves the register state `extended_states` (XCR0)."""
    vendor = _text(*(cpuid(0, 0)[i] for i in (1, 3, 2)))
    signature, _, features, _ = cpuid(1, 0)
    family, model = signature >> 8 & 0xF, signature >> 4 & 0xF
    if family >= 6:  # not 15 and 6 alone: family 7 of Zhaoxin has models beyond 15
        model += (signature >> 16 & 0xF) << 4
    if family == 15:
        family += signature >> 20 & 0xFF
    brand = _brand(cpuid)
    answers = _text(*cpuid(0x40000000, 0)[1:])  # of some even where the bit says that nobody does
    hypervisor = (answers or "unknown") if features >> 31 & 1 else ""
    return Processor(
        vendor=vendor,
        brand=brand,
        family=family,
        model=model,
        stepping=signature & 0xF,
        isas=_isas(cpuid, extended_states),
        caches=_caches(cpuid, vendor),
        hypervisor=hypervisor,
        emulator=emulation.named(answers, vendor, brand),
    )


def _text(*registers: int) -> str:
    """What registers spell; "?" for what is no letter, digit or sign: a terminal, a picture or a file's name would take
    it for something else."""
    raw = b"".join(register.to_bytes(4, "little") for register in registers).split(b"\0")[0]
    return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in raw).strip()


def _brand(cpuid: Cpuid) -> str:
    if cpuid(0x80000000, 0)[0] < 0x80000004:
        return "unknown"
    return " ".join(_text(*(r for leaf in range(0x80000002, 0x80000005) for r in cpuid(leaf, 0))).split()) or "unknown"


def _isas(cpuid: Cpuid, states: int) -> tuple[str, ...]:
    features = cpuid(1, 0)[2]
    fma, sse41 = features >> 12 & 1, features >> 19 & 1
    leaf7 = cpuid(7, 0)[1]
    if not (fma and sse41):
        return ()
    return tuple(
        name
        for name, isa in reversed(ISAS.items())
        if leaf7 & isa.feature == isa.feature and states & isa.states == isa.states
    )


def _caches(cpuid: Cpuid, vendor: str) -> tuple[Cache, ...]:
    # AMD and Hygon moved Intel's leaf 4, with the same layout.
    leaf = 0x8000001D if vendor in ("AuthenticAMD", "HygonGenuine") else 4
    # The leaf counts the identifiers that are set aside, a power of two; leaf 0xB the threads that there are.
    threads = [cpuid(0xB, level)[1] & 0xFFFF for level in range(2)]
    most = max(threads) or 1 << 12
    caches = []
    for subleaf in range(16):
        eax, ebx, ecx, edx = cpuid(leaf, subleaf)
        kind = eax & 0x1F
        if kind == 0:
            break
        if kind in (1, 3):  # data, unified
            size = ((ebx >> 22) + 1) * ((ebx >> 12 & 0x3FF) + 1) * ((ebx & 0xFFF) + 1) * (ecx + 1)
            shared = min((eax >> 14 & 0xFFF) + 1, most)
            caches.append(Cache(eax >> 5 & 7, size, shared, bool(edx >> 1 & 1)))
    return tuple(sorted(caches, key=lambda cache: cache.level)) or (_older_caches(cpuid) if leaf != 4 else ())


def _older_caches(cpuid: Cpuid) -> tuple[Cache, ...]:
    """The caches by AMD's leaves from before 0x8000001D, which some of family 21 have alone."""
    first, (_, _, second, third) = cpuid(0x80000005, 0)[2], cpuid(0x80000006, 0)
    # L1 is the core's, L2 of the two cores of a unit where leaf 0x8000001E tells of one, L3 of all.
    unit, threads = (cpuid(0x8000001E, 0)[1] >> 8 & 0xFF) + 1, (cpuid(0x80000008, 0)[2] & 0xFF) + 1
    sizes = ((1, first >> 24 << 10, 1), (2, second >> 16 << 10, unit), (3, third >> 18 << 19, threads))
    return tuple(Cache(level, size, shared, False) for level, size, shared in sizes if size)


def with_known_caches(processor: Processor, cpu: int, alike: Sequence[int]) -> Processor:
    """The processor that `cpu` is, with its caches by the system where CPUID does not tell them (as some hypervisors
    have it), and with the number of last-level caches that the processors `alike` have.

    Raises HarnessError where neither does, since nothing could then be called out of cache.
    """
    caches = processor.caches or tuple(
        Cache(cache.level, cache.bytes, len(cache.cpus), False) for cache in topology.caches(cpu)
    )
    if not caches:
        raise HarnessError("neither CPUID nor the system tells the sizes of this processor's caches")
    told = topology.last_level_caches(alike)
    return replace(
        processor, caches=caches, llc_count=told or math.ceil(len(alike) / max(1, int(caches[-1].shared_by_threads)))
    )


def require_x86_64() -> None:
    """Raises HarnessError on any other architecture."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        raise HarnessError(f"this is a {platform.machine()} machine; the kernels are written for x86-64")


def usable_isas(processor: Processor, asked: list[str]) -> tuple[list[str], list[Skipped]]:
    """Those of the `asked` ISAs that the processor has, and what is skipped with the reason.

    Raises HarnessError where it has none of them.
    """
    if not processor.isas:
        raise HarnessError(
            f"{processor.brand} lacks AVX2 and FMA3 (or the operating system does not save AVX registers): "
            "every kernel needs FMA3, so a processor from Haswell or Zen 1 on"
        )
    reason = f"{processor.brand} does not have it"
    skipped = [Skipped(f"ISA {isa}", reason) for isa in asked if isa not in processor.isas]
    usable = [isa for isa in asked if isa in processor.isas]
    if not usable:
        raise HarnessError(f"{processor.brand} has none of {', '.join(asked)}; it has {', '.join(processor.isas)}")
    return usable, skipped


def memory_bytes() -> int:
    """Physical memory that this process may use, in bytes: the machine's, or its control groups' limit if lower, or
    what its job was given: one that takes more is ended by its scheduler, with a control group or without."""
    total, job = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), allocation()
    return min(total, control_groups.memory_limit() or total, (job and job.memory_bytes) or total)


def available_memory_bytes() -> int:
    """Memory that this process could take now without swapping, in bytes."""
    available = re.search(r"MemAvailable:\s+(\d+) kB", read(Path("/proc/meminfo")))
    left = control_groups.memory_left()
    most = int(min(memory_bytes(), limits.address_space_left(), math.inf if left is None else left))
    return min(int(available[1]) * 1024, most) if available else most


def describe(processor: Processor, override: str | None = None) -> Machine:
    """This machine, as a run has it. `override` is a known machine's name that was given instead of detection.

    Raises HarnessError for a name that no machine has.
    """
    found = facts(processor)
    known = identity.identify(found, override)
    return replace(found, name=known.name, overridden=known.overridden)


def facts(processor: Processor) -> Machine:
    """What is known of this machine, whatever its name: it has none yet."""
    its = processor
    return Machine(
        name="",
        overridden=False,
        microarchitecture=microarchitecture(its.vendor, its.family, its.model, its.stepping),
        vendor=its.vendor,
        brand=its.brand,
        family=its.family,
        model=its.model,
        stepping=its.stepping,
        isas=its.isas,
        caches=its.caches,
        cores=topology.cores(),
        threads=os.cpu_count() or 1,
        memory_bytes=memory_bytes(),
        kernel=platform.release() or "unknown",
        hypervisor=its.hypervisor,
        emulator=its.emulator,
        host=fingerprint.fingerprint(),
        allowed=tuple(sorted(os.sched_getaffinity(0))),
    )
