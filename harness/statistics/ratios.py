"""Ratios of two times: formed within rounds, reduced to one for each process, told in percent with an interval."""

import numpy as np
import pandas as pd

from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.intervals import TARGET_CONFIDENCE, bounds, intervals
from harness.statistics.selection import THREE_PASS, TWO_PASS

POINT = ["isa", "compiler", "elements"]
TEAM = [*POINT, "threads"]


def log_ratios(rows: pd.DataFrame, numerator: str, denominator: str) -> pd.DataFrame:
    """log(t_numerator / t_denominator) of two algorithms within each round: what disturbs a round disturbs both.

    Returns the columns of TEAM, process, round and log_ratio; a round in which one of the two is missing is left out.
    An algorithm that was sampled several times in a round counts with the mean of its log times.
    """
    contenders = rows[rows["algorithm"].isin([numerator, denominator])]
    logs = contenders.assign(log=np.log(contenders["nanoseconds"] / contenders["calls"]))
    rounds = logs.pivot_table(index=[*TEAM, "process", "round"], columns="algorithm", values="log", aggfunc="mean")
    rounds = rounds.reindex(columns=[numerator, denominator]).dropna()
    return (rounds[numerator] - rounds[denominator]).rename("log_ratio").reset_index()


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
    found = [
        percents(log_ratios(rows, rival, TWO_PASS), by, "speedup", target).assign(against=rival) for rival in THREE_PASS
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
    rows = rows.assign(algorithm=rows["pass"])
    tables = [
        percents(log_ratios(rows, kernel.twin_of, name), POINT, "cost").assign(**{"pass": kernel.twin_of})
        for name, kernel in run.kernels.items()
        if kernel.twin_of and name in set(rows["pass"])
    ]
    table = pd.concat(tables).sort_values([*POINT, "pass"], ignore_index=True)
    return table[[*POINT, "pass", *bounds("cost_percent"), "confidence", "processes"]]
