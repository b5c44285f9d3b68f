"""Speedup of Two-Pass over the better Three-Pass: at each length, and the largest of all; of a run, and of a body of
evidence."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness.reading.evidence import Evidence, Pooled, in_percent
from harness.reading.pooling import effects, largest_of, regions
from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once
from harness.statistics import ratios, selection
from harness.statistics.intervals import TARGET_CONFIDENCE, bounds, intervals
from harness.statistics.ratios import POINT

SPEEDUP = "speedup"


@made_once
def speedups(run: Run) -> pd.DataFrame:
    """`harness.statistics.ratios.speedups` of every compiler. Raises MissingRows."""
    table = ratios.speedups(selection.algorithm_rows(run))
    if table.empty:
        raise MissingRows(f"{run.folder}: no round has both Two-Pass and a Three-Pass algorithm")
    return table


@made_once
def rival_effects(run: Run) -> pd.DataFrame:
    """What a run finds of each rival of Two-Pass at each length, as `harness.reading.pooling.effects`, with against
    (the rival) and region (which caches hold input and output). Raises MissingRows."""
    logs = ratios.over_two_pass(ratios.of_calls(selection.algorithm_rows(run)))
    if logs.empty:
        raise MissingRows(f"{run.folder}: no round has both Two-Pass and a Three-Pass algorithm")
    table = effects(intervals(logs, ["against", *POINT], "log_ratio"), "log_ratio", [*POINT, "against"])
    return table.assign(region=regions(table["elements"], run.machine))


RIVALS = Pooled(rival_effects, (*POINT, "against"), ("isa", "compiler", "against", "region"))


@made_once
def pooled_speedups(evidence: Evidence, target: float = TARGET_CONFIDENCE) -> pd.DataFrame:
    """`speedups` of all runs of a body, each rival pooled on its own and the one with the smaller median taken.

    Returns one row for each (isa, compiler, elements): against; speedup_percent_median, _low, _high (of what any run
    would find), mean_speedup_percent_low, _high (of what is common to all), next_run_speedup_percent_low, _high (of
    what the next run will show); between_runs_percent (standard deviation), between_runs_share (of the variance of a
    run's median); runs, confidence, processes. Where how much runs differ is not known the interval is that of the
    newest run, over its processes, and what is about runs is empty. Raises MissingRows.
    """
    pooled = in_percent(RIVALS(evidence, target), SPEEDUP).assign(confidence=target)
    pooled = pooled.sort_values([*POINT, "speedup_percent_median"], kind="stable").drop_duplicates(POINT)
    known = {*pooled[POINT].itertuples(index=False, name=None)}
    alone = [ratios.speedups(rows, POINT, target).assign(runs=1) for rows in _beside(evidence.runs, known)]
    table = pd.concat([one for one in (pooled, *alone) if len(one)], ignore_index=True).drop_duplicates(POINT)
    about_runs = [f"{what}_{SPEEDUP}_percent_{end}" for what in ("mean", "next_run") for end in ("low", "high")]
    about_runs += ["between_runs_percent", "between_runs_share"]
    columns = [*POINT, "against", *bounds("speedup_percent"), *about_runs, "runs", "confidence", "processes"]
    return table.sort_values(POINT, ignore_index=True).reindex(columns=columns)


def _beside(runs: Sequence[Run], known: Collection[tuple[Any, ...]]) -> Iterator[pd.DataFrame]:
    """The rows of whole algorithms at points that are not known, of each run that has such."""
    for run in runs:
        items = run.experiments.get("algorithms", ())
        if lacking := [
            point for its in items for n in its.elements if (point := (its.isa, its.compiler, n)) not in known
        ]:
            rows = selection.algorithm_rows(run)
            its = pd.MultiIndex.from_frame(rows[POINT]).isin(lacking)
            yield rows[its]


@made_once
def class_counts(run: Run) -> pd.DataFrame:
    """`harness.statistics.ratios.team_speedups` at the lengths that motivate the paper. Raises MissingRows."""
    return ratios.team_speedups(run, "class-counts")


@made_once
def largest(evidence: Evidence) -> pd.DataFrame:
    """The largest speedup of the primary compiler in each ISA, over the lengths that are out of cache, or over all
    where none is, with an interval for that maximum (`harness.reading.pooling.largest_of`). Raises MissingRows.

    Returns the rows of `pooled_speedups` by ISA, with of (over which lengths, in words) and is_out_of_cache.
    """
    primary, rows = evidence.newest.primary, {}
    found = pooled_speedups(evidence)
    for isa in dict.fromkeys(found[found["compiler"] == primary]["isa"]):
        lengths = found[(found["isa"] == isa) & (found["compiler"] == primary)]["elements"]
        beyond = lengths[evidence.newest.machine.is_out_of_cache(lengths)]
        those = beyond if len(beyond) else lengths
        table = pooled_speedups(evidence, 1 - (1 - TARGET_CONFIDENCE) / len(those))
        table = table[(table["isa"] == isa) & (table["compiler"] == primary) & table["elements"].isin(those)]
        best = largest_of(table, "speedup_percent")
        best["of"] = f"{len(those)} {'out-of-cache ' if len(beyond) else ''}length{'s' if len(those) > 1 else ''}"
        best["is_out_of_cache"] = len(beyond) > 0
        rows[isa] = best
    return pd.DataFrame(rows.values(), index=pd.Index(rows, name="isa")).drop(columns="isa")


def wins_from(rows: pd.DataFrame, floor: float | np.ndarray) -> int | None:
    """The length from which on every interval lies above the noise `floor` (percent, of all rows or of each), None
    where the longest does not. `rows` are of one ISA."""
    fails = rows[(rows["speedup_percent_low"] <= floor) | (rows["processes"] < 2)]
    wins = rows[rows["elements"] > fails["elements"].max()] if len(fails) else rows
    return int(wins["elements"].min()) if len(wins) else None
