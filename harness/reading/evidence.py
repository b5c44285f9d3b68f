"""What is drawn and judged: not a run but a body of evidence, all runs of a machine in which the same was timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.reading import catalog
from harness.reading.pooling import pool, spreads
from harness.reading.trust import Verdict, verdict
from harness.record.errors import MissingRows
from harness.record.samples import Run, load_run, load_runs, made_once
from harness.statistics.intervals import TARGET_CONFIDENCE, bounds


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
    def parts(self) -> set[str]:
        """What figures are drawn from: that of the newest run, and "runs" where there are several to compare."""
        return self.newest.parts | ({"runs"} if len(self.runs) > 1 else set())

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


@made_once
def doubts(evidence: Evidence) -> Verdict:
    """What the controls of all runs say of pooled numbers: the largest noise floor of any; an ISA is in doubt where it
    is so in every run, since a run that resolves little has wide intervals and counts as much less."""
    found = [verdict(run) for run in evidence.runs]
    if len(found) == 1:
        return found[0]
    largest = max(found, key=lambda one: one.floor)
    unresolved = {isa: text for isa, text in found[0].unresolved.items() if all(isa in one.unresolved for one in found)}
    told = f"null test passed in each of {len(found)} runs"
    return Verdict(largest.floor_percent, largest.floor_is_of, (), unresolved, told)


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
        """`pooling.spreads` of the body's runs, or of those that lend theirs."""
        return spreads(self._found(evidence.lent or evidence.runs), self.by, self.group)

    def __call__(self, evidence: Evidence, target: float = TARGET_CONFIDENCE) -> pd.DataFrame:
        """`pooling.pool` of the body."""
        return pool(self._found(evidence.runs), self.by, self.group, self.spread(evidence), target)

    def _found(self, runs: Sequence[Run]) -> pd.DataFrame:
        """Of all the runs that have what it takes. Raises MissingRows where none has."""
        tables, missing = [], []
        for run in runs:
            try:
                tables.append(self.effects(run).assign(run=run.name))
            except MissingRows as error:
                missing.append(error)
        if not tables:
            raise missing[0]
        return pd.concat(tables, ignore_index=True)


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
