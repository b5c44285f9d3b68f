"""Times and speedups that the model expects of a machine, with the spread of its uncertain inputs. Nothing here is a
measurement, and nothing is fitted to what the paper reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.model.inputs import MEMORY, Core
from analysis.model.times import Grid, Parameters, PassTime, Traffic, pass_time, textbook
from analysis.model.traffic import ALONE, loop_like
from harness.record.machines import Machine
from harness.record.run import Pass
from harness.statistics import selection

DRAWS, SEED = 2000, 20200113
LOW, HIGH = 10, 90
"""Percentiles of the bands."""


@dataclass(frozen=True)
class Subject:
    """A core, its code and its caches: what the model needs to know of a machine for one ISA and compiler."""

    machine: Machine
    isa: str
    compiler: str
    core: Core
    loops: Mapping[str, tuple[str, float, float]]
    """Of each pass its variant and llvm-mca's interval in cycles per vector."""
    traffic: Traffic
    algorithms: Mapping[str, Sequence[str]]
    kernels: Mapping[str, Pass]


@dataclass(frozen=True)
class Prediction:
    """Every pass of every algorithm of a subject, at these elements."""

    subject: Subject
    elements: np.ndarray
    passes: Mapping[tuple[str, str], PassTime]
    """By (algorithm, pass), under the paper's protocol."""
    warm: Mapping[str, PassTime]
    """By pass, on its own and on the same operands each time."""
    errors: Mapping[str, np.ndarray]
    """By pass, shape (draws,): by what factor the model may be wrong."""

    def total(self, algorithm: str) -> Grid:
        """Nanoseconds per element of a whole algorithm."""
        parts = self.subject.algorithms[algorithm]
        return sum(self.passes[algorithm, name].total * self.errors[name][:, None] for name in parts)

    def alone(self, name: str) -> Grid:
        """Nanoseconds per element of a pass on its own, warm."""
        return self.warm[name].total * self.errors[name][:, None]

    def textbook(self, algorithm: str) -> Grid:
        """The same by the execution-cache-memory model."""
        return sum(textbook(self.passes[algorithm, name]) for name in self.subject.algorithms[algorithm])

    def speedup(self) -> Grid:
        """Of Two-Pass over the better Three-Pass, in percent."""
        rivals = np.minimum(*(self.total(name) for name in selection.THREE_PASS))
        return 100 * (rivals / self.total(selection.TWO_PASS) - 1)


def predict(
    subject: Subject, parameters: Parameters, elements: Sequence[int], spread: float, random: np.random.Generator
) -> Prediction:
    """What the model expects. `spread`: the standard deviation of the logarithm of its error in one pass, the same at
    every length, so that it does not cancel between algorithms."""
    lengths = np.asarray(elements, float)
    draws = len(subject.core.clock_ghz)

    def time(name: str, key: tuple[str, str, str]) -> PassTime:
        moved, loop = subject.traffic.moved(key, lengths, parameters.l3_share), (name, *subject.loops[name][1:])
        kernel, cold = subject.kernels[name], key[0] == "paper"
        return pass_time(subject.core, parameters, loop, subject.isa, kernel, moved, lengths, cold)

    passes = {
        (algorithm, name): time(name, ("paper", algorithm, name))
        for algorithm, names in subject.algorithms.items()
        for name in names
    }
    warm = {name: time(name, ("warm", ALONE, loop_like(kernel))) for name, kernel in subject.kernels.items()}
    errors = {name: np.exp(spread * random.standard_normal(draws)) for name in subject.kernels}
    return Prediction(subject, lengths, passes, warm, errors)


def quantiles(grid: Grid, name: str) -> dict[str, np.ndarray]:
    """Median and band of a quantity at each length: NAME_median, NAME_low, NAME_high."""
    low, middle, high = np.percentile(grid, (LOW, 50, HIGH), axis=0)
    return {f"{name}_median": middle, f"{name}_low": low, f"{name}_high": high}


def times_table(prediction: Prediction) -> pd.DataFrame:
    """Of each algorithm at each length: isa, compiler, algorithm, elements, nanoseconds_per_element_median, _low, _high
    (10 to 90 %), textbook_nanoseconds_per_element (median)."""
    tables = []
    for algorithm in prediction.subject.algorithms:
        expected = quantiles(prediction.total(algorithm), "nanoseconds_per_element")
        plain = np.median(prediction.textbook(algorithm), axis=0)
        tables.append(
            _table(prediction, {"algorithm": algorithm}, {**expected, "textbook_nanoseconds_per_element": plain})
        )
    return pd.concat(tables, ignore_index=True)


def speedup_table(prediction: Prediction) -> pd.DataFrame:
    """Of Two-Pass over the better Three-Pass at each length: isa, compiler, elements, speedup_percent_median, _low,
    _high (10 to 90 %)."""
    return _table(prediction, {}, quantiles(prediction.speedup(), "speedup_percent"))


def limits_table(prediction: Prediction) -> pd.DataFrame:
    """What takes longest in each pass of each algorithm at each length: isa, compiler, algorithm, pass, elements,
    bound_by, and the medians of the parts in ns per element: computation, l2, l3, memory, total."""
    tables = []
    for (algorithm, name), time in prediction.passes.items():
        parts = {"computation": time.computation, "l2": time.data[2], "l3": time.data[3], "memory": time.data[MEMORY]}
        medians = {part: np.median(grid, axis=0) for part, grid in {**parts, "total": time.total}.items()}
        shape = np.ones(len(prediction.elements))
        values = {
            "bound_by": time.bound_by,
            **{f"{part}_nanoseconds_per_element": v * shape for part, v in medians.items()},
        }
        tables.append(_table(prediction, {"algorithm": algorithm, "pass": name}, values))
    return pd.concat(tables, ignore_index=True)


def _table(prediction: Prediction, keys: Mapping[str, str], values: Mapping[str, object]) -> pd.DataFrame:
    subject = prediction.subject
    return pd.DataFrame(
        {
            "isa": subject.isa,
            "compiler": subject.compiler,
            **keys,
            "elements": prediction.elements.astype(int),
            **values,
        }
    )
