"""The lines that passes move between the caches of every known machine, simulated under the timed loop's protocols.

Nothing is measured: a simulated core makes the accesses of a pass, one for each line and stream, in their order. Real
caches replace lines less strictly than the least recently used first, so that steps at their sizes are rounder, and
prefetch, which moves lines earlier but hardly more of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.model.cache_simulator import COUNTERS, LINE_BYTES, Hierarchy, Level, Simulator, counts
from analysis.model.traffic import KEYS, MOVED
from harness.record.caches import FLOAT_BYTES

FLOATS_PER_LINE = LINE_BYTES // FLOAT_BYTES
# Longer vectors than so many times what all caches hold are extended, not simulated.
LONGEST, REFERENCE = 2.0, 1.5
COUNTED = 3

Pass = tuple[tuple[int, int, int], str]
"""Whether it reads X, reads Y and writes Y, and with which kind of store."""

Contender = tuple[str, str, Mapping[str, Pass]]
"""Cache state, algorithm, and its passes by name, in their order."""


@dataclass(frozen=True)
class Core:
    """A core to be simulated: its caches, and where its vectors lie."""

    simulator: Simulator
    levels: tuple[Level, ...]
    places: Callable[[int], tuple[int, int]]
    """For a length in elements: how many bytes behind the start of X the first output lies, and how many outputs there
    are in rotation, line by line behind each other."""

    @property
    def lines(self) -> int:
        """How many lines its caches hold, counted once for each level that has them."""
        return sum(level.lines for level in self.levels)


def simulate(
    core: Core, passes: Sequence[Pass], elements: int, cache_state: str, fill: int = 1
) -> npt.NDArray[np.float64]:
    """Lines that each pass moves in one call of all of them over `elements`, in a steady state: passes × COUNTERS.

    As in timed_loop.c, `paper` reads X before each call and then takes the next output in rotation; `warm` takes the
    same output. Before anything is counted, calls write `fill` times as many lines as
    all caches hold: what was there before is then gone. In rotation as many calls again are counted, or COUNTED, since
    by the sets in which an output meets X write-backs differ from call to call.
    """
    outputs_at, outputs = core.places(elements)
    lines = math.ceil(elements / FLOATS_PER_LINE)
    filling = math.ceil(fill * core.lines / lines)
    outputs, counted = (outputs, max(filling, COUNTED)) if cache_state == "paper" else (1, 1)
    found, uncounted = counts(len(passes)), counts()
    with Hierarchy(core.simulator, core.levels) as caches:
        for call in range(filling + counted):
            y = outputs_at // LINE_BYTES + call % outputs * lines
            if cache_state == "paper":
                caches.run(0, y, lines, (1, 0, 0), "STORE", uncounted)
            for into, (streams, store) in zip(found, passes, strict=True):
                caches.run(0, y, lines, streams, store, into if call >= filling else uncounted)
    return found / counted


# The references of all longer lengths are asked for again and again.
_simulated = cache(simulate)


def lines_moved(core: Core, passes: tuple[Pass, ...], elements: int, cache_state: str) -> npt.NDArray[np.float64]:
    """The same at any length.

    Once X alone is more than all caches hold, nothing of a pass is left for the next but the last lines that it
    touched: as many for any length, and evicted before they are touched again. So what a call moves is a straight line
    over its length, and beyond LONGEST times what all caches hold it is drawn through two shorter lengths, both of
    whole rounds over the sets, so that X and Y meet in the same ones.
    """
    round_ = math.lcm(*(level.sets for level in core.levels))
    reference, longest = (math.ceil(f * core.lines / round_) * round_ * FLOATS_PER_LINE for f in (REFERENCE, LONGEST))
    if elements <= longest:
        return simulate(core, passes, elements, cache_state)
    near, far = (_simulated(core, passes, n, cache_state) for n in (reference, longest))
    return far + (far - near) * (elements - longest) / (longest - reference)


def table(machine: str, core: Core, contenders: Sequence[Contender], lengths: Iterable[int]) -> pd.DataFrame:
    """The traffic of every contender at these lengths, with the columns that `analysis.model.traffic` describes."""
    rows: list[tuple[object, ...]] = []
    for elements in lengths:
        for state, algorithm, passes in contenders:
            per_line = lines_moved(core, tuple(passes.values()), elements, state) / math.ceil(
                elements / FLOATS_PER_LINE
            )
            rows += [
                (machine, state, algorithm, name, elements, *one) for name, one in zip(passes, per_line, strict=True)
            ]
    return pd.DataFrame(rows, columns=[*KEYS, *COUNTERS]).round(4)[[*KEYS, *MOVED]]
