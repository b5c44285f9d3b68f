"""What it costs to fold sums into doubles: each pass that sums beside the same that accumulates as published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.experiments.base import Contender, Experiment, Kind, Roster, as_ratios

if TYPE_CHECKING:
    import pandas as pd

    from harness.record.samples import Run


class Accumulations(Kind):
    """The cost of our sums."""

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """Every pass that sums, in its tuned variant, beside the same that sums in float lanes to the end."""
        return tuple(
            Contender("", kernel.name, (kernel,), roster.before(name))
            for name in roster.passes
            if (theirs := roster.as_published(roster.tuned[name]))
            for kernel in (roster.tuned[name], theirs)
        )

    def ratios(self, run: Run, experiment: Experiment) -> pd.DataFrame:
        """The time of ours over that of the published."""
        from harness.statistics.ratios import folding_costs

        return as_ratios(folding_costs(run), "cost")


KIND = Accumulations()
