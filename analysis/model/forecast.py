"""What the model expects of the paper's machines, which are not here: from what was published about each, and from the
machine code of our kernels. What is uncertain of a machine is drawn once a draw and shared by its passes, so that it
cancels in a speedup as far as it does in the machine. On top comes how far off the model was on machines that were
measured: of times that of times, of speedups that of speedups."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from analysis.claims.claims import Claim
from analysis.model import in_core, inputs, validate
from analysis.model.times import REGIONS, Parameters, Prediction, Subject, predict
from analysis.model.validate import ALGORITHM, SPEEDUP
from harness.reading import names
from harness.record.errors import HarnessError
from harness.record.machines import load_machines

DRAWS, SEED = 2000, 20200113
LOW, HIGH = 10, 90
"""Percentiles of the bands."""
LENGTHS = (*(int(round(10 ** (3 + step / 8), -1)) for step in range(44)), 300_000_000)
UNHIDDEN, LONE_STORE = 0.2, 2.0
"""What of the shorter one of computation and data another microarchitecture does not hide (on those that were measured
none to a tenth is as good; Intel's L1 is known to hide less), and what lone stores cost: at most."""
SPEEDUP_PERCENT, NANOSECONDS = "speedup_percent", "nanoseconds_per_element"
COMPILER, CHOSEN, PUBLISHED = "gcc", "chosen", "published"
"""Whose loops, in which variants: those that llvm-mca gives the fewest cycles, or those of the machine's file."""


@dataclass(frozen=True)
class Forecast:
    """A prediction with the model's own errors, which are in none of its passes."""

    prediction: Prediction
    grids: Mapping[tuple[str, str], inputs.Draws]
    """By quantity and algorithm: SPEEDUP_PERCENT of Two-Pass over the better Three-Pass, NANOSECONDS of each."""

    def largest(self) -> np.ndarray:
        """The largest speedup of Two-Pass at any length out of cache, in percent: median, LOW and HIGH."""
        is_far = self.prediction.subject.regions(self.prediction.elements) == REGIONS[-1]
        return np.percentile(self.grids[SPEEDUP_PERCENT, ""][:, is_far].max(axis=1), (50, LOW, HIGH))

    def table(self) -> pd.DataFrame:
        """isa, compiler, quantity, algorithm, elements, median, low, high."""
        subject, elements, rows = self.prediction.subject, self.prediction.elements.astype(int), []
        for (quantity, algorithm), grid in self.grids.items():
            low, middle, high = np.percentile(grid, (LOW, 50, HIGH), axis=0)
            keys = {"isa": subject.isa, "compiler": subject.compiler, "quantity": quantity, "algorithm": algorithm}
            rows.append(pd.DataFrame({**keys, "elements": elements, "median": middle, "low": low, "high": high}))
        return pd.concat(rows, ignore_index=True)


def predicted_machines() -> dict[str, tuple[str, ...]]:
    """The machines that the model knows well enough, and the ISAs that the paper measured on each, widest first."""
    return {name: m.paper_isas for name, m in load_machines().items() if m.performance is not None and m.paper_isas}


def with_errors(prediction: Prediction, random: np.random.Generator) -> Forecast:
    """A prediction with the recorded errors: in each draw one place among those of each region, so that neighbouring
    lengths are off together."""
    table, factors, subject = validate.load()[0], {}, prediction.subject
    for kind in (ALGORITHM, SPEEDUP):
        place, way = random.random(DRAWS), random.choice([-1, 1], DRAWS)
        errors = {region: validate.errors(table, kind, region, subject.machine) for region in REGIONS}
        off = {region: way * np.quantile(errors[region], place) for region in REGIONS}
        factors[kind] = np.exp(np.stack([off[region] for region in subject.regions(prediction.elements)], axis=1))
    grids = {(SPEEDUP_PERCENT, ""): 100 * (prediction.ratio() * factors[SPEEDUP] - 1)}
    grids |= {(NANOSECONDS, name): prediction.total(name) * factors[ALGORITHM] for name in subject.algorithms}
    return Forecast(prediction, grids)


@cache
def forecast(name: str, isa: str, variants: str = CHOSEN) -> Forecast:
    """What the model expects of a machine in one ISA, in CHOSEN or PUBLISHED variants, by the same draws. Raises
    HarnessError where what it is made of is not recorded."""
    random, (_, algorithms, passes), cycles = np.random.default_rng(SEED), validate.load(), in_core.load()
    machine, newest = load_machines()[name], cycles["kernels"].iloc[-1]
    known = in_core.of_code(cycles, (newest, machine.microarchitecture, COMPILER, isa))
    loops = in_core.intervals(known)
    if variants == PUBLISHED:
        loops |= in_core.intervals(known, machine.paper_variants[isa])
    core = inputs.of_machine(machine, isa, random, DRAWS)
    subject = Subject(name, [one.bytes for one in machine.caches], isa, COMPILER, core, loops, algorithms, passes)
    place, store, unhidden = (random.random((DRAWS, 1)) for _ in range(3))
    drawn = Parameters(place, 1 + (LONE_STORE - 1) * store, UNHIDDEN * unhidden)
    return with_errors(predict(subject, drawn, LENGTHS), random)


def table(name: str) -> pd.DataFrame:
    """What the model expects of a machine in each ISA, as Forecast.table."""
    return pd.concat([forecast(name, isa).table() for isa in predicted_machines()[name]], ignore_index=True)


def told(name: str, isa: str) -> str:
    """The largest speedup that the model expects of a machine, in words."""
    return f"{names.interval(forecast(name, isa).largest(), form='+.0f')} (model)"


def of_claim(claim: Claim) -> str:
    """The same of what a claim is about; empty where the model knows nothing of it."""
    with suppress(HarnessError):
        if claim.quantity == "largest-speedup-percent" and claim.machine and claim.isa:
            return told(claim.machine, claim.isa)
    return ""
