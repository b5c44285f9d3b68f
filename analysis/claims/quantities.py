"""What claims can be about: a row a quantity."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from analysis.claims import findings, paper
from analysis.claims.measured import Measured
from analysis.tables.pass_limits import loop_limits
from analysis.tables.speedups import RIVALS
from harness.reading.frontier import LEVELS

ALGORITHMS = ALGORITHM, THAN = "algorithm", "than"
"""The keys by which a claim names algorithms: which it is of, and than which that is faster."""


@dataclass(frozen=True)
class Quantity:
    """A quantity, and where what is said of it belongs."""

    find: Callable[..., Measured]
    """Finds it by the evidence, an ISA, and what it `asks` for. Raises MissingRows."""
    unit: str
    """With a space before it where there is one."""
    contribution: str
    """The contribution that it is about, by its id in analysis/page/contributions.py."""
    section: str
    """The section of the page that shows what it is judged by."""
    asks: tuple[str, ...] = ()
    """Those of ALGORITHMS that a claim of it must name; it names no other."""
    of_run: Callable[..., object] | None = None
    """What it takes of each run that is pooled, made once and kept with the run: by the run, and as `find`."""


def _pooled(of_run: findings.OfRun, *asks: str) -> Quantity:
    """A quantity of the frontier that is found of each run."""
    return Quantity(partial(findings.pooled, of_run), " %", "C4", "frontier", asks, of_run)


QUANTITIES: Mapping[str, Quantity] = {
    "largest-speedup-percent": Quantity(
        paper.largest_speedup, " %", "C3", "speedup", of_run=lambda run, isa: RIVALS.of_run(run)
    ),
    "slowest-pass-over-memory-percent": Quantity(paper.slowest_pass, " %", "C2", "bandwidth", of_run=loop_limits),
    "results-not-finite": Quantity(paper.results_not_finite, "", "C1", "accuracy", (ALGORITHM,)),
    "floats-per-element": Quantity(paper.floats_per_element, " N", "C1", "method", (ALGORITHM,)),
    "faster-than-percent": _pooled(findings.faster_than, ALGORITHM, THAN),
    "lead-by-stores-percent": _pooled(findings.lead_by_stores),
    "behind-fastest-percent": Quantity(
        findings.behind_fastest, " %", "C4", "frontier", (ALGORITHM,), lambda run, isa, algorithm: LEVELS.of_run(run)
    ),
    "limit-reached-percent": _pooled(findings.limit_reached, ALGORITHM),
}
"""By their names in config/claims.yaml."""
