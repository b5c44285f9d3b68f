"""Single passes against the limits that the bandwidth loops tell."""

from __future__ import annotations

from harness.experiments.base import Contender, Kind, Roster


class Passes(Kind):
    """The bandwidth of each pass; no ratio is asked."""

    paired = False
    every_compiler = True

    def contenders(self, roster: Roster) -> tuple[Contender, ...]:
        """Every pass of an algorithm in its tuned variant, and every loop of each bandwidth kernel."""
        singles = (Contender("", name, (roster.tuned[name],), roster.before(name)) for name in roster.passes)
        return (*singles, *roster.loops())


KIND = Passes()
