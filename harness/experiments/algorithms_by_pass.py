"""Every algorithm of the paper, each of its passes timed within a call of the whole."""

from __future__ import annotations

from dataclasses import replace

from harness.experiments import algorithms
from harness.experiments.base import Contender, Kind, Roster


class AlgorithmsByPass(Kind):
    """The parts of each algorithm's time; no ratio is asked."""

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """Every algorithm of the paper, split by pass."""
        return tuple(replace(contender, split=True) for contender in algorithms.KIND.contenders(roster))


KIND = AlgorithmsByPass()
