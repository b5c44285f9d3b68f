"""What a claim is about: quantities, each measured by a body of evidence with an interval. A quantity is one function
here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.tables.pass_limits import of_isa, out_of_cache, pass_limits, pooled_limits
from analysis.tables.speedups import RIVALS, largest
from harness.reading import names
from harness.reading.evidence import Evidence
from harness.reading.pooling import OUT_OF_CACHE, largest_of
from harness.record.errors import MissingRows
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.intervals import bounds
from harness.statistics.traffic import logical_floats


@dataclass(frozen=True)
class Measured:
    """A quantity with its interval, and what a reader should know of how it came about."""

    value: float
    low: float
    high: float
    confidence: float
    """1 for what is counted."""
    detail: str
    region: str = ""
    """Of the caches, where it was measured: what is off there bears on it."""
    next_run: tuple[float, float] | None = None
    """Between what the next run would find it; None where it is not known how much runs differ."""
    is_counted: bool = False
    """Counted, so that no noise bears on it."""
    is_declared: bool = False
    """What the kernels say of themselves: a test holds them to it, not the run."""


Quantity = Callable[[Evidence, str | None, str | None], Measured]
"""Finds a quantity by the evidence, an ISA and an algorithm. Raises MissingRows."""


def largest_speedup(evidence: Evidence, isa: str | None, algorithm: str | None) -> Measured:
    """Largest speedup of Two-Pass over the better Three-Pass at any out-of-cache length, in percent."""
    run = evidence.newest
    far = out_of_cache(of_isa(selection.algorithm_rows(run), isa, run), run)
    if isa not in largest(evidence).index:
        raise MissingRows("no round has both Two-Pass and a Three-Pass algorithm")
    best = largest(evidence).loc[isa]
    lengths = far["elements"].nunique()
    value, low, high = best[bounds("speedup_percent")]
    return Measured(
        value,
        low,
        high,
        best["confidence"],
        f"over {names.SHORT_ALGORITHMS[best['against']]} at {names.count(best['elements'])} elements, the largest of "
        f"{lengths} out-of-cache length{'s' if lengths > 1 else ''}; {best['processes']} processes, {best['compiler']}",
        OUT_OF_CACHE,
        between_next(best, "speedup_percent"),
    )


def slowest_pass(evidence: Evidence, isa: str | None, algorithm: str | None) -> Measured:
    """By how much the pass of Three-Pass that is farthest from it exceeds the time of memory alone, in percent."""
    table = pooled_limits(evidence, isa)
    worst = largest_of(table, "over_memory_percent")
    value, low, high = worst[bounds("over_memory_percent")]
    return Measured(
        value,
        low,
        high,
        worst["confidence"],
        "; ".join(_limit(row) for _, row in table.sort_values("over_memory_percent_median").iterrows()),
        OUT_OF_CACHE,
        between_next(worst, "over_memory_percent"),
    )


def between_next(row: pd.Series, value: str) -> tuple[float, float] | None:
    """Between what the next run would find a value, by a row of a pooled table; None where that is not known."""
    ends = [row.get(f"next_run_{value}_{end}", np.nan) for end in ("low", "high")]
    return None if np.isnan(ends).any() else (float(ends[0]), float(ends[1]))


def _limit(row: pd.Series) -> str:
    """A pass against memory, in words."""
    text = f"{row['pass']} {1 + row['over_memory_percent_median'] / 100:.2f} × {row['loop'].split()[0]}"
    if np.isnan(row["computing_percent"]):
        return text
    bound = ", compute-bound" if row["computing_percent"] > 100 else ""
    return f"{text} (computing alone {row['computing_percent'] / 100:.2f} ×{bound})"


def results_not_finite(evidence: Evidence, isa: str | None, algorithm: str | None) -> Measured:
    """How many results of an algorithm were not finite, for inputs anywhere in the kernels' domain."""
    every = [check for run in evidence.runs for check in run.domain]
    checks = [check for check in every if check["algorithm"] == algorithm and isa in (None, check["isa"])]
    if not checks:
        raise MissingRows(f"the run did not look at the domain of {algorithm}")
    wrong = sum(check["not_finite"] for check in checks)
    errors = [check["largest_sum_error"] for check in checks if check["largest_sum_error"] is not None]
    isas = ", ".join(names.ISAS[isa] for isa in dict.fromkeys(check["isa"] for check in checks))
    passes = evidence.newest.algorithms[algorithm or ""]
    told = (
        f"of {sum(check['results'] for check in checks):,} results for |x| up to "
        f"{min(check['largest_magnitude'] for check in checks):,.0f} ({isas}); the passes are {' and '.join(passes)}; "
        f"largest |Σy - 1| {max(errors, default=float('nan')):.1g}"
    )
    return Measured(wrong, wrong, wrong, 1.0, told, is_counted=True)


def floats_per_element(evidence: Evidence, isa: str | None, algorithm: str | None) -> Measured:
    """Floats that an algorithm reads and writes for each element, as its passes declare and a test counts."""
    run = evidence.newest
    passes = run.algorithms.get(algorithm or "")
    if passes is None:
        raise MissingRows(f"the run has no algorithm {algorithm}")
    floats = {name: logical_floats(run.kernels[name]) for name in passes}
    total = sum(floats.values())
    told = " + ".join(f"{number} ({name})" for name, number in floats.items())
    told = f"{told}, as the kernels declare and tests/kernels/test_traffic.py counts"
    return Measured(total, total, total, 1.0, told, is_counted=True, is_declared=True)


QUANTITIES: Mapping[str, Quantity] = {
    "largest-speedup-percent": largest_speedup,
    "slowest-pass-over-memory-percent": slowest_pass,
    "results-not-finite": results_not_finite,
    "floats-per-element": floats_per_element,
}
"""By their names in config/claims.yaml: (evidence, ISA, algorithm) gives Measured, or raises MissingRows."""

OF_RUN: Mapping[str, Callable[[Run, str | None, str | None], object]] = {
    "largest-speedup-percent": lambda run, isa, algorithm: RIVALS.of_run(run),
    "slowest-pass-over-memory-percent": lambda run, isa, algorithm: pass_limits(run, isa),
}
"""What quantities that are pooled take of each run, made once."""
