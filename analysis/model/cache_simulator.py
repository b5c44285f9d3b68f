"""The compiled simulator of cache hierarchies, as Python sees it, and the hierarchies of known machines.

Only what refreshes the recorded traffic needs it (`simulation`): predictions read that and need no compiler.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import cffi
import numpy as np
import numpy.typing as npt

from harness.record.errors import BadConfiguration
from harness.record.machines import UNKNOWN, KnownCache, Machine, load_machines

SOURCE = Path(__file__).with_suffix(".c")
HEADER = SOURCE.with_suffix(".h")
FLAGS = ("-std=gnu11", "-O3", "-Wall", "-Wextra", "-Wshadow")
LINE_BYTES = 64

Counts = npt.NDArray[np.uint64]
"""A struct traffic: as many numbers as COUNTERS has names, in lines."""

LEVELS = 3
COUNTERS = (
    *("load_l2_l1", "load_l3_l2", "load_memory"),
    *("allocate_l2_l1", "allocate_l3_l2", "allocate_memory"),
    *("clean_l1_l2", "clean_l2_l3", "clean_memory"),
    *("dirty_l1_l2", "dirty_l2_l3", "dirty_memory"),
    "non_temporal_memory",
)
"""What the numbers of a struct traffic are in a hierarchy of three levels: why a line moved, from where, to where."""


class Level(NamedTuple):
    """A struct level; `inclusion` is an enumerator of enum inclusion."""

    sets: int
    ways: int
    inclusion: str

    @property
    def lines(self) -> int:
        """How many lines it holds."""
        return self.sets * self.ways


def hierarchy(machine: Machine) -> tuple[Level, ...]:
    """The levels of a machine, L1 first.

    Where nothing but non-inclusive is known (all that CPUID tells), L2 is taken to be filled on the way, as Intel's is,
    and L3 to be a victim cache: of the processors here that are not told to be inclusive, every L3 is one. Raises
    BadConfiguration where ways are unknown or there are not three levels.
    """
    if [cache.level for cache in machine.caches] != [1, 2, LEVELS]:
        raise BadConfiguration(f"{machine.name}: the simulator needs the caches of levels 1, 2 and {LEVELS}")
    return tuple(_level(machine, known) for known in machine.caches)


def _level(machine: Machine, known: KnownCache) -> Level:
    if isinstance(known.ways, str) or known.bytes % (known.ways * LINE_BYTES):
        raise BadConfiguration(
            f"{machine.name}: caches: the ways of level {known.level} are unknown, or not of whole sets"
        )
    inclusions = {"inclusive": "INCLUSIVE", "victim": "VICTIM"}
    otherwise = "VICTIM" if known.level == LEVELS else "ON_THE_WAY"
    # Of the first level no file says anything.
    inclusion = inclusions.get(known.inclusion if known.level > 1 else UNKNOWN, otherwise)
    return Level(known.bytes // (known.ways * LINE_BYTES), known.ways, inclusion)


def known_hierarchies() -> dict[str, Machine]:
    """The machines, by name, whose files tell enough for `hierarchy`. Raises BadConfiguration for a bad file."""
    known = {}
    for name, machine in load_machines().items():
        try:
            hierarchy(machine)
        except BadConfiguration:
            continue
        known[name] = machine
    return known


def counts(*shape: int) -> Counts:
    """Zeros for `shape` times a struct traffic."""
    return np.zeros((*shape, len(COUNTERS)), np.uint64)


class Simulator:
    """The simulator in a shared library that was compiled from SOURCE with FLAGS."""

    def __init__(self, library: Path) -> None:
        """Loads it; the file is not needed any more then. Raises OSError where it can't be."""
        self.ffi = cffi.FFI()
        self.ffi.cdef(HEADER.read_text(encoding="utf-8"))
        self.lib: Any = self.ffi.dlopen(str(library))


class Hierarchy:
    """Simulated caches, empty at first; as a context, which frees their memory."""

    def __init__(self, simulator: Simulator, levels: Sequence[Level]) -> None:
        """Up to three levels, L1 first."""
        self._ffi, self._lib = simulator.ffi, simulator.lib
        described = [(level.sets, level.ways, getattr(self._lib, level.inclusion)) for level in levels]
        self._caches = self._lib.hierarchy_new(self._ffi.new("struct level[]", described), len(described))
        if self._caches == self._ffi.NULL:
            raise MemoryError

    def __enter__(self) -> Hierarchy:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lib.hierarchy_free(self._caches)

    def access(self, line: int, access: str, into: Counts) -> None:
        """One access to a line, of a kind of enum access. Adds the lines that it moves to `into`."""
        self._lib.hierarchy_access(self._caches, line, getattr(self._lib, access), self._traffic(into))

    def run(
        self, first_x: int, first_y: int, lines: int, moved: tuple[int, int, int], store: str, into: Counts
    ) -> None:
        """One pass over X and Y, so many lines from these first ones on.

        `moved` is whether it reads X, reads Y and writes Y; `store` is STORE or STORE_NT. Adds to `into`.
        """
        kind = getattr(self._lib, store)
        self._lib.hierarchy_pass(self._caches, first_x, first_y, lines, *moved, kind, self._traffic(into))

    def _traffic(self, into: Counts) -> Any:
        return self._ffi.from_buffer("struct traffic *", into, require_writable=True)
