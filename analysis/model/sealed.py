"""Predictions that were written down before anything was measured, and how they fared. Each is a file of
results/model/sealed/ that is written once; the first run of its machine that started later is its judge."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.model import forecast, in_core, validate
from analysis.model.times import Parameters, predict
from harness.record.errors import HarnessError
from harness.record.files import ROOT, write_whole
from harness.record.machines import is_evidence, load_machines
from harness.record.samples import Run

FOLDER = in_core.RECORDED.parent / "sealed"
CODE = Path(__file__).parent
KEYS = ["isa", "compiler", "quantity", "algorithm", "elements"]
UNITS = {forecast.SPEEDUP_PERCENT: ("speedups", "points"), forecast.NANOSECONDS: ("times", "%")}


@dataclass(frozen=True)
class Sealed:
    """What was expected of a machine, and how it fared."""

    machine: str
    when: str
    expected: pd.DataFrame
    """As Forecast.table."""
    judge: Run | None = None
    score: pd.DataFrame | None = None
    """As `scored`; None like its judge while no run was one."""

    @property
    def told(self) -> str:
        """How it fared, in words: of speedups and of times how many, how far off, and how many inside."""
        parts = []
        for quantity, own in [] if self.score is None else self.score.groupby("quantity", sort=False):
            (what, unit), off, inside = UNITS[quantity], own["error"].abs().median(), 100 * own["is_inside"].mean()
            parts.append(f"{len(own)} {what}: median error {off:.1f} {unit}, {inside:.0f} % inside")
        judge = f"run {self.judge.name}: {'; '.join(parts)}" if self.judge else "no later run of it yet"
        compilers = " and ".join(self.expected["compiler"].unique())
        return f"{self.machine}, {compilers}, sealed {datetime.fromisoformat(self.when):%Y-%m-%d %H:%M} UTC: {judge}"


def of_runs(runs: Sequence[Run], elements: Sequence[int], loops: pd.DataFrame | None = None) -> pd.DataFrame:
    """What the model expects of a machine at these lengths, as Forecast.table: by what the first of its runs measured,
    in the variants that it chose; or of a compiler whose `loops` there (in_core.table) are given, in those of the
    fewest cycles. Raises HarnessError where a run has one of the lengths, or the first one's loops are missing."""
    first, random, at = runs[0], np.random.default_rng(forecast.SEED), np.log(sorted(elements))
    subjects = [its for run, its in validate.subjects(runs, in_core.load()) if run is first]
    if not subjects:
        raise HarnessError(f"{first.folder}: no loops of its kernels are recorded ({in_core.REFRESH})")
    if loops is not None:
        name, cycles = loops["compiler"].iloc[0], {isa: in_core.intervals(own) for isa, own in loops.groupby("isa")}
        ours = [its for its in subjects if its.compiler == first.primary and its.isa in cycles]
        subjects = [replace(its, compiler=name, loops=cycles[its.isa]) for its in ours]
    compilers, found, tables = {its.compiler for its in subjects}, validate.measured(first), []
    for samples in (run.samples[run.samples["compiler"].isin(compilers)] for run in runs):
        if known := {*samples["elements"]}.intersection(elements):
            raise HarnessError(f"{first.machine.name}: a run has {min(known)} elements already")
    for its in subjects:
        rows = found[(found["isa"] == its.isa) & (found["kind"] == validate.ALGORITHM)]
        shared = rows.groupby("elements")["shared"].median()
        parameters = Parameters(shared=np.interp(at, np.log(shared.index), shared))
        tables.append(forecast.with_errors(predict(its, parameters, sorted(elements)), random).table())
    return pd.concat(tables, ignore_index=True)


def seal(machine: str, name: str, table: pd.DataFrame, made_of: Sequence[Path]) -> Path:
    """Writes a prediction down in NAME.json; returns the file. `made_of`: beside the recorded tables. Raises
    HarnessError where it is there: what was sealed is not changed."""
    file, read = FOLDER / f"{name}.json", [in_core.RECORDED, validate.RECORDED, validate.ALGORITHMS, *made_of]
    if file.exists():
        raise HarnessError(f"{file}: is sealed already; what was sealed is not changed")
    content = {
        "machine": machine,
        "sealed": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": sha256(b"".join(path.read_bytes() for path in sorted(CODE.glob("*.py")))).hexdigest(),
        "inputs": {str(path.resolve().relative_to(ROOT)): sha256(path.read_bytes()).hexdigest() for path in read},
        "predictions": table.round(4).to_dict("records"),
    }
    write_whole({file: (json.dumps(content, indent=1) + "\n").encode()})
    return file


def load(file: Path) -> Sealed:
    """A sealed prediction. Raises HarnessError for a damaged file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return Sealed(content["machine"], content["sealed"], pd.DataFrame(content["predictions"]))
    except (OSError, ValueError, KeyError) as error:
        raise HarnessError(f"{file}: is no sealed prediction: {error}") from error


def judged(runs: Callable[[str], Sequence[Run] | None]) -> dict[str, Sealed]:
    """All that was sealed, by the names of the files, with how it fares against the `runs` of its machine. Raises
    HarnessError for a damaged file."""
    every = {file.stem: load(file) for file in sorted(FOLDER.glob("*.json"), key=lambda file: file.stem)}
    return {name: judged_by(one, runs(one.machine) or ()) for name, one in every.items()}


def judged_by(sealed: Sealed, runs: Sequence[Run]) -> Sealed:
    """With its judge: the first of these runs of the machine that started later and has something of it."""
    known, starts = load_machines().get(sealed.machine), {run: datetime.fromisoformat(run.started) for run in runs}
    for run in sorted(runs, key=lambda run: (starts[run], run.name)):
        asked = {n for item in run.experiments.get("algorithms", ()) for n in item.elements}
        its = starts[run] > datetime.fromisoformat(sealed.when) and not asked.isdisjoint(sealed.expected["elements"])
        if its and (known is None or is_evidence(known, run)) and len(table := scored(sealed.expected, run)):
            return replace(sealed, judge=run, score=table)
    return sealed


def scored(expected: pd.DataFrame, run: Run) -> pd.DataFrame:
    """How a prediction fares against a run, at the lengths of both: KEYS, measured, median, low, high, error (points of
    speedups, percent of times), is_inside. Empty where the run has nothing of it."""
    table = measured(run).merge(expected, on=KEYS)
    off, relative = table["median"] - table["measured"], 100 * (table["median"] / table["measured"] - 1)
    error = off.where(table["quantity"] == forecast.SPEEDUP_PERCENT, relative)
    return table.assign(error=error, is_inside=table["measured"].between(table["low"], table["high"]))


def measured(run: Run) -> pd.DataFrame:
    """Speedups and times of whole algorithms: KEYS, measured."""
    table = validate.measured(run).rename(columns={"name": "algorithm"})
    is_ratio = table["kind"] == validate.SPEEDUP
    table["quantity"] = np.where(is_ratio, forecast.SPEEDUP_PERCENT, forecast.NANOSECONDS)
    table["measured"] = table["measured"].where(~is_ratio, 100 * (table["measured"] - 1))
    return table.loc[table["kind"] != validate.PASS, [*KEYS, "measured"]]
