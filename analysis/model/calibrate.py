"""The model against a machine that can be measured: what no data sheet tells is fitted to every second length of one
compiler and ISA of a run; everything else in the run judges the model. Nothing is fitted to what the paper reports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import norm

from analysis.model import in_core, inputs
from analysis.model.predict import HIGH, LOW, SEED, Prediction, Subject, predict
from analysis.model.times import Parameters, Traffic
from analysis.model.traffic import load_traffic
from analysis.tables.times import times
from harness.record.errors import HarnessError
from harness.record.machines import load_machines
from harness.record.run import Pass
from harness.record.samples import Run
from harness.statistics import selection

RECORDED = in_core.RECORDED.parent / "calibration.json"
ISAS = ("avx512f", "avx2")
"""Vector ISAs; llvm-mca's models of scalar code are up to twice too slow."""
FITTED_ISA = "avx2"
"""In AVX512F both ends of llvm-mca's intervals mostly agree: nothing would tell where between them loops lie."""
NAMES = ("overlap", "in_core", "cold_store", "pass_cycles")
# Where the search starts, how far from there is far, and the ends of what is possible.
START, FAR = np.array([4.0, 0.7, 1.0, 60.0]), np.array([3.0, 0.4, 0.3, 60.0])
LEAST, MOST = np.array([1.0, 0.0, 0.7, 0.0]), np.array([12.0, 1.5, 3.0, 300.0])
SHARES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
# The error of a time that the search takes for usual.
USUAL_ERROR = 0.08
COVERED = (HIGH - LOW) / 100


@dataclass(frozen=True)
class Calibration:
    """What was fitted, to what, and how well it does on what was not fitted."""

    run: str
    machine: str
    fitted_compiler: str
    fitted_isa: str
    fitted_elements: list[int]
    overlap: float
    in_core: float
    cold_store: float
    pass_cycles: float
    l3_share: float
    spread: float
    """Standard deviation of the logarithm of a pass' error: with it the bands hold 80 % of what was fitted, of passes
    and of whole algorithms alike."""
    held_out_spread: float
    """The same of what was not fitted."""
    swapped_spread: float
    """The same of what is not fitted when the other ISA is."""
    algorithms: Mapping[str, Sequence[str]]
    kernels: Mapping[str, Pass]

    @property
    def wider_spread(self) -> float:
        """The spread for machines that can't be measured: the largest of all, since they are not fitted either."""
        return max(self.spread, self.held_out_spread, self.swapped_spread)

    @property
    def values(self) -> dict[str, float]:
        """NAMES and l3_share."""
        return {name: getattr(self, name) for name in (*NAMES, "l3_share")}


def subjects(run: Run, draws: int) -> list[Subject]:
    """What can be predicted of a run: its compilers in vector ISAs, in the variants that it chose. Raises HarnessError
    where its machine is not known to the model."""
    machine = load_machines().get(run.machine.name)
    if machine is None:
        raise HarnessError(f"{run.folder}: config/machines/ does not know this machine, so its traffic is not recorded")
    cycles, traffic = in_core.load(), load_traffic()
    found = []
    for isa in ISAS:
        for compiler in run.compilers:
            chosen = {
                row["pass"]: row["variant"]
                for row in run.tuning
                if (row["compiler"], row["isa"]) == (compiler, isa) and row["chosen"]
            }
            if chosen:
                loops = in_core.intervals(cycles, machine.microarchitecture, compiler, isa, chosen)
                core = inputs.of_run(run, isa, draws)
                kernels = {name: run.kernels[name] for name in chosen}
                algorithms = run.algorithms
                found.append(
                    Subject(machine, isa, compiler, core, loops, Traffic(traffic, machine), algorithms, kernels)
                )
    return found


def measured(run: Run) -> pd.DataFrame:
    """What the model is compared with: isa, compiler, algorithm, pass, elements, nanoseconds_per_element. Algorithms
    have no pass; a pass on its own (warm, in the variant that was chosen) has no algorithm."""
    by, adds = ["isa", "compiler", "algorithm", "pass", "elements"], run.canary.clock_adds
    alone = selection.pass_rows(run)
    used = {name for names in run.algorithms.values() for name in names}
    tables = [times(selection.algorithm_rows(run), by, adds), times(alone[alone["pass"].isin(used)], by, adds)]
    table = pd.concat(tables, ignore_index=True)
    table = table.rename(columns={"nanoseconds_per_element_median": "nanoseconds_per_element"})
    return table.loc[table["isa"].isin(ISAS), [*by, "nanoseconds_per_element"]].reset_index(drop=True)


def expected(prediction: Prediction, table: pd.DataFrame) -> np.ndarray:
    """Nanoseconds per element that the model expects of each row of a table of `measured`: shape (draws, rows)."""
    places = {n: place for place, n in enumerate(prediction.elements.astype(int))}
    grids = {(name, ""): prediction.total(name) for name in prediction.subject.algorithms}
    grids |= {("", name): prediction.alone(name) for name in prediction.subject.kernels}
    rows = zip(table["algorithm"], table["pass"], table["elements"], strict=True)
    return np.stack([grids[algorithm, name][:, places[n]] for algorithm, name, n in rows], axis=1)


def parameters(values: Mapping[str, float], passes: Sequence[str]) -> Parameters:
    """One draw of NAMES and l3_share, the same for all passes."""
    one = {name: np.array([values[name]]) for name in (*NAMES, "l3_share")}
    return Parameters(**{**one, "in_core": dict.fromkeys(passes, one["in_core"])})


def fit(subject: Subject, table: pd.DataFrame) -> dict[str, float]:
    """The NAMES and l3_share that are nearest to the times in `table` (rows of `measured`): the least squares of the
    logarithm's error, drawn a little towards where the search starts. The share is one of SHARES."""
    elements, random = sorted(table["elements"].unique()), np.random.default_rng(SEED)
    wanted = np.log(table["nanoseconds_per_element"].to_numpy())

    def error(values: np.ndarray, share: float) -> float:
        within = np.clip(values, LEAST, MOST)
        guess = parameters({**dict(zip(NAMES, within, strict=True)), "l3_share": share}, list(subject.kernels))
        logs = np.log(expected(predict(subject, guess, elements, 0.0, random), table)[0]) - wanted
        beyond = np.square((values - within) / FAR).sum()
        return float(np.square(logs / USUAL_ERROR).sum() + np.square((within - START) / FAR).sum() + 1000 * beyond)

    found = {share: minimize(error, START, (share,), "Nelder-Mead", options={"fatol": 0.01}) for share in SHARES}
    share = min(found, key=lambda share: found[share].fun)
    return {**dict(zip(NAMES, map(float, np.clip(found[share].x, LEAST, MOST)), strict=True)), "l3_share": share}


def is_fitted(table: pd.DataFrame, compiler: str, isa: str) -> pd.Series:
    """Which rows of `measured` the fit may see: every second length of one compiler and ISA."""
    own = (table["compiler"] == compiler) & (table["isa"] == isa)
    some = pd.Series(False, index=table.index)
    for which in (table["pass"] == "", table["pass"] != ""):
        some |= which & table["elements"].isin(sorted(table.loc[own & which, "elements"].unique())[::2])
    return own & some


@dataclass(frozen=True)
class Comparison:
    """What a fit to one ISA makes of a whole run."""

    isa: str
    values: Mapping[str, float]
    table: pd.DataFrame
    """`measured`, with what the model expects: fitted (whether the fit saw the row), expected_nanoseconds_per_element,
    textbook_nanoseconds_per_element (whole algorithms), error_percent, low_ and high_nanoseconds_per_element (10 to
    90 %, by the spread of what was fitted)."""
    spread: float
    held_out_spread: float


def compare(run: Run, isa: str) -> Comparison:
    """Fits the model to half of the primary compiler's lengths in one ISA, and compares it with everything.

    Raises HarnessError where the run's machine is not known to the model, or it lacks rows.
    """
    table, those = measured(run), subjects(run, 1)
    compiler = run.primary
    table = table.assign(fitted=is_fitted(table, compiler, isa))
    subject = next((s for s in those if (s.isa, s.compiler) == (isa, compiler)), None)
    if subject is None or not table["fitted"].any():
        raise HarnessError(f"{run.folder}: nothing of {compiler} in {isa} to fit the model to")
    values = fit(subject, table[table["fitted"]])
    table = pd.concat([_compared(s, table, values) for s in those]).sort_index()
    spread, held_out = (_spread(table[table["fitted"] == seen]) for seen in (True, False))
    for end, way in (("low", -1), ("high", 1)):
        factor = np.exp(way * norm.ppf(HIGH / 100) * spread * table["weight"])
        table[f"{end}_nanoseconds_per_element"] = table["expected_nanoseconds_per_element"] * factor
    return Comparison(isa, values, table.drop(columns="weight"), spread, held_out)


def calibrate(run: Run) -> tuple[Calibration, list[Comparison]]:
    """The calibration by a run, and what it rests on: the fit to FITTED_ISA, then the one to the other ISA. Raises as
    `compare` does."""
    own, *others = (compare(run, isa) for isa in sorted(ISAS, key=lambda isa: isa != FITTED_ISA))
    (subject, *_) = subjects(run, 1)
    calibration = Calibration(
        run=run.name,
        machine=run.machine.name,
        fitted_compiler=run.primary,
        fitted_isa=own.isa,
        fitted_elements=sorted(int(n) for n in own.table.loc[own.table["fitted"], "elements"].unique()),
        **own.values,
        spread=own.spread,
        held_out_spread=own.held_out_spread,
        swapped_spread=max(other.held_out_spread for other in others),
        algorithms=subject.algorithms,
        kernels=subject.kernels,
    )
    return calibration, [own, *others]


def _compared(subject: Subject, table: pd.DataFrame, values: Mapping[str, float]) -> pd.DataFrame:
    own = table[(table["isa"] == subject.isa) & (table["compiler"] == subject.compiler)]
    elements, random = sorted(own["elements"].unique()), np.random.default_rng(SEED)
    prediction = predict(subject, parameters(values, list(subject.kernels)), elements, 0.0, random)
    guess = expected(prediction, own)[0]
    error = 100 * (guess / own["nanoseconds_per_element"] - 1)
    weight = [_weight(prediction, *row) for row in zip(own["algorithm"], own["elements"], strict=True)]
    places = {n: place for place, n in enumerate(prediction.elements.astype(int))}
    plain = [
        prediction.textbook(algorithm)[0, places[n]] if algorithm else np.nan
        for algorithm, n in zip(own["algorithm"], own["elements"], strict=True)
    ]
    return own.assign(
        expected_nanoseconds_per_element=guess,
        textbook_nanoseconds_per_element=plain,
        error_percent=error,
        weight=weight,
    )


def _weight(prediction: Prediction, algorithm: str, elements: int) -> float:
    """The spread of a time when that of each of its passes is 1: several passes are not wrong the same way."""
    if not algorithm:
        return 1.0
    place = list(prediction.elements.astype(int)).index(elements)
    parts = [prediction.passes[algorithm, name].total[0, place] for name in prediction.subject.algorithms[algorithm]]
    return float(np.sqrt(np.square(parts).sum()) / np.sum(parts))


def _spread(table: pd.DataFrame) -> float:
    """The spread with which the bands hold COVERED of the passes, and COVERED of the algorithms: there are more passes,
    and they are nearer, so that together they would hide how far the algorithms are off."""
    off = np.abs(np.log1p(table["error_percent"] / 100)) / table["weight"]
    kinds = [off[is_pass] for is_pass in (table["pass"] != "", table["pass"] == "") if is_pass.any()]
    return max((float(np.quantile(kind, COVERED) / norm.ppf(HIGH / 100)) for kind in kinds), default=0.0)


def save(calibration: Calibration) -> bytes:
    """A calibration as the text of a file."""
    return (json.dumps(asdict(calibration), indent=1) + "\n").encode()


def load(file: Path = RECORDED) -> Calibration:
    """A recorded calibration. Raises HarnessError where there is none or it is damaged."""
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return Calibration(**data | {"kernels": {name: Pass(**its) for name, its in data["kernels"].items()}})
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror} (`python -m analysis.model calibrate RUN` makes it)") from error
    except (ValueError, TypeError, KeyError) as error:
        raise HarnessError(f"{file}: is no calibration: {error}") from error
