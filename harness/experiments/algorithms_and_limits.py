"""The paper's algorithms beside the loops that tell how much memory gives to several threads."""

from __future__ import annotations

from harness.experiments import algorithms
from harness.experiments.base import Contender, Kind, Roster


class AlgorithmsAndLimits(Kind):
    """Throughput against its limits; no ratio is asked."""

    paired = False

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """Every algorithm of the paper, and every loop that loads or copies."""
        return (*algorithms.KIND.contenders(roster), *roster.loops("load", "copy"))


KIND = AlgorithmsAndLimits()
