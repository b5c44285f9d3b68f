"""The paper's algorithms against each other, and whether what is configured as one gives a softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.experiments.base import Contender, Experiment, Kind, Roster, as_ratios
from harness.native.extensions import Kernel
from harness.record.configuration import Config
from harness.record.errors import HarnessError

if TYPE_CHECKING:
    import pandas as pd

    from harness.record.samples import Run


class Algorithms(Kind):
    """The speedups that the claims are about."""

    every_compiler = compares_compilers = True

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """Every algorithm of the paper."""
        return roster.whole(roster.papers)

    def ratios(self, run: Run, experiment: Experiment) -> pd.DataFrame | None:
        """The speedups of Two-Pass; where every number of threads is measured, throughput is asked and no ratio."""
        from harness.statistics import selection
        from harness.statistics.ratios import speedups, team_speedups

        if experiment.threads == "one":
            return as_ratios(speedups(selection.algorithm_rows(run)), "speedup")
        if experiment.threads == "one-and-all":
            return as_ratios(team_speedups(run, experiment.name), "speedup")
        return None


KIND = Algorithms()


def check_passes(config: Config, kernels: Sequence[Kernel]) -> None:
    """Raises HarnessError for an algorithm with a pass that no kernel has, or whose passes give no softmax in their
    order, for controls of passes that have no copy elsewhere, and for input outside the kernels' domain."""
    known = {kernel.name: kernel for kernel in kernels}
    low, high = config["input"]["low"], config["input"]["high"]
    for algorithm, passes in config["algorithms"].items():
        for name in passes:
            if name not in known:
                raise HarnessError(
                    f"algorithms.{algorithm}: there is no pass {name!r}; the passes are {', '.join(sorted(known))}"
                )
        problem = _out_of_order([known[name] for name in passes], list(known.values()))
        if problem:
            raise HarnessError(f"algorithms.{algorithm}: {problem}")
    control = config["controls"]["algorithm"]
    for name in config["algorithms"].get(control, []):
        if not known[name].moved_address:
            raise HarnessError(f"controls.algorithm: {control}: there is no copy elsewhere of {name}")
    used = {name for passes in config["algorithms"].values() for name in passes}
    domain = min(kernel.domain for kernel in kernels if kernel.name in used)
    if max(-low, high) > domain:
        raise HarnessError(f"input: [{low}, {high}] leaves the kernels' domain, |x| <= {domain:.0f}")


def _out_of_order(passes: Sequence[Kernel], known: Sequence[Kernel]) -> str | None:
    """Why these passes, one after the other, give no softmax; None where they do."""
    given, y_is_written = 0, False
    for kernel in passes:
        if not kernel.computes:
            return f"{kernel.name} is a loop that tells the memory's limits, no pass of a softmax"
        if kernel.needs and (kernel.needs != given or (kernel.reads_y and not y_is_written)):
            givers = [k.name for k in known if k.gives == kernel.needs and k.writes_y >= kernel.reads_y]
            return f"{kernel.name} needs the result of {' or '.join(givers)}, which no pass before it gives"
        given = 0 if kernel.completes else kernel.gives or given
        y_is_written = y_is_written or kernel.writes_y > 0
    if not passes[-1].completes:
        enders = [k.name for k in known if k.completes]
        return f"{passes[-1].name} comes last and writes no softmax; {' or '.join(enders)} does"
    return None
