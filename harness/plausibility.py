"""Whether a run's rows are physically possible: what nobody has measured is not adopted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis import exactness
from analysis.experiments import is_too_fast
from analysis.machines import LARGEST_GIGAHERTZ
from harness.errors import HarnessError
from harness.speed_limits import SPEED_MARGIN, least, peak_gb_per_second

if TYPE_CHECKING:
    import pandas as pd


ROWS = "samples.csv.gz"


def check_rows(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError for the rows of a run that are faster than possible.

    `rows` and `info` are samples.csv and run.json as analysis.rows loads them.
    """
    check_accuracy(info)
    check_speed(rows, info)
    check_memory(rows, info)


def check_accuracy(info: Mapping[str, Any]) -> None:
    """Raises HarnessError where the results that run.json tells of are wrong."""
    if found := exactness.faults(info):
        raise HarnessError(f"run.json: {found[0]}")


def check_speed(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError for a sample that is faster than its core's loads and stores allow, unless it was flagged as
    such when it was taken: then it is never used.

    Cycles are counted by the faster of the sample's own clock canary and the fastest of the run, since an interrupted
    canary shows too slow a clock.
    """
    canary = info["canary"]
    clock = canary["clock_adds"] / rows["clock_nanoseconds"].clip(upper=canary["clock_nanoseconds"])  # gigahertz
    if clock.max() > LARGEST_GIGAHERTZ:
        raise HarnessError(f"{ROWS}, line {clock.idxmax() + 2}: a clock of {clock.max():.3g} GHz is not possible")
    excess = _least(rows, info).map(lambda its: its.cycles) * rows["calls"] / (rows["nanoseconds"] * clock)
    excess = excess.where(~is_too_fast(rows), 0)
    if excess.max() > SPEED_MARGIN:
        row = int(excess.idxmax())
        raise HarnessError(
            f"{ROWS}, line {row + 2}, nanoseconds: {rows['nanoseconds'][row]} is faster than possible: "
            f"{excess[row]:.3g} times what {rows['isa'][row]} can load and store"
        )


def check_memory(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError for a sample that moved more data than its machine's memory can, unless it was flagged so."""
    peak = peak_gb_per_second(info["machine"]["name"])
    gb_per_second = _least(rows, info).map(lambda its: its.bytes) * rows["calls"] / rows["nanoseconds"]
    gb_per_second = gb_per_second.where(~is_too_fast(rows), 0)
    if gb_per_second.max() > SPEED_MARGIN * peak:
        row = int(gb_per_second.idxmax())
        raise HarnessError(
            f"{ROWS}, line {row + 2}, nanoseconds: {rows['nanoseconds'][row]} is faster than possible: "
            f"{gb_per_second[row]:.3g} GB/s, where the machine's memory gives {peak:.4g}"
        )


def _least(rows: pd.DataFrame, info: Mapping[str, Any]) -> pd.Series:
    """What each sample's call takes at least."""
    import pandas as pd

    names = list(rows[["isa", "algorithm", "pass", "elements", "threads"]].itertuples(index=False, name=None))
    known = {name: least(*name, info) for name in set(names)}
    return pd.Series([known[name] for name in names], index=rows.index)
