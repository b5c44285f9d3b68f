"""Which logical processors are measured: of which kind they are, and in which order threads are pinned to them."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.machine import control_groups
from harness.machine.processor import Cpuid
from harness.machine.system import read

CPUS = Path("/sys/devices/system/cpu")
PERFORMANCE, EFFICIENCY = "performance", "efficiency"
# CPUID leaf 0x1A of Intel's, leaf 0x80000026 of AMD's hybrids.
INTEL_CORES, AMD_CORES = {0x40: PERFORMANCE, 0x20: EFFICIENCY}, {0: PERFORMANCE, 1: EFFICIENCY}
# Cores of one kind differ in their highest clock by some percent, since the best of them are let go higher; dense cores
# with the same caches reach about 0.7 of what the others do.
SAME_CLOCK = 0.75


@dataclass(frozen=True)
class SystemCache:
    """A data or unified cache as the system tells it, and the logical processors that share it."""

    level: int
    bytes: int
    cpus: frozenset[int]


@dataclass(frozen=True)
class Choice:
    """The logical processor that is measured, those of the allowed ones that are like it (itself too), and its kind in
    words: empty where the processors do not differ."""

    cpu: int
    alike: tuple[int, ...]
    kind: str


@contextmanager
def on(cpu: int) -> Iterator[None]:
    """Keeps this thread on one logical processor meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def choose(allowed: Iterable[int], cpuid_on: Callable[[int], Cpuid], cpus: Path = CPUS) -> Choice:
    """The processor to measure on among the allowed ones: of performance cores, where there are such, and of those with
    the largest caches and the highest clock the last, since the first serves interrupts.

    `cpuid_on` gives CPUID as a processor answers it.
    """
    candidates = sorted(allowed)
    hybrid = is_hybrid(cpuid_on(candidates[-1]))
    types = {cpu: core_type(cpuid_on(cpu)) if hybrid else "" for cpu in candidates}
    sizes = {cpu: outer_caches(cpu, cpus) for cpu in candidates}
    clocks = {cpu: highest_clock(cpu, cpus) for cpu in candidates}
    cpu = max(candidates, key=lambda cpu: (types[cpu] != EFFICIENCY, sizes[cpu], clocks[cpu], cpu))

    def is_like(other: int) -> bool:
        same = (types[other], sizes[other]) == (types[cpu], sizes[cpu])
        return same and clocks[other] >= SAME_CLOCK * clocks[cpu]

    alike = tuple(filter(is_like, candidates))
    if types[cpu]:
        kind = f"{types[cpu]} core"
    elif len({sizes[cpu] for cpu in candidates}) > 1:
        kind = "core with the largest cache"
    else:
        kind = "core with the highest clock" if len(alike) < len(candidates) else ""
    return Choice(cpu, alike, kind)


def is_hybrid(cpuid: Cpuid) -> bool:
    """Whether the processor says that it has cores of several types."""
    return bool(cpuid(7, 0)[3] >> 15 & 1 or cpuid(0x80000026, 0)[0] >> 30 & 1)


def core_type(cpuid: Cpuid) -> str:
    """The type of the core that was asked, empty where a hybrid processor does not tell."""
    intel = cpuid(0x1A, 0)[0] >> 24
    return INTEL_CORES.get(intel, "") if intel else AMD_CORES.get(cpuid(0x80000026, 0)[1] >> 28, "")


def caches(cpu: int, cpus: Path = CPUS) -> list[SystemCache]:
    """The data and unified caches of a logical processor by the system, from the first level on; empty where it tells
    of none."""
    found = []
    for index in sorted((cpus / f"cpu{cpu}" / "cache").glob("index*")):
        kind, level, size, shared = (read(index / name) for name in ("type", "level", "size", "shared_cpu_list"))
        if kind in ("Data", "Unified"):
            with suppress(ValueError):
                found.append(SystemCache(int(level), int(size.removesuffix("K")) << 10, listed(shared)))
    return sorted(found, key=lambda cache: cache.level)


def outer_caches(cpu: int, cpus: Path = CPUS) -> tuple[int, ...]:
    """Bytes of the caches beyond the first level, the last level first; of the second level a core's part, since
    efficiency cores share one that only looks larger than a performance core's own."""

    def size(cache: SystemCache) -> int:
        sharing = len({core_of(other, cpus) for other in cache.cpus}) if cache.level == 2 else 1
        return cache.bytes // sharing

    sizes = {cache.level: size(cache) for cache in caches(cpu, cpus)}
    return tuple(sizes.get(level, 0) for level in (4, 3, 2))


def last_level_caches(processors: Iterable[int], cpus: Path = CPUS) -> int:
    """How many last-level caches these logical processors have, 0 where the system does not tell."""
    return len({known[-1].cpus for cpu in processors if (known := caches(cpu, cpus))})


def highest_clock(cpu: int, cpus: Path = CPUS) -> int:
    """The highest clock of a logical processor, in a unit that all processors of the machine share; 0: unknown."""
    for name in ("cpufreq/cpuinfo_max_freq", "acpi_cppc/highest_perf"):
        with suppress(ValueError):
            return int(read(cpus / f"cpu{cpu}" / name))
    return 0


def listed(text: str) -> frozenset[int]:
    """The numbers of a list as the system writes it: 0-3,8. Raises ValueError for anything else."""
    found: set[int] = set()
    for part in text.strip().split(","):
        ends = re.fullmatch("([0-9]{1,6})(?:-([0-9]{1,6}))?", part)
        numbers = range(int(ends[1]), int(ends[2] or ends[1]) + 1) if ends else ()
        if not numbers:
            raise ValueError(f"{part[:20]!r} is no range of numbers")
        found.update(numbers)
    return frozenset(found)


def core_of(cpu: int, cpus: Path = CPUS) -> frozenset[int]:
    """The logical processors of the core that this one belongs to; itself alone where the system does not tell.

    The numbers that the system gives to cores won't do: they begin again in each die.
    """
    for name in ("core_cpus_list", "thread_siblings_list"):
        with suppress(ValueError):
            return listed(read(cpus / f"cpu{cpu}" / "topology" / name))
    return frozenset({cpu})


def cores(cpus: Path = CPUS) -> int | str:
    """Physical cores that are online, or "unknown"."""
    online = [int(path.parent.name.removeprefix("cpu")) for path in cpus.glob("cpu[0-9]*/topology")]
    return len({core_of(cpu, cpus) for cpu in online}) or "unknown"


def pinning_order(allowed: Iterable[int], first: int, cpus: Path = CPUS) -> list[int]:
    """The allowed logical processors: `first`, then one of each other core, then the siblings."""
    by_core: dict[frozenset[int], list[int]] = {}
    for cpu in sorted(allowed, key=lambda cpu: (cpu != first, -cpu)):
        by_core.setdefault(core_of(cpu, cpus), []).append(cpu)
    deepest = max(map(len, by_core.values()))
    return [core[rank] for rank in range(deepest) for core in by_core.values() if rank < len(core)]


def usable(choice: Choice) -> tuple[list[int], str]:
    """The processors for threads, all of one kind, in the order in which they are taken, and what limits their number,
    in words."""
    allowed, online = len(os.sched_getaffinity(0)), os.cpu_count() or 1
    order, granted = pinning_order(choice.alike, choice.cpu), control_groups.quota()
    limits = []
    if allowed < online:
        limits.append(f"the affinity mask allows {allowed} of {online} processors")
    if len(order) < allowed:
        limits.append(f"{allowed - len(order)} are of another kind ({choice.kind}s are measured)")
    if granted is not None and granted < len(order):
        limits.append(f"the control group grants the time of {granted:g}")
        order = order[: max(1, math.floor(granted))]
    return order, "; ".join(limits) or "none"


def counts(most: int) -> list[int]:
    """The numbers of threads to measure, up to `most`: each up to 8, then doubling, then all."""
    steps = {n for n in range(1, min(most, 8) + 1)}
    steps |= {1 << k for k in range(4, most.bit_length()) if 1 << k < most}
    return sorted({*steps, most})
