"""Whether runs of one machine agree, and know how far they do not: a simulated machine behind the real tuner,
scheduler, stopping rule and pooling.

`python -m tests.test_agreement 100` does it with so many runs, and prints what it finds.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.tables.speedups import pooled_speedups
from harness.experiments.base import Roster
from harness.reading.evidence import Evidence
from harness.record.run import Row, by_pass
from harness.record.samples import Run
from harness.run.choices import Choices
from harness.sampling.sampler import Sampling
from harness.sampling.tuning import Tuner
from harness.statistics import selection, variants
from harness.statistics.ratios import speedups
from harness.statistics.variants import Favoured
from tests.simulated import (
    COMPILER,
    ISA,
    LOUD,
    TUNED_AT,
    Noise,
    SimulatedRun,
    as_another,
    contenders,
    kernels,
    log_times,
    nanoseconds,
    simulate,
)
from tests.synthetic import ALGORITHMS

TUNINGS, MEASURED, EACH, BODIES = 7, 5, 12, 10
"""So many runs are tuned, so many of these measured, each under so many runs' effects, of which so many bodies of
evidence are drawn for each number of runs."""
ELEMENTS = (1000, 2000, 3000, 20_000, 50_000, 100_000, 300_000, 10**6, 3_500_000, 8_000_000, 1 << 24, 56_000_000)
"""Three in each level."""
PASSES = tuple(dict.fromkeys(name for passes in ALGORITHMS.values() for name in passes))
ROSTER = Roster({"algorithms": ALGORITHMS}, kernels())
PROCESSES, ROUNDS, FINALISTS = 6, 4, 6
"""Of tuning, as in `quick`."""


@dataclass(frozen=True)
class Tuned:
    """What a run's tuning found."""

    table: list[Row]

    @property
    def chosen(self) -> dict[str, str]:
        """The variant of each pass."""
        return {row["pass"]: row["variant"] for row in self.table if row["chosen"]}


def tuned(run: SimulatedRun, earlier: Mapping[str, Sequence[str]]) -> Tuned:
    """A run's tuning, by the code that tunes real ones, where earlier runs chose these variants of each pass."""
    favoured = {(COMPILER, ISA, name): Favoured({}, None, earlier.get(name, ())) for name in PASSES}
    choices = Choices({(COMPILER, ISA): ROSTER}, favoured, FINALISTS)
    measured: list[Row] = []
    fields = choices.fields(0, measured)
    for process in range(1 + PROCESSES):
        tuner = Tuner(run.sampler(process), ROSTER, TUNED_AT, ROUNDS, run.seed)
        measured += [row for field in fields for row in tuner.look(field, process)]
        if not process:
            fields = choices.fields(1, measured)
    return Tuned(choices.table(measured))


@cache
def tunings(count: int) -> list[Tuned]:
    """The tunings of so many runs, each of which knows those before it; every third is loud."""
    found: list[Tuned] = []
    counts = {name: Counter() for name in PASSES}
    for seed in range(count):
        earlier = {name: [variant for variant, _ in count.most_common()] for name, count in counts.items()}
        found.append(tuned(SimulatedRun(seed, noise_of(seed)), earlier))
        for name, variant in found[-1].chosen.items():
            counts[name][variant] += 1
    return found


def noise_of(seed: int) -> Noise:
    """Every third run is loud."""
    return Noise() if seed % 3 else LOUD


@cache
def loss(name: str, variant: str) -> float:
    """By how many percent a variant is slower than the best of its pass, over the lengths of tuning."""
    scores = {
        kernel.variant: np.mean([np.log(nanoseconds(kernel, n)) for n in TUNED_AT])
        for kernel in kernels()
        if kernel.name == name
    }
    return 100 * float(np.expm1(scores[variant] - min(scores.values())))


def chance(share: float, count: int) -> float:
    """Two standard errors of a share that is found in so many cases."""
    return 2 * (share * (1 - share) / count) ** 0.5


def test_a_variant_that_costs_more_than_two_percent_is_hardly_ever_chosen():
    losses = [loss(*its) for one in tunings(TUNINGS) for its in one.chosen.items()]
    assert np.mean(np.array(losses) > 2) <= 0.05


def regrets(count: int) -> pd.DataFrame:
    """What tunings say of the regret of each pass, and what it is."""
    rows = []
    for one in tunings(count):
        for (_, _, name), those in by_pass(one.table).items():
            median, low, high = variants.regret(those)
            rows.append((median, low, high, loss(name, one.chosen[name])))
    return pd.DataFrame(rows, columns=["median", "low", "high", "truth"])


def test_regret_has_an_interval_that_holds_what_the_choice_costs():
    found = regrets(TUNINGS)
    held = found["truth"].between(found["low"] - 1e-9, found["high"] + 1e-9)
    assert held.mean() >= 0.95 - chance(0.95, len(found))
    assert found["high"].median() <= 2, "it says something"


def test_equal_variants_do_not_alternate_between_runs():
    found = [one.chosen for one in tunings(TUNINGS)]
    stays = [before[name] == now[name] for before, now in pairwise(found) for name in PASSES]
    assert np.mean(stays) >= 0.95


@cache
def measured(count: int, each: int) -> tuple[list[Run], np.ndarray]:
    """Runs of variants that tuning chose, each under the effects of so many runs; and the speedups over each rival that
    all have in common, as logarithms."""
    runs, times = [], []
    for seed, one in enumerate(tunings(count)):
        with tempfile.TemporaryDirectory() as folder:
            how = Sampling(6, 1e6, seed, 0.02)
            run = simulate(
                Path(folder), SimulatedRun(count + seed, noise_of(seed)).sampler, ELEMENTS, contenders(one.chosen), how
            )
        runs += [as_another(run, each * seed + which) for which in range(each)]
        times.append(log_times(one.chosen, ELEMENTS))
    *rivals, ours = np.mean(times, axis=0)
    return runs, np.array(rivals) - ours


@cache
def medians(run: Run) -> pd.Series:
    """The speedup that a run shows at each length, in percent."""
    return speedups(selection.algorithm_rows(run)).set_index("elements")["speedup_percent_median"]


def coverage(count: int, each: int, runs: int, bodies: int) -> pd.DataFrame:
    """Of so many bodies of so many runs (rows) the share of lengths at which `mean` holds the true value, `next` what
    another run shows, and the width of the first."""
    everyone, truth = measured(count, each)
    true = pd.Series(100 * np.expm1(truth.min(axis=0)), index=ELEMENTS)
    random, rows = np.random.default_rng([20_200_113, runs]), []
    for _ in range(bodies):
        *some, further = (everyone[place] for place in random.choice(len(everyone), runs + 1, replace=False))
        table = pooled_speedups(Evidence(tuple(some))).set_index("elements")
        low, high = (table[f"mean_speedup_percent_{end}"] for end in ("low", "high"))
        held = true.reindex(table.index).between(low, high)
        ends = (table[f"next_run_speedup_percent_{end}"] for end in ("low", "high"))
        foretold = medians(further).reindex(table.index).between(*ends)
        rows.append({"mean": held.mean(), "next": foretold.mean(), "width": (high - low).median()})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("runs", range(2, 7))
def test_pooled_intervals_cover_the_truth_and_those_of_the_next_run_what_it_shows(runs):
    found = coverage(MEASURED, EACH, runs, BODIES)
    # Lengths of one body are not independent: the error is that of bodies.
    error = found.std() / len(found) ** 0.5
    assert found["mean"].mean() >= 0.93 - error["mean"]
    assert found["next"].mean() >= 0.93 - error["next"]


def main(count: int) -> None:
    """Prints what so many runs show."""
    losses = np.array([loss(*its) for one in tunings(count) for its in one.chosen.items()])
    found = regrets(count)
    held = found["truth"].between(found["low"] - 1e-9, found["high"] + 1e-9).mean()
    print(f"wrong by more than 2 %: {(losses > 2).mean():.3f} of {len(losses)}; regret held: {held:.3f}")
    for runs in range(2, 7):
        table = coverage(count, EACH, runs, 10 * count)
        error = (table.std() / len(table) ** 0.5).round(3)
        print(f"{runs} runs: {table.mean().round(3).to_dict()} ± {error.to_dict()}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
