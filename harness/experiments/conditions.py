"""What memory and the last-level cache give while a run goes on: the best plain loops."""

from __future__ import annotations

from harness.experiments.base import Contender, Kind, Roster

LOOPS = ("load", "copy")


class Conditions(Kind):
    """The conditions that the others were measured under; no ratio is asked."""

    paired = False
    around_groups = True

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """The loop that stands for each of those that load and copy."""
        return tuple(Contender("", name, (roster.tuned[name],)) for name in LOOPS)


KIND = Conditions()
