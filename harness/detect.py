"""What the processor says of itself, decoded from CPUID and XGETBV; pure functions of the raw registers, so that they
can be tested on processors that are not here."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from harness import limits, machines
from harness.errors import HarnessError

Registers = tuple[int, int, int, int]
"""eax, ebx, ecx, edx"""
Cpuid = Callable[[int, int], Registers]
"""CPUID: (leaf, subleaf) to registers."""

ISAS = ("scalar", "avx2", "avx512f")
SAVED_BY_AVX = 0x6  # XCR0: SSE and AVX state
SAVED_BY_AVX512 = 0xE6  # and opmask, upper halves of zmm0-15, zmm16-31


@dataclass(frozen=True)
class Cache:
    """One data or unified cache as the core that was asked sees it."""

    level: int
    bytes: int
    shared_by_threads: int
    inclusive: bool


@dataclass(frozen=True)
class Processor:
    """What CPUID tells. `isas` are those that the processor has and the operating system saves."""

    vendor: str
    brand: str
    family: int
    model: int
    stepping: int
    isas: tuple[str, ...]
    caches: tuple[Cache, ...]
    hypervisor: str

    @property
    def llc_bytes(self) -> int:
        """Size of the last-level cache in bytes."""
        return max(self.caches, key=lambda cache: cache.level).bytes if self.caches else 0

    @property
    def outer_cache_bytes(self) -> int:
        """L2 + L3 in bytes: what an output must leave to be out of cache where L3 is a victim cache."""
        return sum(cache.bytes for cache in self.caches if cache.level >= 2)

    def cache_bytes(self, level: int) -> int:
        """Size of the cache of this level in bytes, 0 where there is none."""
        return next((cache.bytes for cache in self.caches if cache.level == level), 0)

    @property
    def name(self) -> str:
        """A folder name for a machine that no file describes: its brand, family and model."""
        return machines.stranger_name(asdict(self))


def decode(cpuid: Cpuid, extended_states: int) -> Processor:
    """The processor behind `cpuid`, whose operating system saves the register state `extended_states` (XCR0)."""
    vendor = _text(*(cpuid(0, 0)[i] for i in (1, 3, 2)))
    signature, _, features, _ = cpuid(1, 0)
    family, model = signature >> 8 & 0xF, signature >> 4 & 0xF
    if family in (6, 15):
        model += (signature >> 16 & 0xF) << 4
    if family == 15:
        family += signature >> 20 & 0xFF
    hypervisor = ""
    if features >> 31 & 1:
        hypervisor = _text(*cpuid(0x40000000, 0)[1:]) or "unknown"
    return Processor(
        vendor=vendor,
        brand=_brand(cpuid),
        family=family,
        model=model,
        stepping=signature & 0xF,
        isas=_isas(cpuid, extended_states),
        caches=_caches(cpuid, vendor),
        hypervisor=hypervisor,
    )


def _text(*registers: int) -> str:
    raw = b"".join(register.to_bytes(4, "little") for register in registers)
    return raw.split(b"\0")[0].decode("ascii", "replace").strip()


def _brand(cpuid: Cpuid) -> str:
    if cpuid(0x80000000, 0)[0] < 0x80000004:
        return "unknown"
    return " ".join(_text(*(r for leaf in range(0x80000002, 0x80000005) for r in cpuid(leaf, 0))).split()) or "unknown"


def _isas(cpuid: Cpuid, states: int) -> tuple[str, ...]:
    features = cpuid(1, 0)[2]
    fma, sse41 = features >> 12 & 1, features >> 19 & 1
    leaf7 = cpuid(7, 0)[1]
    avx2, avx512f = leaf7 >> 5 & 1, leaf7 >> 16 & 1
    if not (fma and sse41 and states & SAVED_BY_AVX == SAVED_BY_AVX):
        return ()
    has = {"scalar": True, "avx2": avx2, "avx512f": avx512f and states & SAVED_BY_AVX512 == SAVED_BY_AVX512}
    return tuple(isa for isa in ISAS if has[isa])


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
    return tuple(sorted(caches, key=lambda cache: cache.level))


def with_known_caches(processor: Processor) -> Processor:
    """The processor, its caches by the system where CPUID does not tell them (as some hypervisors have it).

    Raises HarnessError where neither does, since nothing could then be called out of cache.
    """
    if processor.caches:
        return processor
    caches = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        kind, size = ((index / name).read_text(encoding="utf-8").strip() for name in ("type", "size"))
        if kind != "Instruction":
            shared = (index / "shared_cpu_map").read_text(encoding="utf-8").replace(",", "").strip()
            caches.append(
                Cache(
                    int((index / "level").read_text(encoding="utf-8")),
                    int(size.removesuffix("K")) << 10,
                    int(shared, 16).bit_count(),
                    False,
                )
            )
    if not caches:
        raise HarnessError("neither CPUID nor the system tells the sizes of this processor's caches")
    return replace(processor, caches=tuple(caches))


def require_x86_64() -> None:
    """Raises HarnessError on any other architecture."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        raise HarnessError(f"this is a {platform.machine()} machine; the kernels are written for x86-64")


def usable_isas(processor: Processor, asked: list[str]) -> tuple[list[str], list[dict[str, str]]]:
    """Those of the `asked` ISAs that the processor has, and what is skipped with the reason.

    Raises HarnessError where it has none of them.
    """
    if not processor.isas:
        raise HarnessError(
            f"{processor.brand} lacks AVX2 and FMA3 (or the operating system does not save AVX registers): "
            "every kernel needs FMA3, so a processor from Haswell or Zen 1 on"
        )
    skipped = [
        {"what": f"ISA {isa}", "reason": f"{processor.brand} does not have it"}
        for isa in asked
        if isa not in processor.isas
    ]
    usable = [isa for isa in asked if isa in processor.isas]
    if not usable:
        raise HarnessError(f"{processor.brand} has none of {', '.join(asked)}; it has {', '.join(processor.isas)}")
    return usable, skipped


def memory_bytes() -> int:
    """Physical memory that this process may use, in bytes: the machine's, or its control group's limit if lower."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit_file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(limit_file).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
    return total


def available_memory_bytes() -> int:
    """Memory that this process could take now without swapping, in bytes."""
    try:
        told = Path("/proc/meminfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    available = re.search(r"MemAvailable:\s+(\d+) kB", told)
    most = int(min(memory_bytes(), limits.address_space_left()))
    return min(int(available[1]) * 1024, most) if available else most


def cores() -> int | str:
    """Physical cores that are online, or "unknown"."""
    seen = set()
    for cpu in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology"):
        try:
            seen.add(
                (
                    (cpu / "physical_package_id").read_text(encoding="utf-8"),
                    (cpu / "core_id").read_text(encoding="utf-8"),
                )
            )
        except OSError:
            continue
    return len(seen) or "unknown"


def describe(processor: Processor, override: str | None = None) -> dict[str, Any]:
    """The `machine` part of run.json. `override` is a known machine's name that was given instead of detection.

    Raises HarnessError for a name that no machine has.
    """
    known, identity = asdict(processor), machines.identify(processor, override)
    return {
        "name": identity.name,
        "overridden": identity.overridden,
        "microarchitecture": machines.microarchitecture(processor),
        **{key: known[key] for key in ("vendor", "brand", "family", "model", "stepping", "hypervisor")},
        "isas": list(processor.isas),
        "caches": [asdict(cache) for cache in processor.caches],
        "cores": cores(),
        "threads": os.cpu_count() or 1,
        "memory_bytes": memory_bytes(),
        "kernel": platform.release() or "unknown",
    }
