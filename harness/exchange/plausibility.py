"""Whether a run's rows are physically possible: what nobody has measured is not adopted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.record import configuration, exactness
from harness.record.errors import HarnessError
from harness.record.machines import LARGEST_GIGAHERTZ
from harness.record.run import Record
from harness.record.store import INFO, SAMPLES_GZ
from harness.sampling import speed_limits
from harness.sampling.speed_limits import SPEED_MARGIN, Call, least, peak_gb_per_second
from harness.statistics.selection import is_too_fast

if TYPE_CHECKING:
    import pandas as pd

    from harness.record.samples import Run


def check_rows(run: Run) -> None:
    """Raises HarnessError for the rows of a run that are faster than possible, or fewer than its protocol's name
    says."""
    check_accuracy(run)
    check_protocol(run)
    check_tuning(run)
    check_speed(run)
    check_memory(run)


def check_accuracy(run: Record) -> None:
    """Raises HarnessError where the results that a run tells of are wrong."""
    if found := exactness.faults(run):
        raise HarnessError(f"{INFO}: {found[0]}")


def check_protocol(run: Record) -> None:
    """Raises HarnessError where a run asked for fewer processes than the protocol of its name, and does not say so.

    That its rows are of as many as it asked for is seen where they are read.
    """
    name = run.protocol.name
    shipped = configuration.load()["protocols"].get(name)
    if not shipped:
        raise HarnessError(f"{INFO}, protocol.name: {name} is not a protocol of config/config.yaml")
    # As prepare.departures tells of it.
    is_told = any(item.what.startswith(f"{name}'s processes") for item in run.skipped)
    asked, least = run.protocol.processes.least, shipped["processes"]["least"]
    if asked < least and not is_told:
        raise HarnessError(
            f"{INFO}, protocol.processes: asks for {asked}, where {name} has {least} at least and skipped does not "
            "tell of fewer"
        )


def check_tuning(run: Record) -> None:
    """Raises HarnessError where a run says that a variant was faster than its core or the memory allows."""
    clock = run.canary.clock_adds / run.canary.clock_nanoseconds
    peak = peak_gb_per_second(run.machine.name)
    for place, row in enumerate(run.tuning):
        if row["elements"] is None:
            continue
        nanoseconds = row["nanoseconds_low"]
        its = least(Call(row["isa"], "", row["pass"], row["elements"]), run)
        if speed_limits.is_too_fast(its, 1, nanoseconds, clock, peak):
            raise HarnessError(f"{INFO}, tuning[{place}].nanoseconds_low: {nanoseconds:.3g} is faster than possible")


def check_speed(run: Run) -> None:
    """Raises HarnessError for a sample that is faster than its core's loads and stores allow, unless it was flagged as
    such when it was taken: then it is never used.

    Cycles are counted by the faster of the sample's own clock canary and the fastest of the run, since an interrupted
    canary shows too slow a clock.
    """
    rows, canary = run.samples, run.canary
    clock = canary.clock_adds / rows["clock_nanoseconds"].clip(upper=canary.clock_nanoseconds)  # gigahertz
    if clock.max() > LARGEST_GIGAHERTZ:
        raise HarnessError(f"{SAMPLES_GZ}, line {clock.idxmax() + 2}: a clock of {clock.max():.3g} GHz is not possible")
    excess = _least(run).map(lambda its: its.cycles) * rows["calls"] / (rows["nanoseconds"] * clock)
    _refuse_excess(rows, excess, 1, lambda isa, most: f"{most:.3g} times what {isa} can load and store")


def check_memory(run: Run) -> None:
    """Raises HarnessError for a sample that moved more data than its machine's memory can, unless it was flagged so."""
    rows, peak = run.samples, peak_gb_per_second(run.machine.name)
    moved = _least(run).map(lambda its: its.bytes) * rows["calls"] / rows["nanoseconds"]
    _refuse_excess(rows, moved, peak, lambda _, most: f"{most:.3g} GB/s, where the machine's memory gives {peak:.4g}")


def _refuse_excess(rows: pd.DataFrame, found: pd.Series, most: float, told: Callable[[str, float], str]) -> None:
    """Raises HarnessError where what was found of a sample is more than it can be at most."""
    found = found.where(~is_too_fast(rows), 0)
    if found.max() > SPEED_MARGIN * most:
        row = int(found.idxmax())
        raise HarnessError(
            f"{SAMPLES_GZ}, line {row + 2}, nanoseconds: {rows['nanoseconds'][row]} is faster than possible: "
            f"{told(rows['isa'][row], found[row])}"
        )


def _least(run: Run) -> pd.Series:
    """What each sample's call takes at least."""
    import pandas as pd

    rows = run.samples
    names = list(rows[["isa", "algorithm", "pass", "elements", "threads"]].itertuples(index=False, name=None))
    known = {name: least(Call(*name), run) for name in set(names)}
    return pd.Series([known[name] for name in names], index=rows.index)
