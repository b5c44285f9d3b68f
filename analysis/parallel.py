"""The same for each of many, by as many processes as there are processors to use."""

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def each(make: Callable[[Given], Made], those: Sequence[Given]) -> list[Made]:
    """What is made of each, in their order. What `make` raises is raised here."""
    processes = min(len(os.sched_getaffinity(0)), len(those))
    if processes < 2:
        return list(map(make, those))
    # An interrupt is for this process: the others end with what they are at.
    ignoring = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    with ProcessPoolExecutor(processes, get_context("fork"), **ignoring) as pool:
        return list(pool.map(make, those))
