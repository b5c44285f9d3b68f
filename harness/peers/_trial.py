"""Whether a library gives a softmax, and its version: asked in a process of its own, which it may take down."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from harness import peers
from harness.machine.processes import tell
from harness.native.extensions import Host
from harness.record.errors import HarnessError

LARGEST_ERROR = 1e-4


def main(job: Mapping[str, str]) -> None:
    """Tells the version ("" where the library has none of its own) of the library `name`, with the host part of a
    folder and compiler. Raises HarnessError where it gives no softmax."""
    host, its = Host(Path(job["folder"]), job["compiler"]), peers.module(job["name"])
    x = np.random.default_rng(1).uniform(-10, 10, 1000).astype(np.float32)
    expected = np.exp(x.astype(np.float64) - x.max())
    error = np.abs(peers.softmax(host, job["name"], x) / (expected / expected.sum()) - 1).max()
    if not error <= LARGEST_ERROR:
        raise HarnessError(f"its softmax is off by {error:.2g}")
    tell(version=its.version(host) if hasattr(its, "version") else "")
