"""What the model expects of the paper's machines, which are not here: from what was published about each, the machine
code of our kernels, simulated traffic, and a calibration on another machine; with bands for all that is uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from analysis.model import calibrate, in_core, inputs
from analysis.model.calibrate import Calibration
from analysis.model.predict import DRAWS, SEED, Prediction, Subject, predict
from analysis.model.times import MEMORY, Parameters, Traffic
from analysis.model.traffic import load_traffic
from harness.record.claims import Claim
from harness.record.errors import HarnessError
from harness.record.machines import Machine, load_machines

LENGTHS = (*(int(round(10 ** (3 + step / 8), -1)) for step in range(44)), 300_000_000)
# Another microarchitecture overlaps more or less than the one that was calibrated, by up to so many times.
OVERLAP_FACTOR = 2.0
# A guess: what a lone store costs against the copy loop's. The calibrated machine's store loop says less than its fit.
COLD_STORE = (1.0, 2.2)
LEAST_SHARE = 0.6
"""Of L3 for one core, on a machine that does nothing else."""
SCENARIOS = {
    "as it is": "",
    "twice the bandwidth of memory": "every line from memory and back there in half the time",
    "no write-allocate": "a bound: lines that are overwritten are not fetched, at no other cost, which is some 20 % "
    "faster than non-temporal stores were on the calibrated machine",
    "compiled by clang": "clang's loops, each pass in the variant that llvm-mca gives the fewest cycles",
    "published variants": "the variants that were published for the machine, compiled by gcc (of max none was)",
}
"""What one would change, and what that means in the model."""


def predicted_machines() -> dict[str, tuple[str, ...]]:
    """The machines that the model knows well enough, and the ISAs that the paper measured on each, widest first."""
    return {name: m.paper_isas for name, m in load_machines().items() if m.performance is not None and m.paper_isas}


def parameters(calibration: Calibration, passes: Sequence[str], random: np.random.Generator) -> Parameters:
    """The calibrated parameters with what is not known of another microarchitecture: how far computation and data
    overlap, where between llvm-mca's ends each loop lies, what lone stores cost, how much of L3 a core has."""

    def uniform(low: float, high: float) -> np.ndarray:
        return random.uniform(low, high, DRAWS)

    overlap = calibration.overlap * OVERLAP_FACTOR ** uniform(-1, 1)
    cold_store = uniform(*COLD_STORE)
    shares = random.choice([s for s in calibrate.SHARES if s >= LEAST_SHARE], DRAWS)
    in_core_places = {name: uniform(0, 1) for name in passes}
    return Parameters(
        np.maximum(1, overlap), in_core_places, cold_store, shares, uniform(0, 2 * calibration.pass_cycles)
    )


def subject(
    machine: Machine,
    isa: str,
    compiler: str,
    calibration: Calibration,
    random: np.random.Generator,
    published: bool = False,
) -> Subject:
    """A machine by its file; each pass in the variant that llvm-mca gives the fewest cycles, or the `published` one."""
    loops = in_core.intervals(in_core.load(), machine.microarchitecture, compiler, isa)
    if published:
        variants = machine.paper_variants[isa]
        loops |= in_core.intervals(in_core.load(), machine.microarchitecture, compiler, isa, variants)
    return Subject(
        machine,
        isa,
        compiler,
        inputs.of_machine(machine, isa, random, DRAWS),
        loops,
        Traffic(load_traffic(), machine),
        calibration.algorithms,
        calibration.kernels,
    )


@cache
def forecast(
    name: str, isa: str, scenario: str = "as it is", elements: tuple[int, ...] = LENGTHS, slower: float = 1.0
) -> Prediction:
    """What the model expects of a machine in one ISA, in one of SCENARIOS, with ext_sum's loop so many times as slow.
    The same draws in each scenario.

    Raises HarnessError where what it is made of is not recorded.
    """
    calibration, random = calibrate.load(), np.random.default_rng(SEED)
    compiler = "clang" if scenario == "compiled by clang" else calibration.fitted_compiler
    asked = subject(load_machines()[name], isa, compiler, calibration, random, scenario == "published variants")
    if scenario == "twice the bandwidth of memory":
        core = asked.core
        faster = {
            field: {level: value / (2 if level == MEMORY else 1) for level, value in getattr(core, field).items()}
            for field in ("read_nanoseconds", "write_nanoseconds")
        }
        asked = replace(asked, core=replace(core, **faster))
    if slower != 1.0:
        variant, low, high = asked.loops["ext_sum"]
        asked = replace(asked, loops={**asked.loops, "ext_sum": (variant, slower * low, slower * high)})
    if scenario == "no write-allocate":
        asked = replace(asked, traffic=asked.traffic.without_allocation())
    guess = parameters(calibration, list(asked.kernels), random)
    return predict(asked, guess, elements, calibration.wider_spread, random)


def out_of_cache(prediction: Prediction) -> np.ndarray:
    """Which lengths are out of cache on the machine."""
    return prediction.subject.machine.is_out_of_cache(prediction.elements)


def largest_speedup(name: str, isa: str) -> tuple[float, float, float]:
    """Median and 10 to 90 % of the largest speedup of Two-Pass at any length out of cache, in percent."""
    prediction = forecast(name, isa)
    largest = prediction.speedup()[:, out_of_cache(prediction)].max(axis=1)
    low, middle, high = np.percentile(largest, (10, 50, 90))
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
