"""Every algorithm, the paper's and later ones, beside the loops that tell what the least traffic of a softmax takes."""

from __future__ import annotations

from harness.experiments.base import Contender, Kind, Roster

LEAST_TRAFFIC = ("load",), ("copy", "copy_nt")
"""Two reads and a write: who sees an element for the first time can't know the sum. Of each part the fastest loop
counts."""


class Frontier(Kind):
    """Which algorithm is the fastest where, and how much faster any could be. A run does not go on for these ratios."""

    paired = False

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """Every algorithm, and every loop of the least traffic."""
        return (
            *roster.whole(roster.config["algorithms"]),
            *(loop for names in LEAST_TRAFFIC for loop in roster.loops(*names)),
        )


KIND = Frontier()
