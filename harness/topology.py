"""Which logical processors threads may be pinned to, and in which order."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
CGROUP = Path("/sys/fs/cgroup")


def core_of(cpu: int, cpus: Path = CPUS) -> tuple[str, str]:
    """Package and core of a logical processor; where the system does not tell, each is taken for a core of its own."""
    topology = cpus / f"cpu{cpu}" / "topology"
    try:
        return (topology / "physical_package_id").read_text().strip(), (topology / "core_id").read_text().strip()
    except OSError:
        return "", f"cpu{cpu}"


def quota(cgroup: Path = CGROUP) -> int | None:
    """How many processors' time the control group grants, at least one; None where it sets no limit."""
    try:
        granted, period = (cgroup / "cpu.max").read_text().split()
        return None if granted == "max" else max(1, math.floor(int(granted) / int(period)))
    except (OSError, ValueError):
        pass
    try:  # version 1
        granted, period = ((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return None if int(granted) < 0 else max(1, math.floor(int(granted) / int(period)))
    except (OSError, ValueError):
        return None


def pinning_order(allowed: Iterable[int], first: int, cpus: Path = CPUS) -> list[int]:
    """The allowed logical processors: `first`, then one of each other core, then the siblings."""
    by_core: dict[tuple[str, str], list[int]] = {}
    for cpu in sorted(allowed, key=lambda cpu: (cpu != first, -cpu)):
        by_core.setdefault(core_of(cpu, cpus), []).append(cpu)
    deepest = max(map(len, by_core.values()))
    return [core[rank] for rank in range(deepest) for core in by_core.values() if rank < len(core)]


def usable(first: int) -> tuple[list[int], str]:
    """The processors for threads, in the order in which they are taken, and what limits their number, in words."""
    allowed, online = os.sched_getaffinity(0), os.cpu_count() or 1
    order, granted = pinning_order(allowed, first), quota()
    limits = []
    if len(allowed) < online:
        limits.append(f"the affinity mask allows {len(allowed)} of {online} processors")
    if granted is not None and granted < len(order):
        limits.append(f"the control group grants the time of {granted}")
        order = order[:granted]
    return order, "; ".join(limits) or "none"


def counts(most: int) -> list[int]:
    """The numbers of threads to measure, up to `most`: each up to 8, then doubling, then all."""
    steps = {n for n in range(1, min(most, 8) + 1)}
    steps |= {1 << k for k in range(4, most.bit_length()) if 1 << k < most}
    return sorted({*steps, most})
