"""When a run stops, and what its intervals are then worth: simulated machines behind the real scheduler and rule."""

import math
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from harness.experiments.base import Contender
from harness.record.errors import HarnessError
from harness.record.run import Precision
from harness.sampling.sampler import Repetition, Sample, Sampling
from harness.statistics import selection
from harness.statistics.ratios import speedups
from tests.simulated import simulate

TRUTH = 1.25  # reloading takes so many times as long as Two-Pass; recomputing as long as that, or longer
EXPERIMENTS = 160
KERNEL = SimpleNamespace(variant="u1k1", name="ext_sum")
CONTENDERS = tuple(Contender(name, "", (KERNEL,)) for name in ("two-pass", "three-pass-reload", "three-pass-recompute"))


class SimulatedMachine:
    """A sampler whose times are a formula: truth x effect of the process on each contender x noise of the sample."""

    def __init__(self, kind, process):
        self.kind = kind
        self.random = np.random.default_rng([process, *kind.encode()])

    @contextmanager
    def prepared(self, question):
        random = self.random
        # From hardly any to more than the target allows, so that some experiments stop early and some never.
        spread = 0.002 + 0.018 * (question.elements % 10) / 9
        effects = random.normal(0, spread, 3)
        if self.kind == "skewed":  # of Two-Pass alone, or the ratio would not be; its median is 0
            effects = np.array([random.exponential(spread) - spread * np.log(2), 0, 0])
        recompute = TRUTH * (1.0 if question.elements % 2 else 1.06)
        self.logs = np.log([1.0, TRUTH, recompute]) + effects
        self.noise, self.taken = self.series(), 0
        yield list(range(len(question.contenders)))

    def series(self, length=64):
        random, white = self.random, self.random.normal(0, 0.02, 64)
        if self.kind == "skewed":
            return random.exponential(0.02, length) - 0.02 * np.log(2)
        if self.kind == "autocorrelated":
            for i in range(1, length):
                white[i] = 0.9 * white[i - 1] + 0.43 * white[i]
        if self.kind == "drifting":
            return 0.3 * white + random.normal(0, 0.05) * np.arange(length) / 18
        return white

    def repetition(self, question, prepared, sample_nanoseconds):
        return Repetition(1, 1)

    def sample(self, contender, question, how):
        self.taken += 1
        skewed_elsewhere = self.kind == "skewed" and contender
        noise = 0 if skewed_elsewhere else self.noise[self.taken - 1]
        return Sample(1, (round(1e9 * np.exp(self.logs[contender] + noise)),), 1, 1, frozenset())


def simulated(tmp_path, kind, experiments_, rounds, target, seconds=math.inf, each=0.0):
    """A run of so many questions on a simulated machine of this kind."""
    how = Sampling(rounds, 1, 0, target / 100)
    machine = partial(SimulatedMachine, kind)
    return simulate(tmp_path, machine, range(1, experiments_ + 1), CONTENDERS, how, (seconds, each))


@pytest.mark.parametrize("kind", ["independent", "skewed", "autocorrelated", "drifting"])
def test_intervals_cover_the_truth_though_runs_stop_when_they_look_narrow(tmp_path, kind):
    run = simulated(tmp_path, kind, EXPERIMENTS, 6, 2.0)
    found = speedups(selection.algorithm_rows(run))
    truth = 100 * (TRUTH - 1)
    covered = ((found["speedup_percent_low"] <= truth) & (truth <= found["speedup_percent_high"])).mean()
    assert len(found) == EXPERIMENTS
    assert covered >= 0.93
    # The rule was at work: some stopped after the least number of processes, some never did.
    assert set(found["processes"]) >= {8, 12}
    assert 0 < len(run.precision.missed) < EXPERIMENTS


def test_a_run_whose_ratios_are_all_known_stops_early_and_says_so(tmp_path):
    run = simulated(tmp_path, "independent", 20, 4, 50.0)
    assert run.samples["process"].nunique() == 8
    assert run.precision == Precision(50.0, "precision", questions=20, missed={})


def test_a_run_that_cannot_get_there_says_what_it_missed(tmp_path):
    run = simulated(tmp_path, "independent", 10, 4, 1e-6)
    assert run.samples["process"].nunique() == 12
    assert run.precision.stopped_by == "processes"
    assert len(run.precision.missed) == 10
    assert all(width > 1e-6 for width in run.precision.missed.values())


@pytest.mark.parametrize("each", (1.0, 3.0, 9.0))
def test_a_machine_that_is_too_slow_answers_what_it_can_and_says_what_not(tmp_path, capsys, each):
    run = simulated(tmp_path, "independent", 20, 4, 2.0, seconds=10.0, each=each)
    answered = run.samples["elements"].nunique()
    assert answered == {1.0: 10, 3.0: 3, 9.0: 1}[each]
    assert run.precision.stopped_by == "minutes"
    assert run.precision.questions == len(run.precision.missed) == answered
    (item,) = run.experiments["algorithms"]
    assert set(item.elements) == set(run.samples["elements"])
    assert [its.what for its in run.skipped] == [
        f"algorithms gcc avx2 at {n} elements" for n in range(1, 21) if n not in item.elements
    ]
    assert "this run decides nothing" in capsys.readouterr().out


def test_no_process_starts_that_would_end_too_late(tmp_path):
    run = simulated(tmp_path, "independent", 4, 4, 2.0, seconds=9.0, each=1.0)
    assert run.samples["process"].nunique() == 2
    assert run.precision.stopped_by == "minutes"
    assert run.skipped == ()


def test_a_run_without_an_answer_is_one_line(tmp_path):
    with pytest.raises(HarnessError, match=r"no question was answered in time: .* ask for fewer --isas"):
        simulated(tmp_path, "independent", 4, 4, 2.0, seconds=0.0)
