"""`python -m harness.peers FOLDER COMPILER NAME`: whether a library gives a softmax, and its version."""

import sys
from pathlib import Path

import numpy as np

from harness import peers
from harness.errors import HarnessError
from harness.extensions import Host

LARGEST_ERROR = 1e-4


def main(folder: str, compiler: str, name: str) -> None:
    """Ends with one line on standard error where it does not."""
    host, its = Host(Path(folder), compiler), peers.module(name)
    x = np.random.default_rng(1).uniform(-10, 10, 1000).astype(np.float32)
    expected = np.exp(x.astype(np.float64) - x.max())
    try:
        error = np.abs(peers.softmax(host, name, x) / (expected / expected.sum()) - 1).max()
    except HarnessError as failure:
        sys.exit(str(failure))
    if not error <= LARGEST_ERROR:
        sys.exit(f"its softmax is off by {error:.2g}")
    print(its.version(host) if hasattr(its, "version") else "")


if __name__ == "__main__":
    main(*sys.argv[1:])
