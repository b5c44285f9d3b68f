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
        return (topology / "physical_package_id").read_text(encoding="utf-8").strip(), (topology / "core_id").read_text(
            encoding="utf-8"
        ).strip()
    except OSError:
        return "", f"cpu{cpu}"


def quota(root: Path = CGROUP, own: Path = Path("/proc/self/cgroup")) -> int | None:
    """How many processors' time this process's control group, and those above it, grant: at least one; None where none
    sets a limit."""
    limits = []
    for folder in groups(root, own):
        try:
            granted, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        except (OSError, ValueError):
            try:  # version 1
                granted, period = (
                    (folder / f"cpu.cfs_{name}_us").read_text(encoding="utf-8") for name in ("quota", "period")
                )
            except OSError:
                continue
        if granted != "max" and int(granted) > 0:
            limits.append(max(1, math.floor(int(granted) / int(period))))
    return min(limits, default=None)


def groups(root: Path, own: Path) -> list[Path]:
    """The folders of this process's control group and of those above it, in versions 1 (cpu) and 2."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    found = [root, root / "cpu"]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "cpu", "cpu,cpuacct"):
            top = root / "cpu" if controllers else root
            parts = Path(path.lstrip("/")).parts
            found += [top.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
    return found


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
