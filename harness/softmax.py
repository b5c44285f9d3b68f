"""Softmax of an array by the project's kernels, outside any timing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.extensions import Host, Kernel

Vector = NDArray[np.float32]


def run_passes(host: Host, kernels: Sequence[Kernel], x: Vector, y: Vector) -> tuple[float, float]:
    """Runs the passes over x and y (float32, the same length, y may be x), whatever x holds. Denormals are flushed.

    Returns sum and reference of the last pass that has them (struct carry).
    """
    carry = host.ffi.new("struct carry *")
    host.lib.run_untimed(host.passes(kernels), len(kernels), carry, pointer(host, x), pointer(host, y), len(x))
    return carry.sum, carry.reference


def pointer(host: Host, array: Vector) -> Any:
    """The address of an array's first element, as a float pointer."""
    return host.ffi.cast("float *", array.ctypes.data)


def softmax(host: Host, kernels: Sequence[Kernel], x: Vector) -> Vector:
    """Softmax of x (float32, one dimension, at least one element) by the passes of one algorithm.

    Raises HarnessError where x leaves the kernels' domain: for an empty x, NaN, ±∞, or |x| above the smallest domain.
    """
    domain = min(kernel.domain for kernel in kernels)
    if x.ndim != 1 or x.size == 0:
        raise HarnessError(f"softmax takes a vector of at least one element, not an array of shape {x.shape}")
    if not np.abs(x).max() <= domain:  # also false for NaN
        raise HarnessError(f"softmax: an element of x leaves the kernels' domain, |x| <= {domain:.0f}")
    y = np.empty_like(x)
    run_passes(host, kernels, np.ascontiguousarray(x), y)
    return y
