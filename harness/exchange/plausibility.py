"""Whether a run's rows are physically possible: what nobody has measured is not adopted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.record import configuration, exactness
from harness.record.errors import HarnessError
from harness.record.machines import LARGEST_GIGAHERTZ
from harness.record.run import processes_asked, record_of
from harness.record.upgrade import upgrade
from harness.sampling import speed_limits
from harness.sampling.speed_limits import SPEED_MARGIN, Call, least, peak_gb_per_second
from harness.statistics.selection import is_too_fast

if TYPE_CHECKING:
    import pandas as pd


ROWS = "samples.csv.gz"


def check_rows(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError for the rows of a run that are faster than possible, or fewer than its protocol's name says.

    `rows` and `info` are samples.csv and run.json as analysis.rows loads them.
    """
    check_accuracy(info)
    check_protocol(info)
    check_tuning(info)
    check_speed(rows, info)
    check_memory(rows, info)


def check_accuracy(info: Mapping[str, Any]) -> None:
    """Raises HarnessError where the results that run.json tells of are wrong."""
    if found := exactness.faults(info):
        raise HarnessError(f"run.json: {found[0]}")


def check_protocol(info: Mapping[str, Any]) -> None:
    """Raises HarnessError where a run asked for fewer processes than the protocol of its name, and does not say so.

    That its rows are of as many as it asked for is seen where they are read.
    """
    name = info["protocol"]["name"]
    shipped = configuration.load()["protocols"].get(name)
    if not shipped:
        raise HarnessError(f"run.json, protocol.name: {name} is not a protocol of config/config.yaml")
    # As measure.reductions tells of it.
    is_told = any(item["what"].startswith(f"{name}'s processes") for item in info["skipped"])
    asked, least = processes_asked(info)[0], shipped["processes"]["least"]
    if asked < least and not is_told:
        raise HarnessError(
            f"run.json, protocol.processes: asks for {asked}, where {name} has {least} at least and skipped does not "
            "tell of fewer"
        )


def check_tuning(info: Mapping[str, Any]) -> None:
    """Raises HarnessError where run.json says that a variant was faster than its core or the memory allows."""
    clock = info["canary"]["clock_adds"] / info["canary"]["clock_nanoseconds"]
    peak, record = peak_gb_per_second(info["machine"]["name"]), record_of(upgrade(dict(info)))
    for place, row in enumerate(info["tuning"]):
        for where in ("in_cache", "out_of_cache"):
            nanoseconds = row[f"{where}_nanoseconds"]
            its = least(Call(row["isa"], "", row["pass"], row[f"{where}_elements"]), record)
            if speed_limits.is_too_fast(its, 1, nanoseconds, clock, peak):
                raise HarnessError(
                    f"run.json, tuning[{place}].{where}_nanoseconds: {nanoseconds:.3g} is faster than possible"
                )


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
    record = record_of(upgrade(dict(info)))
    known = {name: least(Call(*name), record) for name in set(names)}
    return pd.Series([known[name] for name in names], index=rows.index)
