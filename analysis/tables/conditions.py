"""Under which conditions a run was measured: what memory and the last-level cache gave, canaries, waits, flags."""

from datetime import datetime, timedelta

import pandas as pd

from harness.record.caches import FLOAT_BYTES
from harness.record.errors import MissingRows
from harness.record.run import Record
from harness.record.samples import Run, made_once
from harness.statistics.traffic import logical_floats

EXPERIMENT = "conditions"
GAVE = "gigabytes_per_second"


@made_once
def looks(run: Run) -> pd.DataFrame:
    """What each look at the conditions found: process, round, level (memory, or the last-level cache by its name),
    loop, gigabytes_per_second (10^9 declared logical bytes). Raises MissingRows."""
    rows = run.samples[run.samples["experiment"] == EXPERIMENT]
    if rows.empty or not run.groups:
        raise MissingRows(f"{run.folder}: this run did not look at the conditions that it was measured under")
    last = f"L{max((cache.level for cache in run.machine.caches), default='?')}"
    loops = rows["pass"].astype(str)
    floats = loops.map(lambda name: logical_floats(run.kernels[name]))
    table = rows.assign(
        level=run.machine.is_out_of_cache(rows["elements"]).map({True: "memory", False: last}),
        loop=loops,
        **{GAVE: FLOAT_BYTES * floats * rows["elements"] * rows["calls"] / rows["nanoseconds"]},
    )
    by = ["process", "round", "level", "loop"]
    return table.groupby(by, as_index=False)[GAVE].median()


@made_once
def conditions(run: Run) -> pd.DataFrame:
    """One row for each group of questions, in the order of time: process, group, session, started (UTC), seconds,
    waited_seconds, samples, disturbed_percent, clock_relative (1: the fastest of the run), throughput_relative
    (in units of the clock, likewise), and for each level and loop what it gave when the group ended. Raises
    MissingRows."""
    found = looks(run)
    began, canary = datetime.fromisoformat(run.started), run.canary
    groups = pd.DataFrame(run.groups)
    wide = found.assign(name=found["level"] + "_" + found["loop"] + f"_{GAVE}")
    wide = wide.pivot_table(index=["process", "round"], columns="name", values=GAVE)
    clock = groups["clock_nanoseconds"] / canary.clock_nanoseconds
    table = pd.DataFrame(
        {
            **{name: groups[name] for name in ("process", "group", "session")},
            "started": [began + timedelta(seconds=seconds) for seconds in groups["started"]],
            "seconds": groups["seconds"],
            "waited_seconds": groups["waited"],
            "samples": groups["samples"],
            "disturbed_percent": 100 * groups["disturbed"] / groups["samples"],
            "clock_relative": clock,
            "throughput_relative": groups["throughput_nanoseconds"] / canary.throughput_nanoseconds / clock,
            "round": groups["after"],
        }
    )
    table = table.join(wide, on=["process", "round"]).drop(columns="round")
    return table.sort_values(["started", "process", "group"], ignore_index=True)


@made_once
def given(run: Run) -> pd.DataFrame:
    """What each level gave to each loop over the run, in GB/s: median, low and high (10 and 90 % of the looks). Raises
    MissingRows."""
    by = looks(run).groupby(["level", "loop"])[GAVE]
    return pd.DataFrame({"median": by.median(), "low": by.quantile(0.1), "high": by.quantile(0.9)})


def levels(run: Run) -> list[str]:
    """The levels that were looked at, memory first. Raises MissingRows."""
    return sorted(set(looks(run)["level"]), reverse=True)


def is_in(run: Record) -> bool:
    """Whether a run looked at the conditions that it was measured under."""
    return EXPERIMENT in run.experiments and bool(run.groups)
