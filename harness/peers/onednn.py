"""oneDNN's softmax primitive, which the paper's authors added to their own benchmark, by its C API: no Python between.

It comes from PyPI, built with GNU OpenMP, since a lock can pin that by its hash; Debian 12's libdnnl-dev is older.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.native import build
from harness.native.extensions import Host, load
from harness.native.softmax import pointer
from harness.peers import Prepared, Vectors, algorithm_of

TITLE = "oneDNN"
PACKAGES = build.ONEDNN_PACKAGES
OUTPUT = "given"
# Places in a page, away from its end, and how each is tried: 10 ms in all.
STACKS, TRIES, TRIED_ELEMENTS, TRIED_CALLS = (1024, 1040, 1056, 1072), 10, 4096, 100


def prepare(host: Host, vectors: Vectors, threads: int) -> Prepared:
    """A primitive for one vector of this length, made for so many threads."""
    from threadpoolctl import threadpool_limits

    extension = load(host.folder, host.compiler, build.ONEDNN)
    threadpool_limits(threads, user_api="openmp")
    stack = _best_stack(host.folder, host.compiler)
    algorithm = _primitive(host, extension, len(vectors.x))
    extension.lib.onednn_stack(stack)
    return Prepared(algorithm, kept=[extension], status=extension.lib.onednn_failure)


def _primitive(host: Host, extension: Any, elements: int) -> Any:
    """oneDNN's softmax of so many elements, as the timed loop takes it (struct algorithm *). Raises RuntimeError where
    it makes none."""
    kernel = extension.ffi.new("const struct kernel **")
    if status := extension.lib.onednn_prepare(elements, kernel):
        raise RuntimeError(f"oneDNN makes no softmax of {elements} elements: status {status}")
    address = int(extension.ffi.cast("uintptr_t", kernel[0]))
    return algorithm_of(host, host.ffi.cast("const struct kernel *", address))


def version(host: Host) -> str:
    """The library's own, which the package's (a year) hides."""
    extension = load(host.folder, host.compiler, build.ONEDNN)
    return extension.ffi.string(extension.lib.onednn_version()).decode()


@cache
def _best_stack(folder: Path, compiler: str) -> int:
    """Where the stack has to lie for oneDNN to be at its best: a few places are tried, once in a process."""
    extension, host = load(folder, compiler, build.ONEDNN), Host(folder, compiler)
    x, y = np.zeros(TRIED_ELEMENTS, np.float32), np.empty(TRIED_ELEMENTS, np.float32)
    try:
        algorithm = _primitive(host, extension, TRIED_ELEMENTS)
    except RuntimeError:
        return STACKS[0]
    repetition = host.repetition("warm", TRIED_CALLS, TRIED_CALLS)
    pointers = {"x": pointer(host, x), "outputs": pointer(host, y)}
    operands = host.ffi.new("struct operands *", {**pointers, "output_stride": len(y), "output_count": 1})
    times: dict[int, int] = {}
    for stack in STACKS * TRIES:
        extension.lib.onednn_stack(stack)
        nanoseconds = host.ffi.new("int64_t *")
        host.lib.time_calls(algorithm, operands, len(x), repetition, nanoseconds)
        if nanoseconds[0] > 0:
            times[stack] = min(nanoseconds[0], times.get(stack, nanoseconds[0]))
    return min(times, key=times.__getitem__, default=STACKS[0])
