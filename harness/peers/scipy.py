"""SciPy's special.softmax, which has no way to be given an output."""

from __future__ import annotations

import numpy as np

from harness.native.extensions import Host
from harness.peers import Prepared, Vectors, calling

TITLE = "SciPy"
PACKAGES = ("scipy",)
OUTPUT = "allocated"


def prepare(host: Host, vectors: Vectors, threads: int) -> Prepared:
    """SciPy uses one thread, however many there are. Its result is made and given up in each call."""
    from scipy.special import softmax

    x = vectors.x

    def call(place: int) -> np.ndarray:
        return softmax(x)

    return calling(host, vectors, call)
