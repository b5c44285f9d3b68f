"""Medians, intervals and ratios. The process is the unit that is repeated: samples of one process are not independent.

One page placement or one neighbour acts on a whole process, so samples are first reduced to one number for each
process (their median), and an interval is made from those numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import binom

TARGET_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A median with an interval, in the unit of the values that it was made from."""

    median: float
    low: float
    high: float
    confidence: float
    """Probability that such an interval covers the median of the distribution that the values come from."""
    processes: int
    """How many values there were."""


@cache
def order_statistics(count: int, target: float = TARGET_CONFIDENCE) -> tuple[int, float]:
    """Which of the sorted values bound an interval of the median, and its confidence.

    Returns (k, confidence): the k-th smallest and the k-th largest of `count` values (k from 1). It is the narrowest
    such interval with at least the `target` confidence; where even the smallest and the largest value do not reach it
    (fewer than 6 for 95 %), it is these two, with the confidence 1 - 2**(1 - count) that they have.

    Source: the number of values below the median is binomial(count, 1/2), for any continuous distribution
    (H. A. David, H. N. Nagaraja, Order Statistics, 3rd edition, section 7.1).
    """
    if count < 1:
        raise ValueError("no values, so no interval")
    k = max(1, int(binom.ppf((1 - target) / 2, count, 0.5)))
    return k, float(1 - 2 * binom.cdf(k - 1, count, 0.5))


def median_interval(values: Sequence[float] | np.ndarray | pd.Series, target: float = TARGET_CONFIDENCE) -> Interval:
    """Median of one value for each process, with the order-statistic interval of `order_statistics`.

    `values` has shape (processes,). Raises ValueError where it is empty or holds a NaN.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    if np.isnan(ordered).any():
        raise ValueError("a value is not a number")
    k, confidence = order_statistics(len(ordered), target)
    return Interval(float(np.median(ordered)), float(ordered[k - 1]), float(ordered[-k]), confidence, len(ordered))


def intervals(rows: pd.DataFrame, by: list[str], value: str, target: float = TARGET_CONFIDENCE) -> pd.DataFrame:
    """Median and interval over processes of a column, for each group of rows.

    `rows` has the columns `by`, process and `value`. Returns one row for each group, sorted, with the columns `by`,
    VALUE_median, VALUE_low, VALUE_high (unit of `value`), confidence, processes.
    """
    by_process = rows.groupby([*by, "process"])[value].median()
    table = []
    for key, values in by_process.groupby(level=by):
        interval = median_interval(values, target)
        measured = (interval.median, interval.low, interval.high, interval.confidence, interval.processes)
        table.append((*(key if isinstance(key, tuple) else (key,)), *measured))
    return pd.DataFrame(
        table, columns=[*by, f"{value}_median", f"{value}_low", f"{value}_high", "confidence", "processes"]
    )


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
    rates = per_call(rows, clock_adds)
    call = intervals(rates, by, "nanoseconds_per_call").drop(columns=["confidence", "processes"])
    cycles = intervals(rates, by, "core_cycles_per_element")[[*by, "core_cycles_per_element_median"]]
    return call.merge(cycles, on=by).merge(intervals(rates, by, "nanoseconds_per_element"), on=by)


ROUND = ["isa", "compiler", "elements", "process", "round"]


def log_ratios(rows: pd.DataFrame, numerator: str, denominator: str) -> pd.DataFrame:
    """log(t_numerator / t_denominator) of two algorithms within each round: what disturbs a round disturbs both.

    Returns the columns of ROUND and log_ratio; a round in which one of the two is missing is left out. An algorithm
    that was sampled several times in a round counts with the mean of its log times.
    """
    contenders = rows[rows["algorithm"].isin([numerator, denominator])]
    logs = contenders.assign(log=np.log(contenders["nanoseconds"] / contenders["calls"]))
    rounds = logs.pivot_table(index=ROUND, columns="algorithm", values="log", aggfunc="mean")
    rounds = rounds.reindex(columns=[numerator, denominator]).dropna()
    return (rounds[numerator] - rounds[denominator]).rename("log_ratio").reset_index()


def speedups(
    rows: pd.DataFrame, contender: str, rivals: Sequence[str], target: float = TARGET_CONFIDENCE
) -> pd.DataFrame:
    """Speedup of an algorithm over the better of its rivals, t_rival / t_contender - 1 in percent.

    Each ratio is formed and reduced on its own, and the smaller of the medians is taken with its interval: the better
    rival of each round would be biased (by -1.7 % for two equal rivals at 3 % spread).

    Returns one row for each (isa, compiler, elements): against (the better rival), speedup_percent_median, _low, _high,
    confidence, processes. Empty where no round has both.
    """
    by = ROUND[:3]
    ratios = [
        intervals(log_ratios(rows, rival, contender), by, "log_ratio", target).assign(against=rival) for rival in rivals
    ]
    table = pd.concat([ratio for ratio in ratios if len(ratio)] or ratios[:1])
    table = table.sort_values([*by, "log_ratio_median"], kind="stable").drop_duplicates(by).reset_index(drop=True)
    for bound in ("median", "low", "high"):
        table[f"speedup_percent_{bound}"] = 100 * np.expm1(table[f"log_ratio_{bound}"].astype(float))
    return table[
        [*by, "against"]
        + [f"speedup_percent_{bound}" for bound in ("median", "low", "high")]
        + ["confidence", "processes"]
    ]


def largest_speedups(rows: pd.DataFrame, contender: str, rivals: Sequence[str]) -> pd.DataFrame:
    """The largest speedup at any length in `rows`, for each (isa, compiler), with an interval for that maximum.

    Each length's interval has a confidence of 1 - 5 %/lengths, so all of them hold at once with 95 %; then the largest
    of the true speedups lies between the largest lower and the largest upper bound (Bonferroni). Its `confidence` is
    what the processes in fact allow. Columns as in `speedups`, with elements and against of the length with the largest
    median.
    """
    by = ROUND[:2]
    lengths = max(1, rows.groupby(by)["elements"].nunique().max()) if len(rows) else 1
    table = speedups(rows, contender, rivals, 1 - (1 - TARGET_CONFIDENCE) / lengths)
    largest = table.loc[table.groupby(by)["speedup_percent_median"].idxmax()].set_index(by)
    groups = table.groupby(by)
    largest["speedup_percent_low"] = groups["speedup_percent_low"].max()
    largest["speedup_percent_high"] = groups["speedup_percent_high"].max()
    largest["confidence"] = 1 - (1 - table["confidence"]).groupby([table[name] for name in by]).sum()
    largest["processes"] = groups["processes"].min()
    return largest.reset_index()[list(table)]
