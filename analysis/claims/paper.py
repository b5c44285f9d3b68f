"""What the paper's claims are about: quantities, each measured by a body of evidence with an interval."""

import numpy as np
import pandas as pd

from analysis.claims.measured import Measured, of_row
from analysis.tables.pass_limits import pooled_limits
from analysis.tables.speedups import largest
from harness.reading import names
from harness.reading.evidence import Evidence
from harness.reading.pooling import OUT_OF_CACHE, largest_of
from harness.record.errors import MissingRows
from harness.statistics.traffic import logical_floats


def largest_speedup(evidence: Evidence, isa: str | None) -> Measured:
    """Largest speedup of Two-Pass over the better Three-Pass at any out-of-cache length, in percent."""
    found = largest(evidence)
    if isa not in found.index:
        raise MissingRows(f"no round of {names.ISAS.get(isa or '', isa)} has both Two-Pass and a Three-Pass algorithm")
    best = found.loc[isa]
    if not best["is_out_of_cache"]:
        raise MissingRows("no length was measured that is out of cache")
    told = (
        f"over {names.SHORT_ALGORITHMS[best['against']]} at {names.count(best['elements'])} elements, the largest of "
        f"{best['of']}; {best['processes']} processes, {best['compiler']}"
    )
    return of_row(best, "speedup_percent", told, OUT_OF_CACHE)


def slowest_pass(evidence: Evidence, isa: str | None) -> Measured:
    """By how much the pass of Three-Pass that is farthest from it exceeds the time of memory alone, in percent."""
    table = pooled_limits(evidence, isa)
    told = "; ".join(_limit(row) for _, row in table.sort_values("over_memory_percent_median").iterrows())
    return of_row(largest_of(table, "over_memory_percent"), "over_memory_percent", told, OUT_OF_CACHE)


def _limit(row: pd.Series) -> str:
    """A pass against memory, in words."""
    text = f"{row['pass']} {1 + row['over_memory_percent_median'] / 100:.2f} × {row['loop'].split()[0]}"
    if np.isnan(row["computing_percent"]):
        return text
    bound = ", compute-bound" if row["computing_percent"] > 100 else ""
    return f"{text} (computing alone {row['computing_percent'] / 100:.2f} ×{bound})"


def results_not_finite(evidence: Evidence, isa: str | None, algorithm: str) -> Measured:
    """How many results of an algorithm were not finite, for inputs anywhere in the kernels' domain."""
    every = [check for run in evidence.runs for check in run.domain]
    checks = [check for check in every if check["algorithm"] == algorithm and isa in (None, check["isa"])]
    if not checks:
        raise MissingRows(f"the run did not look at the domain of {algorithm}")
    wrong = sum(check["not_finite"] for check in checks)
    errors = [check["largest_sum_error"] for check in checks if check["largest_sum_error"] is not None]
    isas = ", ".join(names.ISAS[isa] for isa in dict.fromkeys(check["isa"] for check in checks))
    passes = evidence.newest.algorithms[algorithm]
    told = (
        f"of {sum(check['results'] for check in checks):,} results for |x| up to "
        f"{min(check['largest_magnitude'] for check in checks):,.0f} ({isas}); the passes are {' and '.join(passes)}; "
        f"largest |Σy - 1| {max(errors, default=float('nan')):.1g}"
    )
    return Measured(wrong, wrong, wrong, 1.0, told, is_counted=True)


def floats_per_element(evidence: Evidence, isa: str | None, algorithm: str) -> Measured:
    """Floats that an algorithm reads and writes for each element, as its passes declare and a test counts."""
    run = evidence.newest
    passes = run.algorithms.get(algorithm)
    if passes is None:
        raise MissingRows(f"the run has no algorithm {algorithm}")
    floats = {name: logical_floats(run.kernels[name]) for name in passes}
    total = sum(floats.values())
    told = " + ".join(f"{number} ({name})" for name, number in floats.items())
    told = f"{told}, as the kernels declare and tests/kernels/test_traffic.py counts"
    return Measured(total, total, total, 1.0, told, is_counted=True, is_declared=True)
