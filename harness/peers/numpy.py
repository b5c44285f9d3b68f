"""NumPy: the three steps that a textbook has, each with its output given."""

from __future__ import annotations

import numpy as np

from harness.native.extensions import Host
from harness.peers import Prepared, Vectors, calling

TITLE = "NumPy"
PACKAGES = ("numpy",)
OUTPUT = "given"


def prepare(host: Host, vectors: Vectors, threads: int) -> Prepared:
    """NumPy uses one thread, however many there are."""
    x, outputs = vectors.x, vectors.outputs

    def call(place: int) -> None:
        y = outputs[place]
        np.subtract(x, x.max(), out=y)
        np.exp(y, out=y)
        np.divide(y, y.sum(), out=y)

    return calling(host, vectors, call)
