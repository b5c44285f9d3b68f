"""Predictions that were written down before anything was measured, and how they fared.

results/model/sealed/MACHINE.json holds what the model expected of a machine, with the date, the hash of the model's
code and those of what it read. It is written once. A run of that machine that started later is its judge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.model import calibrate, forecast, in_core
from analysis.model.times import Parameters, predict
from harness.record.errors import HarnessError
from harness.record.files import ROOT, write_whole
from harness.record.machines import MACHINES
from harness.record.samples import Run

FOLDER = in_core.RECORDED.parent / "sealed"
CODE = Path(__file__).parent
NEAR = 1.16
"""A measured length is judged by a sealed one that is off by no more than this factor, half a step of those that are
sealed by default; in between a prediction changes evenly with the length's logarithm."""
KEYS = ["isa", "compiler", "quantity", "algorithm"]
UNITS = {"speedup_percent": ("speedups", "points"), "nanoseconds_per_element": ("times", "%")}

Sealed = tuple[str, pd.DataFrame]
"""When it was, and what was expected, as Forecast.table."""


def of_machine(name: str) -> tuple[pd.DataFrame, list[Path]]:
    """What the model expects of one of the paper's machines, as Forecast.table, and what it is made of."""
    isas = forecast.predicted_machines()[name]
    return pd.concat(forecast.forecast(name, isa).table() for isa in isas), [MACHINES / f"{name}.yaml"]


def of_runs(runs: Sequence[Run], elements: Sequence[int]) -> tuple[pd.DataFrame, list[Path]]:
    """The same of a machine that has runs, at lengths of one's choice: by its own bandwidths, for each compiler and ISA
    of its newest run in the variants that this one chose."""
    calibration, random, tables = calibrate.load(), np.random.default_rng(forecast.SEED), []
    fitted = Parameters(np.array([[calibration.in_core]]), np.array([[calibration.lone_store]]))
    newest = max(runs, key=lambda run: run.started)
    for run, subject in calibrate.subjects(runs):
        if run is newest:
            tables.append(forecast.with_errors(predict(subject, fitted, sorted(elements)), random).table())
    return pd.concat(tables), [run.folder / "run.json" for run in runs]


def seal(machine: str, table: pd.DataFrame, made_of: Sequence[Path], folder: Path = FOLDER) -> Path:
    """Writes a prediction down; returns the file. `made_of`: beside the recorded tables. Raises HarnessError where the
    machine has one: what was sealed is not changed."""
    file, read = folder / f"{machine}.json", [in_core.RECORDED, calibrate.RECORDED, *made_of]
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


def load(machine: str, folder: Path = FOLDER) -> Sealed | None:
    """A machine's sealed prediction, None where there is none. Raises HarnessError for a damaged file."""
    file = folder / f"{machine}.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return content["sealed"], pd.DataFrame(content["predictions"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as error:
        raise HarnessError(f"{file}: is no sealed prediction: {error}") from error


def score(sealed: Sealed, run: Run) -> pd.DataFrame:
    """How a sealed prediction fares against a run: KEYS, elements, measured, median, low, high, error (points of
    speedups, percent of times), is_inside. Empty where the run started before, or has nothing that was sealed."""
    is_later = datetime.fromisoformat(run.started) > datetime.fromisoformat(sealed[0])
    found, tables = measured(run), []
    for key, own in sealed[1].sort_values("elements").groupby(KEYS, sort=False):
        points = found[(found[KEYS] == list(key)).all(axis=1) & is_later]
        at, known = np.log(points["elements"].to_numpy(float)), np.log(own["elements"].to_numpy(float))
        ends = {name: np.interp(at, known, own[name]) for name in ("median", "low", "high")}
        near = np.abs(at[:, None] - known).min(axis=1) <= np.log(NEAR)
        tables.append(points.assign(**ends)[near])
    table = pd.concat(tables, ignore_index=True)
    off, inside = table["median"] - table["measured"], table["measured"].between(table["low"], table["high"])
    relative = 100 * off / table["measured"]
    return table.assign(error=off.where(table["quantity"] == "speedup_percent", relative), is_inside=inside)


def measured(run: Run) -> pd.DataFrame:
    """Speedups and times of whole algorithms: KEYS, elements, measured."""
    table = calibrate.measured(run).rename(columns={"name": "algorithm"})
    is_ratio = table["kind"] == calibrate.SPEEDUP
    table["quantity"] = np.where(is_ratio, *UNITS)
    table["measured"] = table["measured"].where(~is_ratio, 100 * (table["measured"] - 1))
    return table.loc[table["kind"] != calibrate.PASS, [*KEYS, "elements", "measured"]]


def told(sealed: Sealed, run: Run | None) -> str:
    """How it fared in words: of speedups and of times how many, how far off, and how many inside."""
    table, parts = score(sealed, run) if run else pd.DataFrame(columns=["quantity"]), []
    for quantity, own in table.groupby("quantity", sort=False):
        (what, unit), inside = UNITS[quantity], 100 * own["is_inside"].mean()
        parts.append(f"{len(own)} {what}: median error {own['error'].abs().median():.1f} {unit}, {inside:.0f} % inside")
    return f"run {run.name}: {'; '.join(parts)}" if run and parts else "no later run of it yet"
