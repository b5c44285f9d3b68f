"""What the model expects of the paper's machines, which are not here: from what was published about each, the machine
code of our kernels, and a calibration on another machine; with bands for all that is uncertain.

What is uncertain of a machine is drawn once a draw and shared by its passes, so that it cancels in a speedup as far as
it does in the machine. On top comes how far off the model was where it was not fitted: of times that of times, of
speedups that of speedups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from analysis.model import calibrate, in_core, inputs
from analysis.model.calibrate import ALGORITHM, SPEEDUP
from analysis.model.times import REGIONS, Grid, Parameters, Prediction, Subject, predict
from analysis.model.traffic import Caches
from harness.reading.claims import Claim
from harness.record.errors import HarnessError
from harness.record.machines import load_machines

DRAWS, SEED = 2000, 20200113
LOW, HIGH = 10, 90
"""Percentiles of the bands."""
LENGTHS = (*(int(round(10 ** (3 + step / 8), -1)) for step in range(44)), 300_000_000)
OTHER_MICROARCHITECTURE = 1.28
"""By how much the errors of the calibrated machine are widened for another one. Errors within a block go together, and
out of cache there are but four: for 80 % Student's t with 3 degrees of freedom reaches 1.28 times as far as a normal
distribution. That another microarchitecture is as near as another block is a judgement: change it here."""
UNHIDDEN = 0.2
"""Up to how much of the shorter one of computation and data another microarchitecture does not hide. On the calibrated
machine none to a tenth is as good; Intel's L1 is known to hide less."""
PUBLISHED = "published variants"
SCENARIOS = {
    "as it is": "gcc's loops, each pass in the variant that llvm-mca gives the fewest cycles",
    "compiled by clang": "clang's loops, chosen likewise",
    PUBLISHED: "the variants that were published for the machine, compiled by gcc (of max none was)",
}


@dataclass(frozen=True)
class Forecast:
    """A prediction with the model's own error, which is in none of its passes."""

    prediction: Prediction
    errors: Mapping[str, Mapping[str, np.ndarray]]
    """Of SPEEDUP and ALGORITHM, by region: factors, each of shape (draws,)."""

    def time(self, algorithm: str) -> Grid:
        """Nanoseconds per element of a whole algorithm."""
        return self.prediction.total(algorithm) * self._error(ALGORITHM)

    def speedup(self) -> Grid:
        """Of Two-Pass over the better Three-Pass, in percent."""
        return 100 * (self.prediction.ratio() * self._error(SPEEDUP) - 1)

    def largest(self) -> np.ndarray:
        """The largest speedup at any length out of cache; shape (draws,)."""
        return self.speedup()[:, self.is_far].max(axis=1)

    def _error(self, kind: str) -> Grid:
        regions = self.prediction.subject.regions(self.prediction.elements)
        return np.stack([self.errors[kind][region] for region in regions], axis=1)

    @property
    def is_far(self) -> np.ndarray:
        """Which lengths are out of cache."""
        return self.prediction.subject.regions(self.prediction.elements) == REGIONS[-1]

    def table(self) -> pd.DataFrame:
        """isa, compiler, quantity (speedup_percent, or nanoseconds_per_element of an algorithm), algorithm, elements,
        median, low, high."""
        subject, rows = self.prediction.subject, []
        grids = {("speedup_percent", ""): self.speedup()}
        grids |= {("nanoseconds_per_element", name): self.time(name) for name in subject.algorithms}
        for (quantity, algorithm), grid in grids.items():
            low, middle, high = np.percentile(grid, (LOW, 50, HIGH), axis=0)
            keys = {"isa": subject.isa, "compiler": subject.compiler, "quantity": quantity, "algorithm": algorithm}
            values = {"elements": self.prediction.elements.astype(int), "median": middle, "low": low, "high": high}
            rows.append(pd.DataFrame({**keys, **values}))
        return pd.concat(rows, ignore_index=True)


def predicted_machines() -> dict[str, tuple[str, ...]]:
    """The machines that the model knows well enough, and the ISAs that the paper measured on each, widest first."""
    return {name: m.paper_isas for name, m in load_machines().items() if m.performance is not None and m.paper_isas}


def with_errors(prediction: Prediction, random: np.random.Generator) -> Forecast:
    """A prediction with the errors of the recorded calibration: in each draw one place among those of each region, so
    that neighbouring lengths are off together. On another machine than the calibrated one they are widened."""
    calibration, errors = calibrate.load(), {}
    wider = 1.0 if prediction.subject.machine == calibration.machine else OTHER_MICROARCHITECTURE
    for kind, recorded in calibration.errors.items():
        place, way = random.random(DRAWS), random.choice([-1, 1], DRAWS)
        off = {region: np.quantile(np.abs(those), place) for region, those in recorded.items()}
        errors[kind] = {region: np.exp(wider * way * those) for region, those in off.items()}
    return Forecast(prediction, errors)


@cache
def forecast(
    name: str, isa: str, scenario: str = "as it is", elements: tuple[int, ...] = LENGTHS, slower: float = 1.0
) -> Forecast:
    """What the model expects of a machine in one ISA, in one of SCENARIOS, with ext_sum's loop so many times as slow.
    The same draws in each scenario. Raises HarnessError where what it is made of is not recorded."""
    random, calibration, cycles = np.random.default_rng(SEED), calibrate.load(), in_core.load()
    machine, compiler = load_machines()[name], "clang" if scenario == "compiled by clang" else "gcc"
    loops = in_core.intervals(cycles, machine.microarchitecture, compiler, isa)
    if scenario == PUBLISHED:
        variants = machine.paper_variants[isa]
        loops |= in_core.intervals(cycles, machine.microarchitecture, compiler, isa, variants)
    variant, low, high = loops["ext_sum"]
    loops["ext_sum"] = (variant, slower * low, slower * high)
    sizes, last = (cache.bytes for cache in machine.caches), machine.caches[-1]
    core = inputs.of_machine(machine, isa, random, DRAWS)
    caches = Caches(*sizes, last.inclusion != "inclusive")
    subject = Subject(name, caches, isa, compiler, core, loops, calibration.algorithms, calibration.passes)
    most = (1.0, calibration.lone_store - 1, UNHIDDEN)
    place, store, unhidden = (end * random.random((DRAWS, 1)) for end in most)
    return with_errors(predict(subject, Parameters(place, 1 + store, unhidden), elements), random)


def largest_speedup(name: str, isa: str, scenario: str = "as it is") -> tuple[float, float, float]:
    """The largest speedup of Two-Pass at any length out of cache, in percent: median, 10 and 90 %."""
    low, middle, high = np.percentile(forecast(name, isa, scenario).largest(), (LOW, 50, HIGH))
    return float(middle), float(low), float(high)


def told(name: str, isa: str) -> str:
    """The largest speedup that the model expects, in words."""
    middle, low, high = largest_speedup(name, isa)
    return f"{middle:+.0f} % [{low:+.0f}, {high:+.0f}] (model)"


def of_claim(claim: Claim) -> str:
    """The same of the machine that a claim is about; empty where the model knows nothing of it."""
    if claim.quantity != "largest-speedup-percent" or claim.machine is None or claim.isa is None:
        return ""
    try:
        return told(claim.machine, claim.isa)
    except HarnessError:
        return ""
