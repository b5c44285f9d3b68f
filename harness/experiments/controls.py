"""Known answers: an algorithm against itself, against its copy elsewhere, and with planted extra work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.experiments.base import Contender, Experiment, Kind, Roster, as_ratios
from harness.record.configuration import Config
from harness.record.run import Control

if TYPE_CHECKING:
    import pandas as pd

    from harness.record.samples import Run


def controls(config: Config) -> dict[str, Control]:
    """The contenders whose ratio to an algorithm is known, by their names in rows."""
    name = config["controls"]["algorithm"]
    planted = {f"{name}-plus-{p}-percent": Control(name, False, p) for p in config["controls"]["extra_percent"]}
    return {f"{name}-again": Control(name, False, 0), f"{name}-moved": Control(name, True, 0), **planted}


class Controls(Kind):
    """The difference of each control to its algorithm."""

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """The controls, and the algorithm that they are compared with, each of its passes in its tuned variant."""
        name = roster.config["controls"]["algorithm"]
        kernels = roster.of(name)
        return (
            Contender(name, "", kernels),
            *(
                Contender(control, "", kernels, moved=its.moved, extra_percent=its.extra_percent)
                for control, its in controls(roster.config).items()
            ),
        )

    def ratios(self, run: Run, experiment: Experiment) -> pd.DataFrame:
        """Each control's time over its algorithm's."""
        from harness.statistics.controls import differences

        return as_ratios(differences(run), "difference")


KIND = Controls()
