"""What the known answers of a run say about its other numbers.

What they show of a difference that is not there is the noise floor, and an interval that misses what was planted, or a
difference of an algorithm to itself, is a fault of the measurement.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from harness.reading import names
from harness.record import exactness
from harness.record.machines import emulator
from harness.record.run import Record
from harness.record.samples import Run, made_once
from harness.statistics import controls, selection

IMPROBABLE = 0.01
"""False alarms as many as this or fewer runs would have by chance, if their intervals deserve their confidence, are a
fault."""


@dataclass(frozen=True)
class Verdict:
    """What the controls and the results of a run say about its other numbers."""

    floor_percent: float
    """The noise floor: no smaller difference is called one. NaN without controls."""
    floor_is_of: str
    """Which comparison showed it."""
    faults: tuple[str, ...]
    """Why no number of the run can be trusted; empty where they can."""
    unresolved: Mapping[str, str]
    """By ISA, why nothing is decided there: the largest planted difference was not seen, or there was no null test."""
    told: str
    """The counts, in words."""
    floors: Mapping[str, float] = field(default_factory=dict)
    """Of pooled runs, the noise floor in percent by region of the caches (`pooling.regions`)."""

    @property
    def floor(self) -> float:
        """The noise floor in percent, 0 where it is not known."""
        return 0.0 if math.isnan(self.floor_percent) else self.floor_percent

    def floor_in(self, region: str) -> float:
        """The noise floor in a region of the caches, in percent: the largest of any where none is known of it."""
        return self.floors.get(region, self.floor)

    @property
    def floor_told(self) -> str:
        """The noise floor in words."""
        told = ", ".join(f"{floor:.2g} % {region}" for region, floor in self.floors.items())
        return told or f"{self.floor_percent:.2g} %"

    def doubt(self, isa: str) -> str:
        """Why a number of this ISA decides nothing; empty where it may."""
        return "; ".join([*self.faults, *([self.unresolved[isa]] if isa in self.unresolved else [])])


def disturbed_share(runs: Sequence[Record]) -> float:
    """Which share (0 to 1) of the samples of these runs was disturbed."""
    return sum(run.vetoes.disturbed_samples for run in runs) / max(1, sum(run.vetoes.samples for run in runs))


@made_once
def verdict(run: Run) -> Verdict:
    """The noise floor of a run, whether its null and recovery tests are passed, whether its results are right, and
    whether a processor measured them."""
    emulated = [f"an emulator measured this ({told})"] if (told := emulator(run)) else []
    wrong = [*emulated, *exactness.faults(run)]
    if not controls.are_in(run):
        return Verdict(float("nan"), "", (*wrong, "the run has no null test"), {}, "no null test")
    table = controls.differences(run)
    low, high = table["difference_percent_low"], table["difference_percent_high"]
    table = table.assign(wrong=(low > table["planted_percent"]) | (high < table["planted_percent"]))
    again, planted = (table[table["kind"] == kind] for kind in ("again", "planted"))
    faults = [
        f"null test failed: {those['wrong'].sum()} of {len(those)} {what} (chance {chance:.1g})"
        for those, what in (
            (again, "comparisons of an algorithm with itself show a difference"),
            (planted, "planted differences lie outside their intervals"),
        )
        if (chance := probability(those)) < IMPROBABLE / 2
    ]
    nulls = table[table["kind"] != "planted"]
    worst = nulls.loc[nulls["difference_percent_median"].abs().idxmax()]
    return Verdict(
        float(abs(worst["difference_percent_median"])),
        f"{worst['control']}, {names.ISAS[worst['isa']]}, {names.count(worst['elements'])} elements",
        (*wrong, *faults),
        _unresolved(run, table),
        f"{again['wrong'].sum()} of {len(again)} null intervals of {originals(run)} and "
        f"{planted['wrong'].sum()} of {len(planted)} planted ones are wrong",
    )


def originals(run: Run) -> str:
    """The algorithms that have controls."""
    return ", ".join(map(names.algorithm, dict.fromkeys(control.algorithm for control in run.controls.values())))


def probability(table: pd.DataFrame) -> float:
    """Chance of so many errors or more, if every interval of the table (wrong, confidence) errs as often as its
    confidence admits. Controls of one question share what they are compared with, and so err together: they count as
    one, which errs where any of them does."""
    if not len(table):
        return 1.0
    cells = table.assign(error=1 - table["confidence"]).groupby(["isa", "compiler", "elements"])
    wrong, error = cells["wrong"].any(), cells["error"].sum()
    trials, chance = len(wrong), float(error.clip(upper=1).mean())
    so_many = range(int(wrong.sum()), trials + 1)
    return sum(math.comb(trials, n) * chance**n * (1 - chance) ** (trials - n) for n in so_many)


def _unresolved(run: Run, table: pd.DataFrame) -> dict[str, str]:
    """By ISA, why nothing is decided there: the largest planted difference was not told from none, or no known answer
    was asked for out of cache, where the claims are."""
    planted = table[table["kind"] == "planted"]
    largest = planted[planted["planted_percent"] == planted["planted_percent"].max()]
    blind = largest[largest["difference_percent_low"] <= 0]
    found = {
        isa: f"a planted {those['planted_percent'].iloc[0]:g} % was not seen at "
        + ", ".join(names.count(elements) for elements in those["elements"])
        + " elements"
        for isa, those in blind.groupby("isa")
    }
    timed = run.samples.loc[run.samples["experiment"] == "algorithms", ["isa", "elements"]].drop_duplicates()
    for isa in selection.isas(timed):
        asked, known = (rows.loc[rows["isa"] == isa, "elements"] for rows in (timed, table))
        if run.machine.is_out_of_cache(asked).any() and not run.machine.is_out_of_cache(known).any():
            found.setdefault(isa, "no null test out of cache")
    return found
