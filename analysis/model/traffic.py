"""Lines that the passes of a call move between caches, by reuse distance: a line that was touched before is still in a
cache that replaces the least recently used ones where fewer other lines than it holds were touched since.

A pass walks X, Y or both from end to end, so what lies between two touches of a line is a straight line over its place
(0 first, 1 last), and a few places stand for all. Sets, by which steps are rounder, and prefetch are left out.
"""

from collections.abc import Sequence
from itertools import compress

import numpy as np

from harness.record.caches import FLOAT_BYTES
from harness.record.run import Pass

LINE_BYTES = 64
MEMORY = "memory"
LEVELS: tuple[int | str, ...] = (2, 3, MEMORY)  # where the lines that L1 lacks come from
Vectors = frozenset[str]
PLACES = (np.arange(32) + 0.5) / 32
CALLS = 3  # one before that which is counted, and one after


def moved(passes: Sequence[Pass], elements: np.ndarray, caches: Sequence[float], rotating: bool) -> np.ndarray:
    """Lines for each line of X that the passes of a call over so many elements move in a steady state: shape (passes;
    read, allocated to be overwritten, and written; LEVELS; lengths). `caches`: bytes of L1, L2 and L3, of L3 the mean
    over all sizes that are given. `rotating`: X is read before each call and Y is a vector that no cache has, as in the
    paper's protocol; otherwise the same X and Y each time."""
    lines = np.ceil(np.asarray(elements) * FLOAT_BYTES / LINE_BYTES)[:, None]
    first, second, *sizes = np.divide(caches, LINE_BYTES)
    counts = np.mean([_crossing(passes, lines, (first, second, third), rotating) for third in sizes], axis=0)
    # Of the lines that cross the boundary above each level, those that cross no further one.
    return np.maximum(0, -np.diff(counts, axis=2, append=0)).swapaxes(0, 1)


def _crossing(passes: Sequence[Pass], lines: np.ndarray, held: Sequence[float], rotating: bool) -> np.ndarray:
    """Lines of X's that cross each boundary: shape (read, allocated and written; passes; boundaries; lengths)."""
    call = [*([Pass(1, 0, 0)] if rotating else []), *passes]
    moves = [(walk.reads_x, walk.reads_y or (walk.writes_y and not walk.non_temporal)) for walk in call]
    output = [f"Y{k}" if rotating else "Y" for k in range(CALLS)]
    walks = [frozenset(compress(("X", y), of)) for y in output for of in moves]
    read, allocated, written = counts = np.zeros((3, len(call), len(held), len(lines)))
    room = np.reshape(held, (-1, 1, 1))
    for place, walk in enumerate(call):
        now = len(call) + place
        for vector in walks[now]:
            before = next((i for i in reversed(range(now)) if vector in walks[i]), None)
            others = np.inf if before is None else _between(walks[before], walks[before + 1 : now], walks[now])
            count = read if vector == "X" or walk.reads_y else allocated
            count[place] += (lines * others > room).mean(axis=2)
            if vector != "X" and any(earlier.writes_y for earlier in call[: place + 1]):
                _write_back(walks, (now, vector), lines, room, written)
        if walk.writes_y and walk.non_temporal:
            written[place] += 1
    return counts[:, len(call) - len(passes) :]


def _between(first: Vectors, between: Sequence[Vectors], last: Vectors) -> np.ndarray:
    """How many other lines are touched between two touches of one at each of PLACES, in lengths of a vector."""
    within: Vectors = frozenset().union(*between)
    return len(within) + (1 - PLACES) * len(first - within) + PLACES * len(last - within)


def _write_back(
    walks: Sequence[Vectors], touch: tuple[int, str], lines: np.ndarray, room: np.ndarray, into: np.ndarray
) -> None:
    """Adds a changed vector's lines to the pass of a call that drives each of them out of a cache, if any does before
    they are touched again. In rotation only the first pass that touches a Y brings new lines, call after call."""
    (now, vector), stays, call = touch, np.ones((*into.shape[1:], len(PLACES)), bool), len(into)
    for later in range(now, len(walks)):
        again = later > now and vector in walks[later]
        ends = (walks[now + 1 : later], walks[later]) if again else (walks[now + 1 : later + 1], frozenset())
        out = stays & (lines * _between(walks[now], *ends) > room)
        into[later % call] += out.mean(axis=2)
        stays &= ~out
        if again:
            return
    into[next(i for i in range(call) if walks[i] - {"X"})] += stays.mean(axis=2)
