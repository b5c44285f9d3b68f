"""The model against a machine that can be measured. Two numbers that no data sheet tells are fitted to its runs; what
was not fitted tells how far off that is: each block of (compiler, ISA, what holds X) is predicted by a fit to all the
others, and its bands are as wide as the errors of others with X in the same place (cross-conformal). Nothing is fitted
to what the paper reports."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.model import in_core, inputs
from analysis.model.times import REGIONS, Parameters, Subject, predict
from analysis.model.traffic import Caches
from harness.record.errors import HarnessError
from harness.record.run import Pass
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.ratios import speedups

RECORDED = in_core.RECORDED.parent / "calibration.json"
ISAS = ("avx512f", "avx2")
"""Vector ISAs; llvm-mca's models of scalar code are up to twice too slow."""
# What the fit chooses from: every pair of a place between llvm-mca's ends and a price of lone stores.
IN_CORE, LONE_STORE = (axis.reshape(-1, 1) for axis in np.mgrid[0:1.01:0.05, 1:2.55:0.05])
# AVX512F alone can't tell the place, both ends of its loops being mostly the same, so the fit is drawn a little to
# where it is likely. To be FAR from there costs as much as WEIGHT of the usual error of all times.
LIKELY, FAR, WEIGHT, USUAL_ERROR = 0.7, 0.3, 0.05, 0.08
COVERED = 0.8
BLOCK = ["compiler", "isa", "region"]
SPEEDUP, ALGORITHM, PASS = "speedup", "algorithm", "pass"


@dataclass(frozen=True)
class Calibration:
    """What was fitted, to what, and how far off it is where it was not fitted."""

    machine: str
    runs: list[str]
    in_core: float
    lone_store: float
    errors: Mapping[str, Mapping[str, list[float]]]
    """Of SPEEDUP and ALGORITHM, by region: logarithms of expected over measured in blocks that were not fitted."""
    algorithms: Mapping[str, list[str]]
    kernels: Mapping[str, Mapping[str, int]]
    """What each pass reads and writes."""

    @property
    def passes(self) -> dict[str, Pass]:
        return {name: Pass(**kernel) for name, kernel in self.kernels.items()}


@dataclass(frozen=True)
class Comparison:
    """All that was measured, and how far off each of the parameters to choose from is."""

    table: pd.DataFrame
    """run, BLOCK, kind (SPEEDUP: time of the better Three-Pass over Two-Pass'; ALGORITHM, or PASS on its own, warm:
    nanoseconds per element), name of the algorithm or pass, elements, measured."""
    errors: np.ndarray
    """Logarithms of expected over measured; shape (choices, rows)."""

    def fit(self, rows: np.ndarray) -> int:
        """The place, among the parameters to choose from, of those that are nearest to the times in these rows."""
        off = np.abs(self.errors[:, rows & (self.table["kind"] != SPEEDUP).to_numpy()]).mean(axis=1) / USUAL_ERROR
        return int(np.argmin(off + WEIGHT * np.square((IN_CORE[:, 0] - LIKELY) / FAR)))

    def held_out(self, by: Sequence[str]) -> np.ndarray:
        """Of each row the error of a fit to all other blocks, a block being `by`."""
        errors = np.empty(len(self.table))
        for own in blocks(self.table, by):
            errors[own] = self.errors[self.fit(~own)][own]
        return errors


def blocks(table: pd.DataFrame, by: Sequence[str]) -> Iterator[np.ndarray]:
    """Which rows are of each block."""
    groups = table.groupby(list(by), sort=False).ngroup().to_numpy()
    return (groups == group for group in range(groups.max() + 1))


def half_widths(table: pd.DataFrame, errors: np.ndarray) -> np.ndarray:
    """How far each row's band reaches to either side, so that it holds COVERED: by the held-out errors of its kind and
    region in other blocks."""
    widths = np.empty(len(table))
    for own in blocks(table, [*BLOCK, "kind"]):
        others = (table[["kind", "region"]] == table.loc[own, ["kind", "region"]].iloc[0]).all(axis=1).to_numpy()
        widths[own] = half_width(errors[others & ~own])
    return widths


def half_width(errors: Sequence[float] | np.ndarray) -> float:
    """The quantile of absolute errors that holds COVERED of the next one; infinite where there are too few."""
    place = math.ceil(COVERED * (len(errors) + 1))
    return float(np.sort(np.abs(errors))[place - 1]) if place <= len(errors) else math.inf


def subjects(runs: Sequence[Run]) -> Iterator[tuple[Run, Subject]]:
    """What can be predicted of runs of one machine: each run's compilers in vector ISAs, in the variants that it chose.
    Raises HarnessError where llvm-mca's cycles are not recorded, or the runs lack bandwidths."""
    cycles, cores = in_core.load(), {}
    for run in runs:
        sizes, last = map(run.machine.cache_bytes, (1, 2, 3)), max(run.machine.caches, key=lambda cache: cache.level)
        caches = Caches(*sizes, not last.inclusive)
        for isa, compiler in itertools.product(ISAS, run.compilers):
            rows = [row for row in run.tuning if (row["compiler"], row["isa"]) == (compiler, isa) and row["chosen"]]
            algorithms = {name: run.algorithms[name] for name in run.papers}
            used = {name for names in algorithms.values() for name in names}
            variants = {row["pass"]: row["variant"] for row in rows if row["pass"] in used}
            if variants:
                loops = in_core.intervals(cycles, run.machine.microarchitecture, compiler, isa, variants)
                cores[isa] = cores.get(isa) or inputs.of_runs(runs, isa)
                passes = {name: run.kernels[name] for name in variants}
                yield run, Subject(run.machine.name, caches, isa, compiler, cores[isa], loops, algorithms, passes)


def measured(run: Run) -> pd.DataFrame:
    """What the model is compared with: isa, compiler, kind, name, elements, measured, as in Comparison."""
    keys, rows, alone = ["isa", "compiler"], selection.algorithm_rows(run), selection.pass_rows(run)
    used = {name for algorithm in run.papers for name in run.algorithms[algorithm]}
    ratios = speedups(rows[rows["isa"].isin(ISAS)])
    tables = [ratios.assign(kind=SPEEDUP, name="", measured=1 + ratios["speedup_percent_median"] / 100)]
    for kind, those in ((ALGORITHM, rows), (PASS, alone[alone["pass"].isin(used)])):
        of_isas = those[those["isa"].isin(ISAS)]
        times = inputs.medians(of_isas, [*keys, kind, "elements"], run.canary.clock_adds)
        tables.append(times.rename(columns={kind: "name", "nanoseconds_per_element": "measured"}).assign(kind=kind))
    return pd.concat(tables, ignore_index=True)[[*keys, "kind", "name", "elements", "measured"]]


def compare(runs: Sequence[Run]) -> Comparison:
    """Runs of one machine beside the model. Raises as `subjects` does, or where runs lack rows."""
    choices, tables, errors = Parameters(IN_CORE, LONE_STORE), [], []
    all_measured = {run.name: measured(run) for run in runs}
    for run, subject in subjects(runs):
        table = all_measured[run.name]
        table = table[(table["isa"] == subject.isa) & (table["compiler"] == subject.compiler)]
        expected = predict(subject, choices, np.unique(table["elements"]))
        grids = {(SPEEDUP, ""): expected.ratio()}
        grids |= {(ALGORITHM, name): expected.total(name) for name in subject.algorithms}
        grids |= {(PASS, name): expected.total("", name) for name in subject.passes}
        rows = zip(table["kind"], table["name"], np.searchsorted(expected.elements, table["elements"]), strict=True)
        guess = np.stack([grids[kind, name][:, place] for kind, name, place in rows], axis=1)
        tables.append(table.assign(run=run.name, region=subject.regions(table["elements"])))
        errors.append(np.log(guess / table["measured"].to_numpy()))
    return Comparison(pd.concat(tables, ignore_index=True), np.concatenate(errors, axis=1))


def calibrate(runs: Sequence[Run], comparison: Comparison) -> Calibration:
    """The calibration by runs of one machine, and by how they compare."""
    table, errors = comparison.table, comparison.held_out(BLOCK)
    chosen, (_, subject) = comparison.fit(np.ones(len(table), bool)), next(subjects(runs))
    return Calibration(
        machine=subject.machine,
        runs=[run.name for run in runs],
        in_core=round(float(IN_CORE[chosen, 0]), 2),
        lone_store=round(float(LONE_STORE[chosen, 0]), 2),
        errors={
            kind: {r: errors[(table["kind"] == kind) & (table["region"] == r)].round(4).tolist() for r in REGIONS}
            for kind in (SPEEDUP, ALGORITHM)
        },
        algorithms=subject.algorithms,
        kernels={name: asdict(one) for name, one in subject.passes.items()},
    )


def load(file: Path = RECORDED) -> Calibration:
    """A recorded calibration. Raises HarnessError where there is none or it is damaged."""
    try:
        return Calibration(**json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror} (`python -m analysis.model refresh` makes it)") from error
    except (ValueError, TypeError) as error:
        raise HarnessError(f"{file}: is no calibration: {error}") from error
