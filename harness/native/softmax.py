"""Softmax of an array by the project's kernels, outside any timing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.native.extensions import Host, Kernel
from harness.record.errors import HarnessError, one_line

Vector = NDArray[np.float32]


def run_passes(host: Host, kernels: Sequence[Kernel], x: Vector, y: Vector) -> tuple[float, float]:
    """Runs the passes over x and y (float32, the same length, y may be x), whatever x holds. Denormals are flushed.

    Returns sum and reference of the last pass that has them (struct carry). Raises HarnessError as `pointer` does, and
    for a y that is of another length, read-only, or x displaced.
    """
    read, written = pointer(host, x), pointer(host, y)
    if len(x) != len(y):
        raise HarnessError(f"y has {len(y)} elements, x {len(x)}; both take the same number")
    if not y.flags.writeable:
        raise HarnessError("y is read-only; give an array that can be written")
    if read != written and np.may_share_memory(x, y):
        raise HarnessError("x and y overlap; give y memory of its own, or x itself")
    carry = host.carry(len(x))
    host.lib.run_untimed(host.algorithm(kernels), carry, read, written, len(x))
    return carry.sum, carry.reference


def results_of(host: Host, kernels: Sequence[Kernel], x: Vector) -> Vector:
    """What `run_passes` writes for x, as a new array; NaN what no pass writes, which so can't look like a result."""
    y = np.full_like(x, np.nan, subok=False)
    run_passes(host, kernels, x, y)
    return y


def pointer(host: Host, array: Vector) -> Any:
    """The address of an array's first element, as a float pointer.

    Raises HarnessError unless that is what a kernel can read: one dimension of float32 in this machine's byte order,
    element beside element.
    """
    kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
    # Equal only in the machine's byte order.
    if isinstance(kind, str) or kind != np.float32 or isinstance(array, np.ma.MaskedArray):
        raise HarnessError(f"kernels read arrays of float32, not {kind}; `softmax` converts")
    if array.ndim != 1 or not array.flags.c_contiguous or not array.flags.aligned:
        raise HarnessError("kernels read one dimension of neighbouring elements; np.ascontiguousarray makes a copy")
    return host.ffi.cast("float *", array.ctypes.data)


@np.errstate(all="ignore")  # too large is ∞, which is outside of every domain, and too small is 0
def as_vector(x: ArrayLike) -> Vector:
    """x as a vector of float32 that kernels can read, rounded where x is finer; x itself where it is one.

    Raises HarnessError for what is no vector of real numbers, or has none.
    """
    if any(isinstance(part, np.ma.MaskedArray) for part in (x, *(x if isinstance(x, list | tuple) else ()))):
        raise HarnessError("softmax takes no masked array; fill it first, x.filled(...)")
    try:
        given = np.asarray(x)
    except Exception as error:  # rows of different lengths, memory of another device, whatever an __array__ raises
        raise HarnessError(f"softmax takes a vector of numbers: {one_line(error)}") from error
    if given.dtype.kind not in "fiub":
        raise HarnessError(f"softmax takes real numbers, not an array of {given.dtype}")
    if given.ndim != 1 or given.size == 0:
        raise HarnessError(f"softmax takes a vector of at least one element, not an array of shape {given.shape}")
    return np.require(given, np.float32, ["C", "A"])


def softmax(host: Host, kernels: Sequence[Kernel], x: ArrayLike) -> Vector:
    """Softmax of x (one dimension of numbers, at least one) in float32, by the passes of one algorithm.

    Raises HarnessError for an x that `as_vector` refuses, and where x leaves the kernels' domain: for NaN, ±∞, or |x|
    above the smallest domain; also without kernels.
    """
    if not kernels:
        raise HarnessError("softmax: no kernels are given; give the passes of one algorithm")
    vector = as_vector(x)
    domain = min(kernel.domain for kernel in kernels)
    if not np.abs(vector).max() <= domain:  # also false for NaN
        raise HarnessError(f"softmax: an element of x leaves the kernels' domain, |x| <= {domain:.0f}")
    return results_of(host, kernels, vector)
