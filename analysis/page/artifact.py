"""results/artifact.md: the artifact appendix that committees ask for, filled in from what was run."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis import figures
from analysis.claims.quantities import QUANTITIES
from analysis.claims.told import number
from analysis.claims.verdicts import Judgement
from analysis.page import facts
from analysis.page.contributions import CONTRIBUTIONS, Contribution
from analysis.page.found import Found
from analysis.page.template import environment
from analysis.tables.repeatability import each_run
from analysis.tables.speedups import pooled_speedups
from harness.reading.evidence import Evidence, doubts
from harness.record.documents import read_checked
from harness.record.errors import MissingRows
from harness.record.files import ROOT
from harness.record.machines import CONFIG
from harness.record.run import Record

KNOWN = CONFIG / "artifact.yaml"
TO_BE_FILLED_IN = "to be filled in"
NOT_HERE = "not measured in this checkout"


@dataclass(frozen=True)
class Measured:
    """What reproducing took in this checkout, in words."""

    set_up: str
    build: str
    analysis: str
    disk: str

    @classmethod
    def here(cls, results: Path) -> Measured:
        """By the times and sizes of files, and by what Snakemake noted of building and drawing."""
        environment, ready = (_time(ROOT / ".venv" / name) for name in ("pyvenv.cfg", "ready"))
        sizes = {"the environment": ROOT / ".venv", "built kernels": results / "build", "runs": results / "runs"}
        held = {what: _bytes(folder) for what, folder in sizes.items()}
        return cls(
            _told(ready - environment) if environment and ready and ready > environment else NOT_HERE,
            _noted(results / "logs" / "build"),
            _noted(results / "logs" / "figures"),
            ", ".join(f"{what} {facts.size(size)}" for what, size in held.items() if size) or NOT_HERE,
        )


def _time(file: Path) -> float:
    return file.stat().st_mtime if file.exists() else 0.0


def _bytes(folder: Path) -> int:
    files = (os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    return sum(os.lstat(file).st_size for file in files)


def _noted(folder: Path) -> str:
    """What Snakemake's benchmarks in a folder add up to."""
    seconds = []
    for file in sorted(folder.glob("*.seconds")):
        with file.open(encoding="utf-8", newline="") as text:
            seconds += [float(row["s"]) for row in csv.DictReader(text, delimiter="\t")]
    return _told(sum(seconds)) if seconds else NOT_HERE


def _told(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def render(found: Found, measured: Measured) -> str:
    """The appendix, as Markdown. Raises BadConfiguration."""
    known: Mapping[str, str | None] = read_checked(KNOWN, "artifact")
    return (
        environment()
        .get_template("artifact.md")
        .render(
            found=found,
            facts=facts,
            measured=measured,
            doi=known["doi"] or TO_BE_FILLED_IN,
            contributions=[(one, _verdicts(found, one), _figures(one)) for one in CONTRIBUTIONS],
            variation={found.label(its.newest): variation(its) for its in found.bodies},
            state={found.label(its.newest): state(its.newest) for its in found.bodies},
            tasks={found.label(its.newest): tasks(its) for its in found.bodies},
            numbers=_numbers,
        )
    )


def _verdicts(found: Found, one: Contribution) -> list[Judgement]:
    those = (its for its in found.judgements if its.machine not in found.others)
    return [its for its in those if QUANTITIES[its.claim.quantity].contribution == one.id]


def _figures(one: Contribution) -> list[str]:
    return [name for name in one.figures if name in figures.names()]


def _numbers(judgements: Sequence[Judgement]) -> list[str]:
    """What every machine said of a contribution, in words."""
    return [
        f"{its.claim.id}, {its.machine}: {its.verdict}" + (f", {number(its)}" if its.measured else "")
        for its in judgements
    ]


def variation(evidence: Evidence) -> str:
    """By how much another run may differ from these before it is another result."""
    found = doubts(evidence)
    below = f"differences below the noise floor ({found.floor_told}) are none"
    least = below if found.floor else "the noise floor is not known"
    try:
        table = pooled_speedups(evidence)
    except MissingRows:
        return f"no speedup was measured; {least}"
    if table["between_runs_percent"].isna().all():
        why = "one run" if len(evidence.runs) == 1 else "no two runs have a length in common"
        wide = _half_width(table, "speedup_percent")
        return f"{why}, so only over processes: half intervals of speedups are at most {wide:.1f} points; {least}"
    runs = "; ".join(evidence.cautions)
    if len(evidence.runs) > 1:
        apart = each_run(evidence)["difference_percent_median"].abs().max()
        runs = f"{len(evidence.runs)} runs differ from all pooled by up to {apart:.1f} %"
    return (
        f"{runs}; the next run's speedups are expected within ± {_half_width(table, 'next_run_speedup_percent'):.1f} "
        f"points or less of the pooled ones (tables/MACHINE/speedup.csv); {least}"
    )


def _half_width(table: pd.DataFrame, value: str) -> float:
    """Half of the widest interval that is known of a value."""
    return float((table[f"{value}_high"] - table[f"{value}_low"]).max() / 2)


def state(run: Record) -> dict[str, str]:
    """The state of the machine at run time, as the audit found it."""
    return {row["item"]: f"{row['found']}" + (" (disturbs)" if row["disturbs"] == "yes" else "") for row in run.audit}


def tasks(evidence: Evidence) -> list[str]:
    """The tasks in their order, with parameters and repetitions."""
    run = evidence.newest
    protocol, asked = run.protocol, run.protocol.processes
    repeated = f"{asked.least} to {asked.most} processes" if asked.most else f"{asked.least} processes or more"
    took = ", ".join(f"{facts.minutes(one):.0f} minutes" for one in evidence.runs)
    lengths = sorted({n for items in run.experiments.values() for item in items for n in item.elements})
    return [
        f"T1, build: {len(run.kernels)} passes and loops for {', '.join(run.machine.isas)} by "
        f"{', '.join(run.compilers)}, each checked against a reference before it is timed",
        f"T2, measure (needs T1): protocol `{protocol.name}`, {repeated}, {len(run.experiments)} experiments, "
        f"{len(lengths)} lengths from {lengths[0]:,} to {lengths[-1]:,} elements, seed {run.seed}; {took}",
        "T3, analyse (needs T2): tables, figures, verdicts, this appendix; no repetition, since the same rows give the "
        "same numbers",
    ]
