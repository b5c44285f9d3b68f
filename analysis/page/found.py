"""What there is to tell: the bodies of evidence that are drawn, and the verdicts on all claims."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import figures
from analysis.claims import verdicts
from analysis.claims.claims import Claim, load_claims
from analysis.claims.verdicts import Judgement, Said
from analysis.model import forecast
from analysis.page import facts
from analysis.tables.machines import machine
from analysis.tables.speedups import speedups
from harness.reading import catalog, names, parallel
from harness.reading.evidence import Evidence
from harness.record.errors import HarnessError, MissingRows, UnknownFigure
from harness.record.files import ROOT
from harness.record.machines import load_machines
from harness.record.run import Machine, Record
from harness.record.samples import Run, load_runs

MACHINE = "machine"
"""The column of tables of several machines that tells whose a row is."""


MOST = 8
"""Machines that the page shows in full: each takes half a megabyte."""


def judged(results: Path, claims: Sequence[Claim]) -> list[Judgement]:
    """What the complete runs below a folder say about claims. A run that cannot be loaded is skipped, with a line on
    standard error."""
    folders = catalog.complete_runs(results)
    said = dict(zip(folders, parallel.each(partial(_said, claims), [*folders.items()]), strict=True))
    return verdicts.together(claims, {name: its for name, its in said.items() if its}, forecast.of_claim)


def _said(claims: Sequence[Claim], of: tuple[str, Sequence[Path]]) -> Said | None:
    name, folders = of
    runs = load_runs(folders)
    return verdicts.of_machine(claims, name, runs) if runs else None


@dataclass(frozen=True)
class InShort:
    """What the page tells of every machine, and all that it tells of one that it does not show in full."""

    machine: Machine
    pooled: int
    """How many runs are."""
    rows: Sequence[Mapping[str, Any]]
    """`analysis.tables.machines.machine`; none where it has no speedups."""
    trust: str
    said: Said

    @classmethod
    def of(cls, evidence: Evidence, said: Said) -> InShort:
        """What is drawn of a machine, in short, and what all its runs say."""
        rows: Sequence[Mapping[str, Any]] = ()
        with suppress(MissingRows):
            rows = machine(evidence)
        return cls(evidence.newest.machine, len(evidence.runs), rows, facts.brief(evidence), said)


def in_full(results: Path, claims: Iterable[Claim]) -> set[str]:
    """The machines that the page shows in full: first those that a claim is about, then those with the most runs that
    are pooled, of these the ones that were measured last."""
    drawn, about = catalog.drawn(results), {claim.machine for claim in claims}

    def weight(name: str) -> tuple[bool, int, datetime | None]:
        newest = drawn[name][0]
        bodies = [run.facts and run.facts.body for run in drawn[name]]
        pooled = bodies.count(bodies[0]) if bodies[0] else 0
        return name in about, pooled, newest.ended

    return {*sorted(drawn, key=weight, reverse=True)[:MOST]}


@dataclass(frozen=True)
class Reader:
    """What reads runs, and judges them."""

    claims: Sequence[Claim]
    drawn: Mapping[str, Sequence[Path]]

    def run(self, folder: Path) -> Run | None:
        """The run in a folder, with what verdicts take of it alone (`made_once`); None where it cannot be loaded."""
        for run in load_runs([folder]):
            is_drawn = folder in self.drawn[folder.parent.name]
            verdicts.look(self.claims if is_drawn else (), run)
            if is_drawn:
                with suppress(MissingRows):
                    speedups(run)
            return run
        return None

    def told(self, runs: Sequence[Run]) -> InShort:
        """What the runs of a machine say."""
        name = runs[0].folder.parent.name
        drawn = [run for run in runs if run.folder in self.drawn[name]] or runs
        return InShort.of(Evidence.of(drawn), verdicts.of_machine(self.claims, name, runs))

    def in_short(self, folders: Sequence[Path]) -> InShort | None:
        """The same by their folders; None where none can be loaded. They are read one after the other and given up, so
        that no more than those of one machine are needed at once."""
        runs = load_runs(folders)
        return self.told(runs) if runs else None


def _size(folder: Path) -> int:
    """Bytes of the samples in a run's folder."""
    return sum(file.stat().st_size for file in folder.glob("samples.csv*"))


@dataclass(frozen=True)
class Found:
    """What the runs below one folder say."""

    results: Path
    runs: Mapping[str, Sequence[Run]]
    """Of each machine that is shown in full all complete ones."""
    in_short: Mapping[str, InShort]
    """Of every machine that has runs, by name."""
    judgements: Sequence[Judgement]

    @classmethod
    def of(cls, results: Path) -> Found:
        """What the complete runs below `results` say about the claims. One that cannot be loaded is skipped, with a
        line on standard error."""
        claims, folders = load_claims(), catalog.complete_runs(results)
        reader, full = Reader(claims, catalog.evidence(results)), in_full(results, claims)
        shown = [folder for name in folders if name in full for folder in folders[name]]
        largest_first = sorted(shown, key=_size, reverse=True)
        read = dict(zip(largest_first, parallel.each(reader.run, largest_first), strict=True))
        runs = {name: [run for one in folders[name] if (run := read[one])] for name in folders if name in full}
        others = [name for name in folders if name not in full]
        told = dict(zip(others, parallel.each(reader.in_short, [folders[name] for name in others]), strict=True))
        told |= {name: reader.told(those) for name, those in runs.items() if those}
        known = {name: its for name in folders if (its := told.get(name))}
        said = verdicts.together(claims, {name: its.said for name, its in known.items()}, forecast.of_claim)
        return cls(results, {name: those for name, those in runs.items() if those}, known, said)

    @cached_property
    def bodies(self) -> tuple[Evidence, ...]:
        """What is drawn of each machine that is shown in full, sorted by its name."""
        loaded = {run.folder: run for those in self.runs.values() for run in those}
        drawn = ([loaded[one] for one in its if one in loaded] for its in catalog.evidence(self.results).values())
        return tuple(Evidence.of(those) for those in drawn if those)

    @cached_property
    def others(self) -> dict[str, InShort]:
        """The machines that are not shown in full, by name."""
        full = {its.newest.machine.name for its in self.bodies}
        return {name: its for name, its in self.in_short.items() if name not in full}

    @cached_property
    def labels(self) -> dict[str, str]:
        """What each machine is called, by its name: by brand and microarchitecture, or its name where two would be
        called alike; without a run as its file calls it."""
        titles = {name: known.title for name, known in load_machines().items()}
        machines = {name: its.machine for name, its in self.in_short.items()}
        told = {name: f"{its.brand} ({its.microarchitecture})" for name, its in machines.items()}
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
        """A text without the folders that this checkout and the results are in, which may tell whose they are."""
        owners = (self.results.parent, self.results.resolve().parent, ROOT, ROOT.resolve())
        places = {f"{folder}/" for folder in owners}
        for place in sorted(places - {"./", "//"}, key=len, reverse=True):
            # A folder that is told from here may also be the end of a word.
            begins = "" if place.startswith("/") else r"(?<![\w./-])"
            text = re.sub(begins + re.escape(place), "", text)
        return text


COLUMNS = {"isa": names.ISAS, **dict.fromkeys(("algorithm", "fastest", "papers_best", "against"), names.ALGORITHMS)}
"""Columns whose values have a name for people."""


def named(table: pd.DataFrame) -> pd.DataFrame:
    """The table with names that people use."""
    held = {column: called for column, called in COLUMNS.items() if column in table}
    return table.assign(
        **{column: table[column].map(lambda name, c=called: c.get(name, name)) for column, called in held.items()}
    )
