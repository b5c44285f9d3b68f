"""Time of each algorithm split by pass."""

import pandas as pd

from analysis.tables.times import BY, times
from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once
from harness.statistics import selection

WHOLE = "all"


@made_once
def breakdown(run: Run) -> pd.DataFrame:
    """`times` by (isa, compiler, algorithm, elements, pass), and of "all" passes together. Raises MissingRows."""
    rows = selection.breakdown_rows(run)
    calls = _whole_calls(rows, run)
    if calls.empty:
        raise MissingRows(f"{run.folder}: no round of the experiment 'breakdown' has every pass of an algorithm")
    split = times(rows, [*BY, "pass"], run.canary.clock_adds)
    together = times(calls, BY, run.canary.clock_adds).assign(**{"pass": WHOLE})
    order = {name: place for place, name in enumerate([*run.kernels, WHOLE])}
    table = pd.concat([split, together])[list(split)]
    return table.sort_values([*BY, "pass"], key=lambda column: column.map(order) if column.name == "pass" else column)


def _whole_calls(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """One row for each call: the passes of one round belong together, so they are added before any median is taken."""
    call = [*BY, "process", "round"]
    one_call = rows.assign(nanoseconds=rows["nanoseconds"] / rows["calls"], calls=1)
    passes = one_call.groupby([*call, "pass"], as_index=False)[["nanoseconds", "clock_nanoseconds"]].mean()
    whole = passes.groupby(call, as_index=False).agg(
        nanoseconds=("nanoseconds", "sum"), clock_nanoseconds=("clock_nanoseconds", "mean"), found=("pass", "nunique")
    )
    expected = whole["algorithm"].astype(str).map({name: len(set(passes)) for name, passes in run.algorithms.items()})
    return whole[whole["found"] == expected].assign(calls=1)
