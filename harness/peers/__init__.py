"""Softmax by other libraries, measured as ours is: each file here is one library, under the name that its rows have.

A file says TITLE, PACKAGES (what must be installed; the first one's version is told), OUTPUT ("given", or "allocated"
where the library makes a new array in each call) and prepare(host, vectors, threads), which returns the library as a
kernel for the timed loop.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib import import_module, metadata
from itertools import cycle
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from harness.machine import processes
from harness.native.clock import Clock, unusable
from harness.native.extensions import Host
from harness.native.softmax import pointer
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import HarnessError, one_line
from harness.record.run import Library, Peers, Skipped

RUN_TYPE = "void (*)(const float *, float *, struct carry *, size_t)"
# A sample of the empty call; of several the fastest counts.
EMPTY_CALLS, EMPTY_SAMPLES, LEAST_CALL_NANOSECONDS = 1000, 20, 200
# Of a library on trial: imported from a slow disk it takes half a minute.
TRIAL_SECONDS = 120.0


@dataclass
class Vectors:
    """The operands of a question as arrays: `x`, and the outputs in rotation, each of shape (elements,)."""

    x: np.ndarray
    outputs: list[np.ndarray]
    operands: Any
    """struct operands *: its next_output is the place of the output whose turn it is."""
    turns: bool
    """False: every call has the same output, the only one in `outputs`."""


@dataclass
class Prepared:
    """A library as the timed loop takes it."""

    algorithm: Any
    """struct algorithm * of one pass."""
    call: Callable[[int], Any] | None = None
    """What the kernel calls, where that is Python."""
    errors: list[BaseException] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)
    """What the kernel needs as long as it is called."""
    status: Callable[[], int] = int
    """0 unless a call has failed that goes past Python."""

    def check(self) -> None:
        """Raises HarnessError where a call has failed."""
        if self.status():
            raise HarnessError(f"a peer failed with status {self.status()}")
        if self.errors:
            raise HarnessError(f"a peer failed: {type(self.errors[0]).__name__}: {self.errors[0]}")


def names() -> list[str]:
    """Every library that there is a file for, sorted."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))


def module(name: str) -> ModuleType:
    """The file of a library."""
    return import_module(f"{__name__}.{name}")


def check_names(wanted: Sequence[str]) -> None:
    """Raises HarnessError for a library that there is no file for."""
    for name in wanted:
        if name not in names():
            raise HarnessError(f"peers: {name!r} is not one of {', '.join(names())}")


def find(wanted: Sequence[str]) -> tuple[dict[str, Library], list[Skipped]]:
    """Those of the libraries that are installed, and what is skipped with the reason. Nothing of them is loaded."""
    found, skipped = {}, []
    for name in wanted:
        its = module(name)
        lacking = [package for package in its.PACKAGES if not _version(package)]
        if lacking:
            skipped.append(Skipped(f"peer {name}", f"not installed: {', '.join(lacking)}"))
        else:
            found[name] = Library(its.TITLE, _version(its.PACKAGES[0]) or "unknown", its.OUTPUT)
    return found, skipped


def working(host: Host, found: Mapping[str, Library]) -> tuple[dict[str, Library], list[Skipped]]:
    """Those of the installed libraries that give a softmax here, with the version that they tell themselves, and what
    is skipped with the reason. Each is tried in a process of its own, which it may take down."""
    works, skipped = {}, []
    for name, library in found.items():
        job = {"folder": str(host.folder.resolve()), "compiler": host.compiler, "name": name}
        deadline = time.monotonic() + TRIAL_SECONDS
        try:
            if not (answers := [*processes.ask("harness.peers._trial", job, "its process", deadline)]):
                raise HarnessError("its process ended without an answer")
        except HarnessError as error:
            skipped.append(Skipped(f"peer {name}", f"installed, but {error}"))
        else:
            works[name] = replace(library, version=answers[0]["version"] or library.version)
    return works, skipped


def usable(host: Host, wanted: Sequence[str]) -> tuple[Peers, list[Skipped]]:
    """What a run says of the libraries that it measures, which are installed and work, and what is skipped with the
    reason."""
    found, lacking = find(wanted)
    works, broken = working(host, found)
    return Peers(empty_call_nanoseconds(host), works) if works else Peers(), [*lacking, *broken]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def prepare(host: Host, name: str, vectors: Vectors, cpus: Sequence[int]) -> Prepared:
    """A library, ready for calls with these operands by as many threads as there are `cpus`, of which the first is this
    thread's. It has been called once, so that its threads exist: each then stays on a processor of its own, as ours do.

    Raises HarnessError where the library can't be loaded or refuses the vector.
    """
    operands = vectors.operands
    with _on(cpus):
        try:
            prepared = module(name).prepare(host, vectors, len(cpus))
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            raise HarnessError(f"{name} can't be used: {one_line(error) or type(error).__name__}") from error
        prepared.kept.append(vectors)
        output = operands.outputs + operands.next_output * operands.output_stride
        carry = host.ffi.new("struct carry *")
        host.lib.run_untimed(prepared.algorithm, carry, operands.x, output, len(vectors.x))
        prepared.check()
    return prepared


def softmax(host: Host, name: str, x: np.ndarray) -> np.ndarray:
    """Softmax of x (float32, shape (elements,)) by a library, on this thread's processors. Raises HarnessError."""
    y = np.full_like(x, np.nan)
    operands = {"x": pointer(host, x), "outputs": pointer(host, y), "output_count": 1}
    made = host.ffi.new("struct operands *", {**operands, "output_stride": len(x), "next_output": 0})
    prepared = prepare(host, name, vectors_of(host, made, len(x), False), [min(os.sched_getaffinity(0))])
    return prepared.call(0) if prepared.call and module(name).OUTPUT == "allocated" else y


def calling(host: Host, vectors: Vectors, call: Callable[[int], Any]) -> Prepared:
    """A kernel that calls `call` with the place of its output in vectors.outputs."""
    prepared = Prepared(None, call)
    operands, turns = vectors.operands, vectors.turns

    def run(x: Any, y: Any, carry: Any, n: int) -> None:
        call(operands.next_output if turns else 0)

    def failed(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
        prepared.errors.append(error)

    callback = host.ffi.callback(RUN_TYPE, run, onerror=failed)
    kernel = host.ffi.new("struct kernel *", {"run": callback})
    prepared.algorithm = algorithm_of(host, kernel)
    prepared.kept += [callback, kernel]
    return prepared


def algorithm_of(host: Host, kernel: Any) -> Any:
    """struct algorithm * of one pass, a struct kernel *, which lives as long as somebody keeps it."""
    return host.ffi.new("struct algorithm *", {"passes": [kernel], "pass_count": 1})


def empty_call_nanoseconds(host: Host) -> float:
    """What the way into Python and back costs each call of a library that has a Python interface, in nanoseconds."""
    operands = host.ffi.new("struct operands *", {"output_count": 1})
    empty = calling(host, Vectors(np.empty(0, np.float32), [], operands, False), lambda place: None)
    times, clock = [], Clock(host)
    calls = max(EMPTY_CALLS, math.ceil(clock.shortest / LEAST_CALL_NANOSECONDS))
    repetition = host.repetition("warm", calls, calls)
    for _ in range(EMPTY_SAMPLES):
        nanoseconds = host.ffi.new("int64_t *")
        host.lib.time_calls(empty.algorithm, operands, 0, repetition, nanoseconds)
        times.append((nanoseconds[0] - clock.overhead) / calls)
    if not (possible := [time for time in times if time > 0]):
        raise HarnessError(unusable())
    return round(min(possible), 1)


def vectors_of(host: Host, operands: Any, elements: int, turns: bool) -> Vectors:
    """The operands of so many elements as arrays; outputs take turns, or are always the same."""

    def array(start: Any) -> np.ndarray:
        return np.frombuffer(host.ffi.buffer(start, elements * FLOAT_BYTES), np.float32)

    places = range(operands.output_count) if turns else [operands.next_output]
    outputs = [array(operands.outputs + place * operands.output_stride) for place in places]
    return Vectors(array(operands.x), outputs, operands, turns)


@contextmanager
def _on(cpus: Sequence[int]) -> Iterator[None]:
    """Lets threads that are started meanwhile have these processors, then keeps each of them on one; this thread stays
    where it was."""
    before, known = os.sched_getaffinity(0), _threads()
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        for thread, cpu in zip(sorted(_threads() - known), cycle(cpus[1:] or cpus), strict=False):
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setaffinity(thread, {cpu})
        os.sched_setaffinity(0, before)


def _threads() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/task")}
