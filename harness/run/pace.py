"""How fast this machine is at present, by a pass with exp."""

from __future__ import annotations

import time

import numpy as np

from harness.native.extensions import Host, Kernel
from harness.native.softmax import run_passes
from harness.record.isa import ISAS

# How the pace of a machine is taken: by the best of so many calls, and by what a call of many elements takes beyond one
# of few, since 15 us of every call are Python's, as much as 8,192 elements take. From SLOW on it is told and planned
# with: real machines take 0.3 to 1.3 times what is guessed.
PACE_CALLS, PACE_ELEMENTS, SLOW = 20, (64, 65_536), 3.0


def slowness(host: Host, kernel: Kernel) -> float:
    """How many times as long as guessed a pass with exp takes in cache, so that an emulated machine is slow too; 1
    below SLOW, as every real one is.

    Of several calls the best, so that a moment in which others use the machine does not choose the plan: two runs of
    one machine are to have the same.
    """
    few, many = (min(_pass_seconds(host, kernel, n) for _ in range(PACE_CALLS)) for n in PACE_ELEMENTS)
    elements = PACE_ELEMENTS[1] - PACE_ELEMENTS[0]
    found = (many - few) / (ISAS[kernel.isa].exp_nanoseconds * elements / 1e9)
    return found if found >= SLOW else 1.0


def _pass_seconds(host: Host, kernel: Kernel, elements: int) -> float:
    x = np.zeros(elements, np.float32)
    began = time.monotonic()
    run_passes(host, [kernel], x, x)
    return time.monotonic() - began
