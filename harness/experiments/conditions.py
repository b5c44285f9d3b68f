"""What memory and the last-level cache give while a run goes on: the best plain loops."""

from __future__ import annotations

from harness.experiments.base import Contender, Kind, Roster

LOOPS = ("load", "copy")
MEMORY = "memory"
"""The flag of a sample that was taken while a cache or memory that its operands reach gave too little."""
# By how much less than the run's median they give where that is flagged. Around L3's size two runs of a Zen 4 whose
# memory gave 31 and 26 GB/s told speedups 10 to 16 points apart; medians of one spread by 3 to 6 %.
LARGEST_DROP = 0.10


class Conditions(Kind):
    """The conditions that the others were measured under; no ratio is asked."""

    paired = False
    around_groups = True

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """The loop that stands for each of those that load and copy."""
        return tuple(Contender("", name, (roster.tuned[name],)) for name in LOOPS)


KIND = Conditions()
