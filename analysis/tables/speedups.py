"""Speedup of Two-Pass over the better Three-Pass: at each length, and the largest of all."""

import pandas as pd

from analysis.tables import made_once
from harness.record.errors import MissingRows
from harness.record.samples import Run
from harness.statistics import ratios, selection


@made_once
def speedups(run: Run) -> pd.DataFrame:
    """`harness.statistics.ratios.speedups` of every compiler. Raises MissingRows."""
    table = ratios.speedups(selection.algorithm_rows(run))
    if table.empty:
        raise MissingRows(f"{run.folder}: no round has both Two-Pass and a Three-Pass algorithm")
    return table


@made_once
def class_counts(run: Run) -> pd.DataFrame:
    """`harness.statistics.ratios.team_speedups` at the lengths that motivate the paper. Raises MissingRows."""
    return ratios.team_speedups(run, "class-counts")


@made_once
def largest(run: Run) -> pd.DataFrame:
    """The largest speedup of the primary compiler in each ISA, over the lengths that are out of cache, or over all
    where none is. Raises MissingRows.

    Returns the rows of `harness.statistics.ratios.largest_speedups` by ISA, with of (over which lengths, in words) and
    is_out_of_cache.
    """
    tables = []
    for _, rows in selection.of_primary(selection.algorithm_rows(run), run).groupby("isa"):
        beyond = rows[run.machine.is_out_of_cache(rows["elements"])]
        those = beyond if len(beyond) else rows
        lengths = f"{those['elements'].nunique()} {'out-of-cache ' if len(beyond) else ''}lengths"
        tables.append(ratios.largest_speedups(those).assign(of=lengths, is_out_of_cache=len(beyond) > 0))
    return pd.concat(tables).set_index("isa")


def wins_from(rows: pd.DataFrame, floor: float) -> int | None:
    """The length from which on every interval lies above the noise `floor` (percent), None where the longest does not.
    `rows` are of one ISA."""
    fails = rows[(rows["speedup_percent_low"] <= floor) | (rows["processes"] < 2)]
    wins = rows[rows["elements"] > fails["elements"].max()] if len(fails) else rows
    return int(wins["elements"].min()) if len(wins) else None
