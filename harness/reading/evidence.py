"""What is drawn and judged: not a run but a body of evidence, all runs of a machine in which the same was timed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from harness.reading import catalog
from harness.reading.pooling import of_percents, pool, regions, spreads
from harness.reading.trust import Verdict, verdict
from harness.record.errors import MissingRows
from harness.record.samples import Run, load_run, load_runs, made_once
from harness.statistics import controls
from harness.statistics.intervals import TARGET_CONFIDENCE, bounds
from harness.statistics.ratios import POINT


@dataclass(frozen=True)
class Evidence:
    """A body of evidence about one machine."""

    runs: tuple[Run, ...]
    """The newest first; behind them those that lack something that is pooled."""
    lent: tuple[Run, ...] = ()
    """Of a body of one run: the runs of another body of the machine, which tell how much its runs differ."""
    left_out: tuple[str, ...] = ()
    """Runs of the body whose null test failed, each with that: nothing that they measured decides."""

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Evidence:
        """The body that the first of these runs of one machine belongs to; the others are of it, lend their spread or
        tell nothing."""
        return bodies(runs)[0]

    @classmethod
    def load(cls, folders: Sequence[Path]) -> Evidence:
        """`of` the runs in these folders. One after the first that cannot be loaded is skipped, with a line on standard
        error. Raises DamagedRun where the first cannot."""
        first, *others = folders
        return cls.of([load_run(first), *load_runs(others)])

    @property
    def newest(self) -> Run:
        """The run that stands for the body where one has to."""
        return self.runs[0]

    @property
    def made(self) -> dict[Any, Any]:
        """What was made of it, kept with the newest run (`made_once`)."""
        return self.newest.made

    @property
    def known_by(self) -> Hashable:
        """What tells it from other evidence with this newest run."""
        return *(tuple(run.name for run in runs) for runs in (self.runs, self.lent)), self.left_out

    @property
    def parts(self) -> set[str]:
        """What figures are drawn from: that of any run, and "runs" where two can be compared, having a length of whole
        algorithms in common: a run of a few lengths more has none with others."""
        points = [
            {(item.isa, item.compiler, n) for item in run.experiments.get("algorithms", ()) for n in item.elements}
            for run in self.runs
        ]
        can_be_compared = any(one & other for one, other in combinations(points, 2))
        return set().union(*(run.parts for run in self.runs)) | ({"runs"} if can_be_compared else set())

    def telling(self, part: str) -> Run:
        """The run that a figure of one run is drawn from: of those that have the part, the newest that looked at it at
        the most points. The paper's protocol takes passes at one length, and one compiler. A run of a few lengths more
        is taken only where no other has the part."""
        have = [run for run in self.runs if part in run.parts] or self.runs
        points = {run.name: sum(len(item.elements) for item in run.experiments.get(part, ())) for run in have}
        return max(have, key=lambda run: (catalog.has_all_pooled(run), points[run.name]))

    @property
    def told(self) -> str:
        """Which runs these are, and what to bear in mind of so many, in words."""
        if len(self.runs) == 1:
            return f"{self.newest.name}: {'; '.join(self.cautions)}"
        return "; ".join([f"{len(self.runs)} runs: {', '.join(run.name for run in self.runs)}", *self.cautions])

    @property
    def period(self) -> str:
        """From when to when the runs were measured, in days of UTC and minutes."""
        first = min(datetime.fromisoformat(run.started) for run in self.runs)
        last = max(datetime.fromisoformat(run.ended or run.started) for run in self.runs)
        return " to ".join(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" for moment in (first, last))

    @property
    def cautions(self) -> list[str]:
        """What to bear in mind of so many runs."""
        if len(self.runs) == 1 and self.lent:
            return [f"one run; how much runs differ is that of {len(self.lent)} others of this machine"]
        if len(self.runs) == 1:
            return ["one run; how much runs differ is not known"]
        two = ["two runs: of how much runs differ there is one example, so intervals are wide"]
        return [*(two if len(self.runs) == 2 else []), *self.left_out]


def bodies(runs: Sequence[Run]) -> list[Evidence]:
    """Runs of one machine as bodies of evidence, in the order of the first of each. A run without a sound null test is
    left out where another of its body has one: its own numbers decide nothing, and that was found out without a look at
    them."""
    found = [_sound(group) for group in catalog.in_bodies(runs, catalog.body)]
    several = [body for body in found if len(body.runs) > 1]
    lent = several[0].runs if several else ()
    return [body if len(body.runs) > 1 else replace(body, lent=lent) for body in found]


def _sound(group: Sequence[Run]) -> Evidence:
    newest_first = sorted(group, key=catalog.standing, reverse=True)
    if len(group) == 1:
        return Evidence(tuple(newest_first))
    sound = [run for run in newest_first if not verdict(run).faults]
    left_out = tuple(f"{run.name} is left out: {verdict(run).faults[0]}" for run in newest_first if run not in sound)
    return Evidence(tuple(sound), left_out=left_out) if sound else Evidence((newest_first[0],), left_out=left_out[1:])


@dataclass(frozen=True)
class Pooled:
    """How a number is pooled over runs."""

    effects: Callable[[Run], pd.DataFrame]
    """Of a run, as `pooling.effects` and with all columns of `by` and `group`."""
    by: tuple[str, ...]
    """What tells points apart."""
    group: tuple[str, ...]
    """What points have in common that share the spread of their runs."""

    @made_once
    def spread(self, evidence: Evidence) -> pd.DataFrame:
        """`pooling.spreads` of the body's runs; empty where they have not what it takes."""
        try:
            found = self._found(evidence.runs)
        except MissingRows:
            found = pd.DataFrame(columns=list(dict.fromkeys([*self.by, *self.group])))
        return spreads(found, self.by, self.group)

    def __call__(self, evidence: Evidence, target: float = TARGET_CONFIDENCE) -> pd.DataFrame:
        """`pooling.pool` of the body. Raises MissingRows."""
        spread = self.spread(Evidence(evidence.lent or evidence.runs))
        return pool(self._found(evidence.runs), self.by, self.group, spread, target)

    def _found(self, runs: Sequence[Run]) -> pd.DataFrame:
        """Of all the runs that have what it takes. Raises MissingRows where none has."""
        return pd.concat(of_each(runs, self.of_run), ignore_index=True)

    @made_once
    def of_run(self, run: Run) -> pd.DataFrame:
        """What a run finds, with the run."""
        return self.effects(run).assign(run=run.name)


def of_each(runs: Sequence[Run], show: Callable[[Run], pd.DataFrame]) -> list[pd.DataFrame]:
    """What those of the runs show that have what it takes. Raises MissingRows where none has."""
    tables, missing = [], []
    for run in runs:
        try:
            tables.append(show(run))
        except MissingRows as error:
            missing.append(str(error))
    if not tables:
        raise MissingRows(missing[0])
    return tables


ENDS = {"": "", "mean_": "mean_", "next_": "next_run_"}


def in_percent(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """A pooled table with NAME_percent_median, _low, _high, and the same of mean_ and next_run_ without a median; and
    between_runs_percent, between_runs_share, in place of logarithms of ratios."""
    told = {"effect": bounds(f"{name}_percent")[0]}
    for what, called in ENDS.items():
        told |= {f"{what}{end}": f"{called}{name}_percent_{end}" for end in ("low", "high")}
    percents = {new: 100 * np.expm1(table[old].astype(float)) for old, new in told.items()}
    between = {
        "between_runs_percent": 100 * np.expm1(table["between"].astype(float)),
        "between_runs_share": table["share"],
    }
    return table.drop(columns=[*told, "between", "share"]).assign(**percents, **between)


def null_effects(run: Run) -> pd.DataFrame:
    """What a run finds of each control, as `pooling.effects`. Raises MissingRows."""
    return of_percents(controls.differences(run), "difference_percent", NULL_POINT)


NULL_POINT = [*POINT, "control"]
NULLS = Pooled(null_effects, tuple(NULL_POINT), tuple(POINT))


@made_once
def differences(evidence: Evidence) -> pd.DataFrame:
    """`controls.differences` of all runs of a body: their medians and intervals are of what is common to all runs. Of
    a comparison that only one run has, they are that run's.

    Returns its columns, and runs. Raises MissingRows.
    """
    each = pd.concat(of_each(evidence.runs, controls.differences))
    pooled = in_percent(NULLS(evidence), "difference").assign(confidence=TARGET_CONFIDENCE)
    ends = {f"difference_percent_{end}": pooled[f"mean_difference_percent_{end}"] for end in ("low", "high")}
    pooled = pooled.assign(**ends).merge(each[[*NULL_POINT, "kind", "planted_percent"]].drop_duplicates(NULL_POINT))
    table = pd.concat([pooled, each.assign(runs=1)]).drop_duplicates(NULL_POINT)
    return table.sort_values([*POINT, "planted_percent", "control"], ignore_index=True)[[*each, "runs"]]


def furthest(examples: pd.Series) -> float:
    """How far from 0 a further one of these will be at most, at 95 %, if 0 is their mean: Student's t with a degree of
    freedom for each."""
    return float(stdtrit(len(examples), (1 + TARGET_CONFIDENCE) / 2) * (examples**2).mean() ** 0.5)


@made_once
def doubts(evidence: Evidence) -> Verdict:
    """What the controls of all runs say of pooled numbers. An ISA is in doubt where it is so in every run, since a run
    that resolves little has wide intervals and counts as much less.

    How far one run is off is in the intervals of all that is pooled, by how much its runs differ. What must be added is
    what all runs are off by, and of that the controls' pooled differences are examples wherever there is none: the
    noise floor of a region of the caches is how far off, at 95 %, a further comparison of what is equal will be.
    """
    found = [verdict(run) for run in evidence.runs]
    if len(found) == 1:
        return found[0]
    nulls = differences(evidence).query("kind != 'planted'")
    logs = np.log1p(nulls["difference_percent_median"] / 100)
    by_region = logs.groupby(regions(nulls["elements"], evidence.newest.machine))
    found_in = {region: float(100 * np.expm1(furthest(its))) for region, its in by_region}
    unresolved = {isa: text for isa, text in found[0].unresolved.items() if all(isa in one.unresolved for one in found)}
    told = f"null test passed in each of {len(found)} runs"
    largest = max(found_in, key=found_in.__getitem__)
    return Verdict(found_in[largest], largest, (), unresolved, told, found_in)


def floors(evidence: Evidence, elements: np.ndarray | pd.Series) -> np.ndarray:
    """The noise floor of numbers at these lengths, in percent."""
    found = doubts(evidence)
    return np.array([found.floor_in(region) for region in regions(elements, evidence.newest.machine)])
