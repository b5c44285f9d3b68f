"""Medians with intervals. The process is the unit that is repeated: samples of one process are not independent.

One page placement or one neighbour acts on a whole process, so samples are first reduced to one number for each
process (their median), and an interval is made from those numbers.
"""

import math
from functools import cache

import numpy as np
import pandas as pd

TARGET_CONFIDENCE = 0.95


def bounds(value: str) -> list[str]:
    """The columns that hold a value with its interval."""
    return [f"{value}_{bound}" for bound in ("median", "low", "high")]


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

    def beyond(k: int) -> float:
        """How likely fewer than k of the values lie below the median."""
        return sum(math.comb(count, below) for below in range(k)) / 2**count

    k = 1
    while beyond(k + 1) < (1 - target) / 2:
        k += 1
    return k, 1 - 2 * beyond(k)


def intervals(rows: pd.DataFrame, by: list[str], value: str, target: float = TARGET_CONFIDENCE) -> pd.DataFrame:
    """Median and interval over processes of a column, for each group of rows.

    `rows` has the columns `by`, process and `value`. Returns one row for each group, sorted, with the columns `by`,
    VALUE_median, VALUE_low, VALUE_high (unit of `value`), confidence (the probability that such an interval covers the
    median of the distribution that the processes' medians come from), processes. Raises ValueError for a NaN.
    """
    return over_processes(rows.groupby([*by, "process"])[value].median(), by, target)


def over_processes(by_process: pd.Series, by: list[str], target: float = TARGET_CONFIDENCE) -> pd.DataFrame:
    """`intervals` of a value that is known by process already, in the order of `by` and process, which index it."""
    if by_process.isna().any():
        raise ValueError("a value is not a number")
    value = str(by_process.name)
    table = with_text(by_process.groupby(level=by).size().rename("processes").reset_index())
    counts, values = table["processes"].to_numpy(), by_process.to_numpy(float)
    ordered = values[np.lexsort((values, np.arange(len(counts)).repeat(counts)))]
    ends = [order_statistics(count, target) for count in counts.tolist()]
    first, k = counts.cumsum() - counts, np.array([k for k, _ in ends], int)
    middle = (ordered[first + (counts - 1) // 2] + ordered[first + counts // 2]) / 2
    table[bounds(value)] = np.column_stack([middle, ordered[first + k - 1], ordered[first + counts - k]])
    table["confidence"] = [confidence for _, confidence in ends]
    return table[[*by, *bounds(value), "confidence", "processes"]]


def with_text(table: pd.DataFrame) -> pd.DataFrame:
    """The table with text where rows have categories, of which some things are done to every value that might be
    there."""
    return table.astype({name: str for name in table.select_dtypes("category")})
