"""Time of each algorithm by the other compilers, relative to the primary one."""

import pandas as pd

from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once
from harness.statistics import selection
from harness.statistics.intervals import intervals


@made_once
def relative_times(run: Run) -> pd.DataFrame:
    """One row for each (isa, compiler, algorithm, elements) that the primary compiler measured too, with
    relative_time_median, _low, _high: its median time in a process over the primary's in the same process, interval
    over processes; and relative_to, confidence, processes. Raises MissingRows where no length has two compilers."""
    rows = selection.algorithm_rows(run)
    rows = rows.assign(nanoseconds_per_call=rows["nanoseconds"] / rows["calls"])
    key = ["isa", "algorithm", "elements", "process"]
    times = rows.groupby(["compiler", *key])["nanoseconds_per_call"].median().reset_index()
    is_primary = times["compiler"] == run.primary
    both = times[~is_primary].merge(times[is_primary].drop(columns="compiler"), on=key, suffixes=("", "_primary"))
    if both.empty:
        raise MissingRows(f"{run.folder}: no length was measured with two compilers")
    both = both.assign(relative_time=both["nanoseconds_per_call"] / both["nanoseconds_per_call_primary"])
    table = intervals(both, ["isa", "compiler", "algorithm", "elements"], "relative_time")
    table.insert(2, "relative_to", run.primary)
    return table
