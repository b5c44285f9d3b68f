"""When a run stops, and what its intervals are then worth: simulated machines behind the real scheduler and rule."""

import math
from contextlib import contextmanager, nullcontext
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

from harness.experiments.base import Contender, Question, Roster
from harness.record import journal, store
from harness.record.errors import HarnessError
from harness.record.run import Precision, Protocol, Record, typed
from harness.run import budget, groups, measure, plan
from harness.run.begun import Begun
from harness.sampling.sampler import Repetition, Sample, Sampling
from harness.statistics import selection
from harness.statistics.ratios import speedups

TRUTH = 1.25  # reloading takes so many times as long as Two-Pass; recomputing as long as that, or longer
EXPERIMENTS = 500
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


def simulate(tmp_path, monkeypatch, kind, experiments_, rounds, target, seconds=math.inf, each=0.0):
    """A run of so many questions on a simulated machine, by the code that measures real ones: it may take so many
    seconds, of a clock that goes on by `each` with every question."""
    now = [0.0]
    for module in (budget, measure):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    protocol = {
        "processes": {"least": 8, "most": 12}, "half_width_percent": target, "minutes": 1e6,
        "rounds": {"algorithms": rounds}, "sample_milliseconds": 1,
    }  # fmt: skip
    asked = {"algorithms": {"contenders": "algorithms"}, "controls": {"contenders": "controls"}}
    config = {"protocol": "quick", "protocols": {"quick": protocol}, "experiments": asked}
    planned = plan.Plan(
        Roster(config, ()), None, [plan.Item("algorithms", "gcc", "avx2", tuple(range(1, experiments_ + 1)), "paper")]
    )
    said = {
        "protocol": typed(Protocol, {"name": "quick", **protocol, "experiments": asked}),
        "experiments": planned.described(),
        "skipped": (),
    }
    run = Begun(tmp_path, Record(**dict.fromkeys(its.name for its in fields(Record)) | said), planned, None)

    def run_worker(run, process, deadline, late, wanted):
        wanted = wanted["costs"]
        machine = SimulatedMachine(kind, process)
        text = []
        elements = {planned.items[0].key(n, 1): n for n in planned.items[0].elements}
        for key in budget.in_time(wanted, [key for key in elements if key in wanted], deadline):
            question = Question("algorithms", "gcc", "avx2", elements[key], "paper", CONTENDERS)
            how = Sampling(rounds, 1, elements[key], target / 100)
            rows = groups.measure_question(machine, question, process, how)
            text.append(f"{journal.csv_lines(rows)}{journal.END_OF_POINT}{key}\n")
            now[0] += each
            assert now[0] <= late
        (run.folder / f"process-{process}.journal").write_text(
            journal.sealed("".join([*text, f'{journal.END_OF_GROUP}{{"waited": 0}}'])) if text else ""
        )
        return iter([{"point": key} for key in wanted])

    monkeypatch.setattr(measure, "run_worker", run_worker)
    monkeypatch.setattr(plan.Plan, "question_seconds", lambda *_: 1.0)
    silent = dict.fromkeys(("update", "write", "set_postfix_str", "set_description_str"), lambda *_, **__: None)
    monkeypatch.setattr(measure, "bar", lambda *_: nullcontext(SimpleNamespace(total=0, **silent)))
    monkeypatch.setattr(store, "write_record", lambda *_: None)
    measure.measure_processes(run, budget.Budget(0.0, seconds))
    return measure.so_far(run, [store.Journal(path) for path in sorted(tmp_path.glob("*.journal"))])


@pytest.mark.parametrize("kind", ["independent", "skewed", "autocorrelated", "drifting"])
def test_intervals_cover_the_truth_though_runs_stop_when_they_look_narrow(tmp_path, monkeypatch, kind):
    run = simulate(tmp_path, monkeypatch, kind, EXPERIMENTS, 6, 2.0)
    found = speedups(selection.algorithm_rows(run))
    truth = 100 * (TRUTH - 1)
    covered = ((found["speedup_percent_low"] <= truth) & (truth <= found["speedup_percent_high"])).mean()
    assert len(found) == EXPERIMENTS
    assert covered >= 0.93
    # The rule was at work: some stopped after the least number of processes, some never did.
    assert set(found["processes"]) >= {8, 12}
    assert 0 < len(run.precision.missed) < EXPERIMENTS


def test_a_run_whose_ratios_are_all_known_stops_early_and_says_so(tmp_path, monkeypatch):
    run = simulate(tmp_path, monkeypatch, "independent", 20, 4, 50.0)
    assert run.samples["process"].nunique() == 8
    assert run.precision == Precision(50.0, "precision", questions=20, missed={})


def test_a_run_that_cannot_get_there_says_what_it_missed(tmp_path, monkeypatch):
    run = simulate(tmp_path, monkeypatch, "independent", 10, 4, 1e-6)
    assert run.samples["process"].nunique() == 12
    assert run.precision.stopped_by == "processes"
    assert len(run.precision.missed) == 10
    assert all(width > 1e-6 for width in run.precision.missed.values())


@pytest.mark.parametrize("each", (1.0, 3.0, 9.0))
def test_a_machine_that_is_too_slow_answers_what_it_can_and_says_what_not(tmp_path, monkeypatch, capsys, each):
    run = simulate(tmp_path, monkeypatch, "independent", 20, 4, 2.0, seconds=10.0, each=each)
    answered = run.samples["elements"].nunique()
    assert answered == {1.0: 10, 3.0: 3, 9.0: 1}[each]
    assert run.precision.stopped_by == "minutes"
    assert run.precision.questions == len(run.precision.missed) == answered
    (item,) = run.experiments["algorithms"]
    assert set(item.elements) == set(run.samples["elements"])
    assert [its["what"] for its in run.skipped] == [
        f"algorithms gcc avx2 at {n} elements" for n in range(1, 21) if n not in item.elements
    ]
    assert "this run decides nothing" in capsys.readouterr().out


def test_no_process_starts_that_would_end_too_late(tmp_path, monkeypatch):
    run = simulate(tmp_path, monkeypatch, "independent", 4, 4, 2.0, seconds=9.0, each=1.0)
    assert run.samples["process"].nunique() == 2
    assert run.precision.stopped_by == "minutes"
    assert run.skipped == ()


def test_a_run_without_an_answer_is_one_line(tmp_path, monkeypatch):
    with pytest.raises(HarnessError, match=r"no question was answered in time: .* ask for fewer --isas"):
        simulate(tmp_path, monkeypatch, "independent", 4, 4, 2.0, seconds=0.0)
