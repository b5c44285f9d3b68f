"""Medians with intervals. The process is the unit that is repeated: samples of one process are not independent.

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


def bounds(value: str) -> list[str]:
    """The columns that hold a value with its interval."""
    return [f"{value}_{bound}" for bound in ("median", "low", "high")]


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
    return pd.DataFrame(table, columns=[*by, *bounds(value), "confidence", "processes"])
