"""Predictions that were written down before anything was measured, and how they fared.

results/model/sealed/MACHINE.json holds what the model expected of a machine, with the date, the hash of the model's
code and those of what it read. It is written once. A run of that machine that started later is its judge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
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
from harness.record.samples import Run, load_runs
from harness.record.store import read_record

FOLDER = in_core.RECORDED.parent / "sealed"
CODE = Path(__file__).parent
KEYS = ["isa", "compiler", "quantity", "algorithm", "elements"]
UNITS = {"speedup_percent": ("speedups", "points"), "nanoseconds_per_element": ("times", "%")}

Sealed = tuple[str, pd.DataFrame]
"""When it was, and what was expected, as Forecast.table."""


def of_runs(runs: Sequence[Run], elements: Sequence[int]) -> pd.DataFrame:
    """What the model expects of a machine that has runs at lengths of one's choice, as Forecast.table: for each
    compiler and ISA of its newest run by that one's bandwidths, in the variants that it chose, with as much of the core
    as it had at neighbouring lengths. Raises HarnessError where a run has one of the lengths."""
    if known := set(elements) & {n for run in runs for n in run.samples["elements"].unique()}:
        raise HarnessError(f"{runs[0].machine.name}: a run has {min(known)} elements already")
    newest, random = max(runs, key=lambda run: run.started), np.random.default_rng(forecast.SEED)
    at, found, tables = np.log(sorted(elements)), validate.measured(newest), []
    for its in (its for run, its in validate.subjects(runs, in_core.load()) if run is newest):
        rows = found[(found[["isa", "compiler", "kind"]] == [its.isa, its.compiler, validate.ALGORITHM]).all(axis=1)]
        known = rows.groupby("elements")["shared"].first()
        core = replace(its.core, shared=np.interp(at, np.log(known.index), known))
        made = predict(replace(its, core=core), Parameters(), sorted(elements))
        tables.append(forecast.with_errors(made, random).table())
    return pd.concat(tables, ignore_index=True)


def seal(machine: str, table: pd.DataFrame, made_of: Sequence[Path], folder: Path = FOLDER) -> Path:
    """Writes a prediction down; returns the file. `made_of`: beside the recorded tables. Raises HarnessError where the
    machine has one: what was sealed is not changed."""
    file, read = folder / f"{machine}.json", [in_core.RECORDED, validate.RECORDED, validate.ALGORITHMS, *made_of]
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
    """A machine's sealed prediction. Raises HarnessError for a damaged file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return content["sealed"], pd.DataFrame(content["predictions"])
    except (OSError, ValueError, KeyError) as error:
        raise HarnessError(f"{file}: is no sealed prediction: {error}") from error


def judge(machine: str, sealed: Sealed, folders: Sequence[Path]) -> tuple[Run, pd.DataFrame] | None:
    """The first of these runs of a machine that started after its prediction was sealed and has something of it, and
    how that fares (`score`); None where none has."""
    known, when = load_machines().get(machine), datetime.fromisoformat(sealed[0])
    for run in load_runs(one for one in folders if datetime.fromisoformat(read_record(one).started) > when):
        if (known is None or is_evidence(known, run)) and len(table := score(sealed, run)):
            return run, table
    return None


def score(sealed: Sealed, run: Run) -> pd.DataFrame:
    """How a sealed prediction fares against a run, at the lengths of both: KEYS, measured, median, low, high, error
    (points of speedups, percent of times), is_inside. Empty where the run has nothing that was sealed."""
    table = measured(run).merge(sealed[1], on=KEYS)
    off, inside = table["median"] - table["measured"], table["measured"].between(table["low"], table["high"])
    relative = 100 * off / table["measured"]
    return table.assign(error=off.where(table["quantity"] == "speedup_percent", relative), is_inside=inside)


def measured(run: Run) -> pd.DataFrame:
    """Speedups and times of whole algorithms: KEYS, measured."""
    table = validate.measured(run).rename(columns={"name": "algorithm"})
    is_ratio = table["kind"] == validate.SPEEDUP
    table["quantity"] = np.where(is_ratio, *UNITS)
    table["measured"] = table["measured"].where(~is_ratio, 100 * (table["measured"] - 1))
    return table.loc[table["kind"] != validate.PASS, [*KEYS, "measured"]]


def told(judged: tuple[Run, pd.DataFrame] | None) -> str:
    """How it fared in words: of speedups and of times how many, how far off, and how many inside."""
    if judged is None:
        return "no later run of it yet"
    parts = []
    for quantity, own in judged[1].groupby("quantity", sort=False):
        (what, unit), inside = UNITS[quantity], 100 * own["is_inside"].mean()
        parts.append(f"{len(own)} {what}: median error {own['error'].abs().median():.1f} {unit}, {inside:.0f} % inside")
    return f"run {judged[0].name}: {'; '.join(parts)}"
