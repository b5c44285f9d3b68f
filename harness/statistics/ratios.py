"""Ratios of two times: formed within rounds, reduced to one for each process, told in percent with an interval."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.intervals import TARGET_CONFIDENCE, bounds, intervals
from harness.statistics.selection import THREE_PASS, TWO_PASS

POINT = ["isa", "compiler", "elements"]
TEAM = [*POINT, "threads"]


def in_rounds(rows: pd.DataFrame, times: pd.Series, by: Sequence[str] = TEAM) -> pd.DataFrame:
    """Logarithms of the rows' times: one row for each round (index: `by`, process, round), a column for each algorithm.
    One that was sampled several times in a round counts with the mean of its log times."""
    keys = [rows[name] for name in (*by, "process", "round", "algorithm")]
    return np.log(times).groupby(keys).mean().unstack()


def of_calls(rows: pd.DataFrame) -> pd.DataFrame:
    """`in_rounds` of the times of a call."""
    return in_rounds(rows, rows["nanoseconds"] / rows["calls"])


def log_ratios(rounds: pd.DataFrame, over: Mapping[str, str]) -> pd.DataFrame:
    """log(t_numerator / t_denominator) of pairs of algorithms within each round (`in_rounds`): what disturbs a round
    disturbs both. `over` has the denominator of each numerator.

    Returns what the rounds are by, process, round, algorithm (the numerator) and log_ratio; a round in which one of the
    two is missing is left out.
    """
    above, below = (rounds.reindex(columns=list(names)) for names in (over, over.values()))
    found = above - below.to_numpy()
    return found.rename_axis(columns="algorithm").stack().dropna().rename("log_ratio").reset_index()


def percents(ratios: pd.DataFrame, by: list[str], name: str, target: float = TARGET_CONFIDENCE) -> pd.DataFrame:
    """`intervals` of the column log_ratio, as NAME_percent_median, _low, _high: by how much the ratio exceeds 1."""
    table = intervals(ratios, by, "log_ratio", target)
    table[bounds("log_ratio")] = 100 * np.expm1(table[bounds("log_ratio")].astype(float))
    return table.rename(columns=dict(zip(bounds("log_ratio"), bounds(f"{name}_percent"), strict=True)))


def over_two_pass(rounds: pd.DataFrame) -> pd.DataFrame:
    """`log_ratios` of each rival (column against) to Two-Pass."""
    return log_ratios(rounds, dict.fromkeys(THREE_PASS, TWO_PASS)).rename(columns={"algorithm": "against"})


def speedups(rows: pd.DataFrame, by: list[str] = POINT, target: float = TARGET_CONFIDENCE) -> pd.DataFrame:
    """Speedup of Two-Pass over the better Three-Pass, t_rival / t_two_pass - 1 in percent.

    Each ratio is formed and reduced on its own, and the smaller of the medians is taken with its interval: the better
    rival of each round would be biased (by -1.7 % for two equal rivals at 3 % spread).

    Returns one row for each group `by`: against (the better rival), speedup_percent_median, _low, _high, confidence,
    processes. Empty where no round has both.
    """
    table = percents(over_two_pass(of_calls(rows)), [*by, "against"], "speedup", target)
    table = table.sort_values([*by, "speedup_percent_median"], kind="stable").drop_duplicates(by, ignore_index=True)
    return table[[*by, "against", *bounds("speedup_percent"), "confidence", "processes"]]


def team_speedups(run: Run, experiment: str) -> pd.DataFrame:
    """`speedups` by the primary compiler for each number of threads (column threads). Raises MissingRows."""
    table = speedups(selection.of_primary(selection.team_rows(run, experiment), run), TEAM)
    return table.sort_values("threads", kind="stable", ignore_index=True)


def folding_costs(run: Run) -> pd.DataFrame:
    """How much longer each pass that folds its sums into doubles takes than the same that accumulates as published,
    within rounds, by the primary compiler.

    Returns one row for each (isa, compiler, elements, pass): cost_percent_median, _low, _high, confidence, processes.
    Raises MissingRows.
    """
    rows = selection.of_primary(selection.accumulation_rows(run), run)
    rounds = of_calls(rows.assign(algorithm=rows["pass"]))
    twins = {its.twin_of: name for name, its in run.kernels.items() if its.twin_of and name in rounds}
    costs = log_ratios(rounds, twins).rename(columns={"algorithm": "pass"})
    table = percents(costs, [*POINT, "pass"], "cost")
    return table[[*POINT, "pass", *bounds("cost_percent"), "confidence", "processes"]]
