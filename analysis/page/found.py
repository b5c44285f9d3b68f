"""What there is to tell: the bodies of evidence that are drawn, and the verdicts on all claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from analysis import figures
from analysis.claims import verdicts
from analysis.claims.verdicts import Judgement
from analysis.model import forecast
from analysis.tables.machines import machines
from harness.reading import catalog, names
from harness.reading.claims import Claim, load_claims
from harness.reading.evidence import Evidence
from harness.record.errors import HarnessError, MissingRows, UnknownFigure
from harness.record.files import ROOT
from harness.record.machines import load_machines
from harness.record.run import Record
from harness.record.samples import Run, load_runs

MACHINE = "machine"
"""The column of tables of several machines that tells whose a row is."""


def judged(results: Path, claims: Iterable[Claim]) -> tuple[dict[str, list[Run]], list[Judgement]]:
    """The complete runs below a folder by machine, and what they say about claims. A run that cannot be loaded is
    skipped, with a line on standard error."""
    loaded = {name: load_runs(folders) for name, folders in catalog.complete_runs(results).items()}
    runs = {name: those for name, those in loaded.items() if those}
    return runs, verdicts.judge_all(claims, runs, forecast.of_claim)


@dataclass(frozen=True)
class Found:
    """What the runs below one folder say."""

    results: Path
    runs: Mapping[str, Sequence[Run]]
    """All complete ones, by machine."""
    judgements: Sequence[Judgement]

    @classmethod
    def of(cls, results: Path) -> Found:
        """What the complete runs below `results` say about the claims. One that cannot be loaded is skipped, with a
        line on standard error."""
        return cls(results, *judged(results, load_claims()))

    @cached_property
    def bodies(self) -> tuple[Evidence, ...]:
        """What is drawn of each machine, sorted by its name."""
        loaded = {run.folder: run for those in self.runs.values() for run in those}
        drawn = ([loaded[one] for one in its if one in loaded] for its in catalog.evidence(self.results).values())
        return tuple(Evidence.of(those) for those in drawn if those)

    @cached_property
    def labels(self) -> dict[str, str]:
        """What each machine is called, by its name: by brand and microarchitecture, or its name where two would be
        called alike; without a run as its file calls it."""
        titles = {name: known.title for name, known in load_machines().items()}
        runs = {its.newest.machine.name: its.newest.machine for its in self.bodies}
        told = {name: f"{its.brand} ({its.microarchitecture})" for name, its in runs.items()}
        told = {name: name if [*told.values()].count(text) > 1 else text for name, text in told.items()}
        return titles | told

    def label(self, run: Record) -> str:
        """What the machine of a run is called."""
        return self.labels[run.machine.name]

    def table(self, figure: str) -> pd.DataFrame:
        """The table of a figure, of all machines that have it, with MACHINE; empty where none has. ISAs and algorithms
        are called as people call them."""
        tables = []
        for evidence in self.bodies:
            with suppress(MissingRows, UnknownFigure):
                if figures.experiment(figure) in evidence.parts:
                    own = figures.load(figure).TABLE(figures.subject(figure, evidence))
                    tables.append(own.assign(**{MACHINE: self.label(evidence.newest)}))
        return named(pd.concat(tables, ignore_index=True)) if tables else pd.DataFrame()

    @cached_property
    def overview(self) -> pd.DataFrame:
        """The table of all machines; empty where no run has speedups."""
        try:
            return machines(self.bodies)
        except MissingRows:
            return pd.DataFrame()

    @cached_property
    def predicted(self) -> pd.DataFrame:
        """What the model expects of the paper's machines, with MACHINE; empty where what it is made of is not there."""
        tables = []
        for name in forecast.predicted_machines():
            with suppress(HarnessError):
                tables.append(forecast.table(name).assign(**{MACHINE: self.labels[name]}))
        return named(pd.concat(tables, ignore_index=True)) if tables else pd.DataFrame()

    def where(self, run: Run) -> str:
        """The folder of a run as seen from `results`, which says nothing of where that is."""
        return "/".join(run.folder.parts[-3:])

    def without_places(self, text: str) -> str:
        """A text without the folders of this checkout, which may tell whose it is."""
        places = {f"{place}/" for own in (self.results, ROOT) for place in (own, own.resolve())}
        for place in sorted(places - {"./"}, key=len, reverse=True):
            text = text.replace(place, "")
        return text


COLUMNS = {"isa": names.ISAS, **dict.fromkeys(("algorithm", "fastest", "papers_best", "against"), names.ALGORITHMS)}
"""Columns whose values have a name for people."""


def named(table: pd.DataFrame) -> pd.DataFrame:
    """The table with names that people use."""
    held = {column: called for column, called in COLUMNS.items() if column in table}
    return table.assign(
        **{column: table[column].map(lambda name, c=called: c.get(name, name)) for column, called in held.items()}
    )
