"""The same for each of many, by as many processes as there are processors to use."""

import gc
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


_work: tuple[Callable[[Any], Any], Sequence[Any]]
"""Of a process that helps: what it makes, and of what."""


def each(make: Callable[[Given], Made], those: Sequence[Given], at_least: int = 1) -> list[Made]:
    """What is made of each, in their order; they are begun in it too. What `make` raises is raised here. Processes
    inherit what this one knows, `make` and `those` as well: only what is made is sent, so it has to be picklable. For
    fewer than `at_least` so many no process is worth its start."""
    processes = min(len(os.sched_getaffinity(0)), len(those) // at_least)
    if processes < 2:
        return list(map(make, those))
    with ProcessPoolExecutor(processes, get_context("fork"), _begin, (make, those)) as pool:
        return list(pool.map(_made, range(len(those))))


def _begin(*work: Any) -> None:
    global _work
    _work = work
    # An interrupt is for the process that asked: the others end with what they are at.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What was inherited stays: to look for garbage in it again and again is a twentieth of the time.
    gc.freeze()


def _made(place: int) -> Any:
    make, those = _work
    return make(those[place])
