"""What claims can be about: a row a quantity."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from analysis.claims import findings, paper
from analysis.claims.measured import Measured
from analysis.tables.pass_limits import pass_limits
from analysis.tables.speedups import RIVALS
from harness.reading.evidence import Evidence
from harness.reading.frontier import LEVELS
from harness.record.samples import Run


@dataclass(frozen=True)
class Quantity:
    """A quantity, and where what is said of it belongs."""

    find: Callable[[Evidence, str | None, str | None], Measured]
    """Finds it by the evidence, an ISA and an algorithm. Raises MissingRows."""
    unit: str
    """With a space before it where there is one."""
    contribution: str
    """The contribution that it is about, by its id in analysis/page/contributions.py."""
    section: str
    """The section of the page that shows what it is judged by."""
    of_run: Callable[[Run, str | None, str | None], object] | None = None
    """What it takes of each run that is pooled, made once and kept with the run."""


def _pooled(of_run: findings.OfRun) -> Quantity:
    """A quantity of the frontier that is found of each run."""
    return Quantity(partial(findings.pooled, of_run), " %", "C4", "frontier", of_run)


QUANTITIES: Mapping[str, Quantity] = {
    "largest-speedup-percent": Quantity(
        paper.largest_speedup, " %", "C3", "speedup", lambda run, isa, algorithm: RIVALS.of_run(run)
    ),
    "slowest-pass-over-memory-percent": Quantity(
        paper.slowest_pass, " %", "C2", "bandwidth", lambda run, isa, algorithm: pass_limits(run, isa)
    ),
    "results-not-finite": Quantity(paper.results_not_finite, "", "C1", "accuracy"),
    "floats-per-element": Quantity(paper.floats_per_element, " N", "C1", "method"),
    "faster-than-two-pass-percent": _pooled(findings.faster_than_two_pass),
    "faster-by-prefetches-percent": _pooled(findings.faster_by_prefetches),
    "lead-by-stores-percent": _pooled(findings.lead_by_stores),
    "behind-fastest-percent": Quantity(
        findings.behind_fastest, " %", "C4", "frontier", lambda run, isa, algorithm: LEVELS.of_run(run)
    ),
    "limit-reached-percent": _pooled(findings.limit_reached),
}
"""By their names in config/claims.yaml."""
