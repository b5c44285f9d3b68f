"""Whole algorithms of the widest ISA beside other libraries."""

from __future__ import annotations

from harness.experiments import algorithms
from harness.experiments.base import Contender, Kind, Roster


class Peers(Kind):
    """How others compare; no ratio is asked."""

    paired = False
    has_peers = True

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """Every configured algorithm, each of its passes in its tuned variant, and the libraries."""
        return (
            *algorithms.KIND.contenders(roster),
            *(Contender(name, "", (), peer=name) for name in roster.peers),
        )


KIND = Peers()
