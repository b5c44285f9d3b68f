"""What the control groups of this process, and those above them, grant of processor time and of memory: version 1 or 2,
or both at once as hybrid set-ups have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from harness.machine.system import read

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
USED = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
"""The files of a limit of memory and of what is used of it, in version 2 and 1."""


def folders(controller: str, root: Path = ROOT, own: Path = OWN) -> list[Path]:
    """The folders of this process's groups that may limit what the controller (cpu, memory) hands out, and of all above
    them. Some may not exist."""
    second = [root, root / "unified"]
    # Controllers that are mounted together may stand in either order, in the folder's name and in the process's list.
    first = [path for path in _entries(root) if controller in path.name.split(",")]
    found = [*second, *first]
    for line in read(own).splitlines():
        _, _, rest = line.partition(":")
        controllers, separator, path = rest.partition(":")
        parts = Path(path).parts[1:]
        # A path that leads out of the process's own view of the groups can't be followed.
        if separator and ".." not in parts and (not controllers or controller in controllers.split(",")):
            tops = first if controllers else second
            found += [top.joinpath(*parts[:depth]) for top in tops for depth in range(1, len(parts) + 1)]
    return found


def memory_limit(root: Path = ROOT, own: Path = OWN) -> int | None:
    """The smallest limit in bytes, None where there is none."""
    return min((limit for limit, _ in _memory(root, own)), default=None)


def memory_left(root: Path = ROOT, own: Path = OWN) -> int | None:
    """What the limits leave beside what is used, in bytes, None where there is none."""
    return min((max(0, limit - used) for limit, used in _memory(root, own)), default=None)


def _memory(root: Path, own: Path) -> Iterator[tuple[int, int]]:
    """Each limit, and what counts against it, without copies of files that nobody has used lately: they make room."""
    for folder, (most, used) in product(folders("memory", root, own), USED):
        if limit := _number(read(folder / most)):
            # In version 1 the total is that of the groups below as well, as what is used is.
            idle = re.findall(r"^(?:total_)?inactive_file ([0-9]{1,20})$", read(folder / "memory.stat"), re.MULTILINE)
            yield limit, (_number(read(folder / used)) or 0) - max(map(int, idle), default=0)


def quota(root: Path = ROOT, own: Path = OWN) -> float | None:
    """How many processors' time the smallest limit grants, None where there is none."""
    shares = []
    for folder in folders("cpu", root, own):
        words = read(folder / "cpu.max").split() or [
            read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")
        ]
        granted, period = map(_number, words) if len(words) == 2 else (None, None)
        if granted and period:
            shares.append(granted / period)
    return min(shares, default=None)


def _number(text: str) -> int | None:
    """A number above zero; None for max, -1 (no limit in version 1), and what makes no sense."""
    found = re.fullmatch("[0-9]{1,20}", text)
    return int(found[0]) or None if found else None


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
