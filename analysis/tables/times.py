"""Times by call, by element and in core cycles; those of whole algorithms."""

import pandas as pd

from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once
from harness.statistics import selection
from harness.statistics.intervals import over_processes

BY = ["isa", "compiler", "algorithm", "elements"]


def per_call(rows: pd.DataFrame, clock_adds: int) -> pd.DataFrame:
    """The rows with three more columns: nanoseconds_per_call, nanoseconds_per_element and core_cycles_per_element.

    `clock_adds` dependent additions take as many core cycles (one each), and clock_nanoseconds of the same row is their
    time: that is the clock, where no cycle counter can be read.
    """
    nanoseconds = rows["nanoseconds"] / rows["calls"]
    return rows.assign(
        nanoseconds_per_call=nanoseconds,
        nanoseconds_per_element=nanoseconds / rows["elements"],
        core_cycles_per_element=nanoseconds / rows["elements"] * clock_adds / rows["clock_nanoseconds"],
    )


def times(rows: pd.DataFrame, by: list[str], clock_adds: int) -> pd.DataFrame:
    """Time of each group of samples: `by` plus nanoseconds per call and per element with intervals, and core cycles.

    `by` includes elements. `rows` are samples as in samples.csv, without those that were disturbed.
    """
    values = ["nanoseconds_per_call", "core_cycles_per_element", "nanoseconds_per_element"]
    by_process = per_call(rows, clock_adds).groupby([*by, "process"])[values].median()
    call, cycles, element = (over_processes(by_process[value], by) for value in values)
    call = call.drop(columns=["confidence", "processes"])
    return call.merge(cycles[[*by, "core_cycles_per_element_median"]], on=by).merge(element, on=by)


@made_once
def algorithm_times(run: Run) -> pd.DataFrame:
    """`times` of each algorithm for each (isa, compiler, algorithm, elements). Raises MissingRows."""
    return times(selection.algorithm_rows(run), BY, run.canary.clock_adds)


@made_once
def three_pass_times(run: Run) -> pd.DataFrame:
    """`algorithm_times` of the two Three-Pass algorithms. Raises MissingRows where one was not measured."""
    table = algorithm_times(run)
    for name in selection.THREE_PASS:
        if name not in set(table["algorithm"]):
            raise MissingRows(f"{run.folder}: no rows of the algorithm '{name}'")
    return table[table["algorithm"].isin(selection.THREE_PASS)]
