"""The model against machines that can be measured. Nothing is fitted. How far off it was makes the bands: each block of
(compiler, ISA, what holds X) gets bands as wide as the errors of its machine's other blocks with X in the same place
(conformal), since a quiet machine is no measure of a loud one."""

import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.model import in_core, inputs
from analysis.model.times import Parameters, Subject, predict
from harness.record.errors import HarnessError, described
from harness.record.run import Pass
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.ratios import POINT, speedups

RECORDED, ALGORITHMS = (in_core.RECORDED.with_name(name) for name in ("validation.csv", "algorithms.json"))
COVERED = 0.8
OTHER_MICROARCHITECTURE = 1.28
"""By how much the errors of measured machines are widened for another one. Errors within a block go together, and a
machine has but few: for 80 % Student's t with 3 degrees of freedom reaches 1.28 times as far as a normal distribution.
The validation says how many times and speedups of a machine bands by the others hold, and which factor would do."""
ALIKE, APART = ["machine", "region"], ["compiler", "isa"]
"""What the blocks share by whose errors a block is judged, and of what at least one must differ."""
SPEEDUP, ALGORITHM, LATER, PASS = "speedup", "algorithm", "later algorithm", "pass"


def errors(table: pd.DataFrame, kind: str, region: str, machine: str) -> np.ndarray:
    """Of times or speedups how far expected was from measured, as logarithms: on this machine or, where it was not
    measured, on all, widened; `table` as `compare`."""
    rows = table[(table["kind"] == kind) & (table["region"] == region)]
    its = rows[rows["machine"] == machine]
    known, wider = (rows, OTHER_MICROARCHITECTURE) if its.empty else (its, 1)
    return wider * np.abs(np.log(known["expected"] / known["measured"]).to_numpy())


def subjects(runs: Sequence[Run], cycles: pd.DataFrame) -> Iterator[tuple[Run, Subject]]:
    """What can be predicted of runs: each run's compilers in vector ISAs, in the variants that it chose; `cycles` as
    in_core.load. Raises HarnessError where it lacks these, or the runs of a machine lack bandwidths."""
    for run, isa in itertools.product(runs, in_core.VECTORS):
        caches, name = tuple(map(run.machine.cache_bytes, (1, 2, 3))), run.machine.name
        for compiler in run.compilers:
            rows = [row for row in run.tuning if (row["compiler"], row["isa"]) == (compiler, isa) and row["chosen"]]
            chosen = {row["pass"]: row["variant"] for row in rows}
            loops = in_core.of_code(cycles, (*in_core.of_run(run), compiler, isa))
            algorithms = in_core.predicted(run.algorithms, loops[loops["pass"].isin(chosen)])
            if used := {one: run.kernels[one] for passes in algorithms.values() for one in passes}:
                core = inputs.of_run(run, [one for one in runs if one.machine.name == name], isa)
                ends = in_core.intervals(loops, {one: chosen[one] for one in used})
                yield run, Subject(name, caches, isa, compiler, core, ends, algorithms, used)


def measured(run: Run) -> pd.DataFrame:
    """What the model is compared with: compiler, isa, elements, experiment, kind (SPEEDUP: time of the better
    Three-Pass over Two-Pass'; ALGORITHM, LATER, or PASS on its own, warm: nanoseconds per element), name, measured, and
    shared: how much of the core the samples had, as inputs.shared."""
    passes, tables = {name for algorithm in run.papers for name in run.algorithms[algorithm]}, []
    asked = {
        "algorithms": (ALGORITHM, "algorithm", selection.POINT, {*run.papers}),
        "passes": (PASS, "pass", selection.CONTENDER, passes),
        "frontier": (LATER, "algorithm", selection.POINT, {*run.algorithms}.difference(run.papers)),
    }
    for experiment, (kind, column, within, known) in asked.items():
        if run.experiments.get(experiment):
            rows = selection.team_rows(run, experiment, within)
            rows = rows[rows["isa"].isin(in_core.VECTORS) & rows[column].isin(known)]
            times = inputs.medians(rows, [*POINT, column], run.canary.clock_adds).assign(kind=kind)
            parts = [times.rename(columns={column: "name", "nanoseconds_per_element": "measured"})]
            if kind == ALGORITHM:
                ratios = speedups(rows)
                parts.append(ratios.assign(kind=SPEEDUP, name="", measured=1 + ratios["speedup_percent_median"] / 100))
            table = pd.concat(parts)[["kind", "name", "measured", *POINT]].assign(experiment=experiment)
            tables.append(table.join(inputs.shared(rows, run), on=POINT))
    return pd.concat(tables, ignore_index=True)


def compare(runs: Sequence[Run], cycles: pd.DataFrame) -> pd.DataFrame:
    """All that runs measured and the model can predict: run, machine, region, the columns of `measured`, expected, and
    of 80 % low and high by other blocks of the machine, low_apart and high_apart by other machines, widened. Raises as
    `subjects` does, and HarnessError where there is nothing of the kind."""
    tables, found = [], cache(measured)
    for run, subject in subjects(runs, cycles):
        own = (found(run)["isa"] == subject.isa) & (found(run)["compiler"] == subject.compiler)
        for _, rows in found(run)[own].groupby("experiment"):
            shared = rows.groupby("elements")["shared"].first()
            made = predict(subject, Parameters(shared=shared.to_numpy()), shared.index)
            grids = {(SPEEDUP, ""): made.ratio()}
            grids |= {(PASS, name): made.passes["", name].total for name in subject.passes}
            grids |= {(kind, name): made.total(name) for kind in (ALGORITHM, LATER) for name in subject.algorithms}
            expected = pd.DataFrame({key: grid[0] for key, grid in grids.items()}, shared.index).unstack()
            rows = rows.assign(run=run.name, machine=subject.machine, region=subject.regions(rows["elements"]))
            tables.append(rows.join(expected.rename("expected"), on=["kind", "name", "elements"], how="inner"))
    if not tables:
        raise HarnessError("there is no run of whose kernels loops are recorded, by which the model could be judged")
    table = pd.concat(tables, ignore_index=True)
    for end, alike, apart, wider in ("", ALIKE, APART, 1), ("_apart", ["region"], ["machine"], OTHER_MICROARCHITECTURE):
        factors = np.exp(wider * half_widths(table, alike, apart))
        table = table.assign(**{f"low{end}": table["expected"] / factors, f"high{end}": table["expected"] * factors})
    return table


def half_widths(table: pd.DataFrame, alike: list[str], apart: list[str]) -> pd.Series:
    """How far each row's band reaches to either side, as a logarithm, so that it holds COVERED: by the errors of the
    same kind where all that is `alike` is, and something is `apart`. Later algorithms by errors of the paper's."""
    widths, errors = pd.Series(math.inf, table.index), np.log(table["expected"] / table["measured"])
    for (kind, *_), own in table.groupby(["kind", *alike, *apart]):
        first, kinds = own.iloc[0], table["kind"] == (ALGORITHM if kind == LATER else kind)
        same, differs = (table[alike] == first[alike]).all(axis=1), (table[apart] != first[apart]).any(axis=1)
        widths[own.index] = half_width(errors[kinds & same & differs])
    return widths


def half_width(errors: Sequence[float] | np.ndarray) -> float:
    """The quantile of absolute errors that holds COVERED of the next one; infinite where there are too few."""
    place = math.ceil(COVERED * (len(errors) + 1))
    return float(np.sort(np.abs(errors))[place - 1]) if place <= len(errors) else math.inf


def algorithms_file(runs: Sequence[Run], cycles: pd.DataFrame) -> bytes:
    """The content of ALGORITHMS: those of the newest run, and what their passes move."""
    newest = max(runs, key=lambda run: run.started)
    algorithms = in_core.predicted(newest.algorithms, cycles)
    passes = {name: asdict(newest.kernels[name]) for names in algorithms.values() for name in names}
    return (json.dumps({"algorithms": algorithms, "passes": passes}, indent=1) + "\n").encode()


@cache
def load(folder: Path = RECORDED.parent) -> tuple[pd.DataFrame, dict[str, list[str]], dict[str, Pass]]:
    """What predictions need of the runs that the model was held against: the table of `compare`, the algorithms of the
    newest run, and their passes. Raises HarnessError where there is nothing or it is damaged."""
    file = folder / ALGORITHMS.name
    try:
        content, table = json.loads(file.read_text(encoding="utf-8")), pd.read_csv(folder / RECORDED.name)
        return table, content["algorithms"], {name: Pass(**one) for name, one in content["passes"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise HarnessError(f"{file}: is damaged or not there: {described(error)} ({in_core.REFRESH})") from error
