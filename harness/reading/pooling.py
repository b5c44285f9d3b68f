"""One number of several runs: how far the runs lie apart, and intervals that hold that as well.

A run is what is repeated: an interval over the processes of one says nothing of how runs differ. The model is that of
random effects: what a run finds is a common value, the run's own deviation from it, and the noise of its processes.
With few runs the deviations at one point tell little, so points that are alike (a group: an ISA and compiler in one
region of the caches) share the spread of their runs. All values are logarithms of ratios.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from harness.record.caches import FLOAT_BYTES, HasCaches
from harness.statistics.intervals import TARGET_CONFIDENCE, bounds

SMALLEST_VARIANCE = 1e-12
"""Of a run at a point: 1e-6 of a ratio. None is known better, so that every run has a finite weight."""
LEAST_COMMON = 0.3
"""Of the variance of runs' deviations so much at least is taken to be common to the points of a group: few runs can't
tell that it is less. Simulated with 2 to 6 runs and 6 points in each of 6 groups, intervals of the mean then cover 95
to 99 % where up to 70 % are common; without it, down to 94 %. Where all of it is common to all groups, two runs are two
numbers, whatever is estimated: they cover 90 %."""


@dataclass(frozen=True)
class Point:
    """What several runs found at one point."""

    runs: np.ndarray
    effects: np.ndarray
    variances: np.ndarray
    processes: int

    def __len__(self) -> int:
        return len(self.effects)


def effects(table: pd.DataFrame, value: str, by: Sequence[str]) -> pd.DataFrame:
    """What one run finds, from its medians with order-statistic intervals: the columns `by`, effect, variance (of that
    median over processes) and processes. A point of one process has no interval, so it is left out.

    The half-width of an order-statistic interval over the normal quantile of its confidence estimates the standard
    error of the median (J. W. McKean, R. M. Schrader, Communications in Statistics B 13(6), 1984).
    """
    known = table[table["confidence"] > 0]
    middle, low, high = (known[name].to_numpy(float) for name in bounds(value))
    error = (high - low) / 2 / ndtri((1 + known["confidence"].to_numpy(float)) / 2)
    variance = np.maximum(error**2, SMALLEST_VARIANCE)
    return known[[*by, "processes"]].assign(effect=middle, variance=variance).reset_index(drop=True)


def of_percents(table: pd.DataFrame, value: str, by: Sequence[str]) -> pd.DataFrame:
    """`effects` of ratios that a table tells in percent over 1."""
    ends = bounds(value)
    return effects(table.assign(**{end: np.log1p(table[end] / 100) for end in ends}), value, by)


IN_L2, BEYOND_L2, OUT_OF_CACHE = "in L2", "beyond L2", "out of cache"


def regions(elements: pd.Series | np.ndarray, machine: HasCaches) -> np.ndarray:
    """Which caches hold input and output of so many elements, in words: points of one region are alike."""
    out = np.where(machine.is_out_of_cache(elements), OUT_OF_CACHE, BEYOND_L2)
    return np.where(2 * FLOAT_BYTES * elements <= machine.cache_bytes(2), IN_L2, out)


def spreads(found: pd.DataFrame, by: Sequence[str], group: Sequence[str]) -> pd.DataFrame:
    """How far runs lie apart, one row for each group in which two runs have a point in common, indexed by the values of
    `group`: variance (between runs, tau squared), degrees (of freedom) and runs.

    `found` has rows of `effects` with the columns `group` and run; `by` tells points apart. The variance is the mean of
    what Paule and Mandel's method finds at each point; as none of these is below zero, it errs to the wide side. How
    many degrees of freedom it has depends on how much of a deviation the points of a group have in common: all of
    it, and they are one; nothing, and each counts. That share is estimated over all groups (the analysis of variance
    of run and point), and the degrees are those of the sum of both parts (F. E. Satterthwaite, Biometrics Bulletin
    2(6), 1946).
    """
    rows, common, total = [], 0.0, 0.0
    for key, own in _points(found, by, group).items():
        points = [point for point in own.values() if len(point) > 1]
        if not points:
            continue
        variance = float(np.mean([_between(point) for point in points]))
        residuals = np.concatenate([_residuals(point.effects, point.variances, variance) for point in points])
        by_run = pd.Series(residuals).groupby(np.concatenate([point.runs for point in points])).mean()
        free, runs, several = len(residuals) - len(points), len(by_run), len(points)
        mean_square = (residuals**2).sum() / free
        common += several * (by_run**2).sum() - (runs - 1) * mean_square
        total += (several - 1) * (runs - 1) * mean_square
        rows.append((*key, variance, runs, several, free))
    table = pd.DataFrame(rows, columns=[*group, "variance", "runs", "points", "free"])
    share = float(np.clip(common / total, LEAST_COMMON, 1)) if total > 0 else 1.0
    whole = share + (1 - share) / table["points"]  # of the mean over a group's points
    between, within = table["runs"] - 1, (table["free"] - table["runs"] + 1).clip(lower=1)
    table["degrees"] = 1 / (whole**2 / between + (1 - whole) ** 2 / within)
    table.index = pd.Index(list(_tuples(table, group)), tupleize_cols=False)
    return table[["variance", "degrees", "runs"]]


def _between(point: Point) -> float:
    """The variance between the runs of a point that their effects have beside their own, by Paule and Mandel."""
    from statsmodels.stats.meta_analysis import combine_effects  # takes a second to import, which one run can spare

    with np.errstate(divide="ignore"):  # what it tells of runs that agree to the last digit is not used
        return combine_effects(point.effects, point.variances, method_re="iterated").tau2


def pool(
    found: pd.DataFrame,
    by: Sequence[str],
    group: Sequence[str],
    spread: pd.DataFrame,
    target: float = TARGET_CONFIDENCE,
) -> pd.DataFrame:
    """Each point of several runs, or of one where `spread` is known from others: one row for each, with the columns
    `by` and

    - effect: the mean over runs, weighted by what each is worth;
    - mean_low, mean_high: the interval of what is common to all runs (random effects);
    - low, high: of what any run would find if it had no noise of processes: of the mean, and of how runs differ;
    - next_low, next_high: of the median that the next run will show, if its processes are as noisy as those of the
      middle run: by the mean, one run of two processes made it -25 to +517 %;
    - between (standard deviation between runs), share (of the variance of a run's median that is between runs, I
      squared over 100), runs, processes (of all together).

    The interval of a further run is that of J. P. T. Higgins, S. G. Thompson and D. J. Spiegelhalter (Journal of the
    Royal Statistical Society A 172(1), 2009), with the degrees of freedom of the spread in place of theirs. Where the
    runs of a point lie further apart than its group's spread says, all its variances grow by as much (J. Hartung and
    G. Knapp, Statistics in Medicine 20(24), 2001, never to shrink them). Points whose group has no spread are left out.
    """
    rows, known = [], dict(zip(spread.index, spread[["variance", "degrees"]].to_numpy(), strict=True))
    points = _points(found, by, group)
    for place in [place for place in points if place in known]:
        between, degrees = known[place]
        for key, point in points[place].items():
            weights = 1 / (between + point.variances)
            effect, runs = np.average(point.effects, weights=weights), len(point)
            apart = (_residuals(point.effects, point.variances, between) ** 2).sum() / (runs - 1) if runs > 1 else 1.0
            noise, of_mean = float(np.median(point.variances)), 1 / weights.sum()
            quantile = stdtrit(degrees, (1 + target) / 2) * np.sqrt(max(1.0, apart))
            reaches = [quantile * variance**0.5 for variance in (of_mean, of_mean + between, of_mean + between + noise)]
            ends = [effect + sign * reach for reach in reaches for sign in (-1, 1)]
            told = (between**0.5, between / (between + noise), runs, point.processes)
            rows.append((*key, effect, *ends, *told))
    columns = [*by, "effect", *(f"{what}{end}" for what in ("mean_", "", "next_") for end in ("low", "high"))]
    return pd.DataFrame(rows, columns=[*columns, "between", "share", "runs", "processes"])


def _points(
    found: pd.DataFrame, by: Sequence[str], group: Sequence[str]
) -> dict[tuple[Any, ...], dict[tuple[Any, ...], Point]]:
    """The points of each group, by the values of `group` and then of `by`, in the order of their first rows."""
    if found.empty:
        return {}
    numbers = found.groupby(list(dict.fromkeys([*group, *by])), sort=False).ngroup().to_numpy()
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    first = found.iloc[[its[0] for its in parts]]
    columns = [found[name].to_numpy() for name in ("run", "effect", "variance", "processes")]
    points: dict[tuple[Any, ...], dict[tuple[Any, ...], Point]] = {}
    for place, key, its in zip(*(_tuples(first, names) for names in (group, by)), parts, strict=True):
        run, effect, variance, processes = (column[its] for column in columns)
        points.setdefault(place, {})[key] = Point(run, effect, variance, int(processes.sum()))
    return points


def _tuples(table: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return table[list(columns)].itertuples(index=False, name=None)


def _residuals(effects: np.ndarray, variances: np.ndarray, between: float) -> np.ndarray:
    """Deviations of runs from their weighted mean, in standard deviations."""
    weights = 1 / (between + variances)
    return (effects - np.average(effects, weights=weights)) * np.sqrt(weights)


def largest_of(table: pd.DataFrame, value: str) -> pd.Series:
    """The row with the largest median of a value, with intervals for the largest of the true values: where all
    intervals of the table hold at once, it lies between the largest lower and the largest upper bound. How likely they
    do is at least the confidence that is given with it (Bonferroni); processes, and runs where they are told, are
    those of the point that has the fewest."""
    largest = table.loc[table[f"{value}_median"].idxmax()].copy()
    ends = [name for name in table if name.endswith((f"{value}_low", f"{value}_high"))]
    fewest = [name for name in ("processes", "runs") if name in table]
    largest[ends], largest[fewest] = table[ends].max(), table[fewest].min()
    # Rounded: three thirds of 5 % are a hair more than that, and nothing would be decided of three lengths.
    largest["confidence"] = max(0.0, round(1 - (1 - table["confidence"]).sum(), 12))
    return largest
