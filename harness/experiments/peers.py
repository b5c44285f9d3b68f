"""All algorithms of the widest ISA beside other libraries."""

from __future__ import annotations

from harness.experiments.base import Contender, Kind, Roster


class Peers(Kind):
    """How others compare; no ratio is asked."""

    paired = False
    has_peers = True

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """Every algorithm, the paper's and later ones, and the libraries."""
        return (
            *roster.whole(roster.config["algorithms"]),
            *(Contender(name, "", (), peer=name) for name in roster.peers),
        )


KIND = Peers()
