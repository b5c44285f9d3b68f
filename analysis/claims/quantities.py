"""What a claim is about: quantities, each measured from one run with an interval. A quantity is one function here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.tables.pass_limits import of_isa, out_of_cache, pass_limits
from analysis.tables.speedups import largest
from harness.reading import names
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
    is_counted: bool = False
    """Counted, so that no noise bears on it."""
    is_declared: bool = False
    """What the kernels say of themselves: a test holds them to it, not the run."""


def largest_speedup(run: Run, isa: str | None, algorithm: str | None) -> Measured:
    """Largest speedup of Two-Pass over the better Three-Pass at any out-of-cache length, in percent."""
    far = out_of_cache(of_isa(selection.algorithm_rows(run), isa, run), run)
    if isa not in largest(run).index:
        raise MissingRows("no round has both Two-Pass and a Three-Pass algorithm")
    best = largest(run).loc[isa]
    lengths = far["elements"].nunique()
    return Measured(
        *best[bounds("speedup_percent")],
        best["confidence"],
        f"over {names.SHORT_ALGORITHMS[best['against']]} at {names.count(best['elements'])} elements, the largest of "
        f"{lengths} out-of-cache length{'s' if lengths > 1 else ''}; {best['processes']} processes, {best['compiler']}",
    )


def slowest_pass(run: Run, isa: str | None, algorithm: str | None) -> Measured:
    """By how much the pass of Three-Pass that is farthest from it exceeds the time of memory alone, in percent."""
    table = pass_limits(run, isa)
    worst = table.loc[table["over_memory_percent_median"].idxmax()]
    return Measured(
        worst["over_memory_percent_median"],
        table["over_memory_percent_low"].max(),
        table["over_memory_percent_high"].max(),
        1 - (1 - table["confidence"]).sum(),
        "; ".join(_limit(row) for _, row in table.sort_values("over_memory_percent_median").iterrows()),
    )


def _limit(row: pd.Series) -> str:
    """A pass against memory, in words."""
    text = f"{row['pass']} {1 + row['over_memory_percent_median'] / 100:.2f} × {row['loop'].split()[0]}"
    if np.isnan(row["computing_percent"]):
        return text
    bound = ", compute-bound" if row["computing_percent"] > 100 else ""
    return f"{text} (computing alone {row['computing_percent'] / 100:.2f} ×{bound})"


def results_not_finite(run: Run, isa: str | None, algorithm: str | None) -> Measured:
    """How many results of an algorithm were not finite, for inputs anywhere in the kernels' domain."""
    checks = [check for check in run.domain if check["algorithm"] == algorithm and isa in (None, check["isa"])]
    if not checks:
        raise MissingRows(f"the run did not look at the domain of {algorithm}")
    wrong = sum(check["not_finite"] for check in checks)
    errors = [check["largest_sum_error"] for check in checks if check["largest_sum_error"] is not None]
    isas = ", ".join(names.ISAS[isa] for isa in dict.fromkeys(check["isa"] for check in checks))
    passes = run.algorithms[algorithm or ""]
    told = (
        f"of {sum(check['results'] for check in checks):,} results for |x| up to "
        f"{min(check['largest_magnitude'] for check in checks):,.0f} ({isas}); the passes are {' and '.join(passes)}; "
        f"largest |Σy - 1| {max(errors, default=float('nan')):.1g}"
    )
    return Measured(wrong, wrong, wrong, 1.0, told, is_counted=True)


def floats_per_element(run: Run, isa: str | None, algorithm: str | None) -> Measured:
    """Floats that an algorithm reads and writes for each element, as its passes declare and a test counts."""
    passes = run.algorithms.get(algorithm or "")
    if passes is None:
        raise MissingRows(f"the run has no algorithm {algorithm}")
    floats = {name: logical_floats(run.kernels[name]) for name in passes}
    total = sum(floats.values())
    told = " + ".join(f"{number} ({name})" for name, number in floats.items())
    told = f"{told}, as the kernels declare and tests/kernels/test_traffic.py counts"
    return Measured(total, total, total, 1.0, told, is_counted=True, is_declared=True)


QUANTITIES: Mapping[str, Callable[[Run, str | None, str | None], Measured]] = {
    "largest-speedup-percent": largest_speedup,
    "slowest-pass-over-memory-percent": slowest_pass,
    "results-not-finite": results_not_finite,
    "floats-per-element": floats_per_element,
}
"""By their names in config/claims.yaml: (run, ISA, algorithm) gives Measured, or raises MissingRows."""
