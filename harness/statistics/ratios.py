"""Ratios of two times: formed within rounds, reduced to one for each process, told in percent with an interval."""

from collections.abc import Sequence

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
    logs = rows.assign(log=np.log(times))
    return logs.pivot_table(index=[*by, "process", "round"], columns="algorithm", values="log", aggfunc="mean")


def of_calls(rows: pd.DataFrame) -> pd.DataFrame:
    """`in_rounds` of the times of a call."""
    return in_rounds(rows, rows["nanoseconds"] / rows["calls"])


def log_ratios(rounds: pd.DataFrame, numerator: str, denominator: str) -> pd.DataFrame:
    """log(t_numerator / t_denominator) of two algorithms within each round (`in_rounds`): what disturbs a round
    disturbs both.

    Returns what the rounds are by, process, round and log_ratio; a round in which one of the two is missing is left
    out.
    """
    both = rounds.reindex(columns=[numerator, denominator])
    return (both[numerator] - both[denominator]).dropna().rename("log_ratio").reset_index()


def percents(ratios: pd.DataFrame, by: list[str], name: str, target: float = TARGET_CONFIDENCE) -> pd.DataFrame:
    """`intervals` of the column log_ratio, as NAME_percent_median, _low, _high: by how much the ratio exceeds 1."""
    table = intervals(ratios, by, "log_ratio", target)
    table[bounds("log_ratio")] = 100 * np.expm1(table[bounds("log_ratio")].astype(float))
    return table.rename(columns=dict(zip(bounds("log_ratio"), bounds(f"{name}_percent"), strict=True)))


def speedups(rows: pd.DataFrame, by: list[str] = POINT, target: float = TARGET_CONFIDENCE) -> pd.DataFrame:
    """Speedup of Two-Pass over the better Three-Pass, t_rival / t_two_pass - 1 in percent.

    Each ratio is formed and reduced on its own, and the smaller of the medians is taken with its interval: the better
    rival of each round would be biased (by -1.7 % for two equal rivals at 3 % spread).

    Returns one row for each group `by`: against (the better rival), speedup_percent_median, _low, _high, confidence,
    processes. Empty where no round has both.
    """
    rounds = of_calls(rows)
    found = [
        percents(log_ratios(rounds, rival, TWO_PASS), by, "speedup", target).assign(against=rival)
        for rival in THREE_PASS
    ]
    table = pd.concat([ratios for ratios in found if len(ratios)] or found[:1])
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
    tables = [
        percents(log_ratios(rounds, kernel.twin_of, name), POINT, "cost").assign(**{"pass": kernel.twin_of})
        for name, kernel in run.kernels.items()
        if kernel.twin_of and name in rounds
    ]
    table = pd.concat(tables).sort_values([*POINT, "pass"], ignore_index=True)
    return table[[*POINT, "pass", *bounds("cost_percent"), "confidence", "processes"]]
