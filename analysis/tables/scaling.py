"""Throughput and bandwidth against the number of threads."""

import pandas as pd

from analysis.tables.bandwidths import EFFECTIVE
from analysis.tables.times import per_call
from harness.record.caches import FLOAT_BYTES
from harness.record.samples import Run, made_once
from harness.statistics import selection
from harness.statistics.intervals import bounds, intervals
from harness.statistics.traffic import logical_floats

THROUGHPUT = "gigaelements_per_second"
BY = ["isa", "compiler", "elements", "name", "threads"]


@made_once
def scaling(run: Run) -> pd.DataFrame:
    """Elements per second of all threads together, and the effective bandwidth that follows, by the primary compiler.
    Of the loops of a bandwidth kernel the fastest at each number of threads counts.

    Returns one row for each (isa, compiler, elements, vectors, name, threads): vectors is own, where each thread has a
    vector of `elements`, or shared, where all have parts of one; name is an algorithm or a bandwidth kernel. Columns
    gigaelements_per_second_median, _low, _high, effective_gigabytes_per_second_median, _low, _high, confidence,
    processes. Raises MissingRows.
    """
    tables = [_throughputs(run, "scaling", "own")]
    if (run.samples["experiment"] == "strong-scaling").any():
        tables.append(_throughputs(run, "strong-scaling", "shared"))
    return pd.concat(tables, ignore_index=True)


def _throughputs(run: Run, experiment: str, vectors: str) -> pd.DataFrame:
    rows = selection.of_primary(selection.team_rows(run, experiment, selection.CONTENDER), run)
    algorithms, passes = (rows[column].astype(str) for column in ("algorithm", "pass"))
    rows = rows.assign(name=algorithms.where(algorithms != "", passes))
    rates = per_call(rows, run.canary.clock_adds)
    table = intervals(rates, [*BY, "variant"], "nanoseconds_per_call")
    table = table.sort_values([*BY, "nanoseconds_per_call_median"]).drop_duplicates(BY, ignore_index=True)
    elements = table["elements"] * (table["threads"] if vectors == "own" else 1)
    floats = table["name"].map(
        lambda name: sum(logical_floats(run.kernels[p]) for p in run.algorithms.get(name, [name]))
    )
    for bound, inverse in (("median", "median"), ("low", "high"), ("high", "low")):
        rate = elements / table[f"nanoseconds_per_call_{inverse}"]
        table[f"{THROUGHPUT}_{bound}"] = rate
        table[f"{EFFECTIVE}_{bound}"] = FLOAT_BYTES * floats * rate
    table.insert(3, "vectors", vectors)
    return table[[*BY[:3], "vectors", *BY[3:], *bounds(THROUGHPUT), *bounds(EFFECTIVE), "confidence", "processes"]]


def saturates_at(table: pd.DataFrame) -> int | None:
    """The smallest number of threads that reaches 95 % of the largest throughput of the rows, which are of one name."""
    best = table["gigaelements_per_second_median"].max()
    enough = table[table["gigaelements_per_second_median"] >= 0.95 * best]
    return int(enough["threads"].min()) if len(enough) else None
