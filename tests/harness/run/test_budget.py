"""The minutes of a run: each phase has a share, and what can't be done in it is left out and told."""

import io
import math
from contextlib import nullcontext
from dataclasses import fields
from types import SimpleNamespace

import pytest

from harness.experiments.base import Roster
from harness.record.errors import HarnessError, TimeSpent
from harness.record.run import Peers, Record
from harness.run import budget, measure, plan, progress
from harness.run.begun import Begun
from harness.sampling import tuning
from tests.conftest import COMPILERS, SETTINGS, kernels_of


@pytest.fixture
def clock(monkeypatch):
    """A list whose only element is the time."""
    now = [0.0]
    for module in (budget, measure, progress, tuning):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_what_one_part_leaves_over_the_others_have(clock):
    allowance = budget.Allowance(12.0, 4)
    assert allowance.next() == 3.0
    clock[0] = 6.0
    assert allowance.next() == 2.0
    clock[0] = 13.0
    assert allowance.next() == 0.0


def test_questions_that_would_end_too_late_at_the_pace_that_is_seen_are_left_out(clock):
    costs, done = {"a": 1.0, "long": 9.0, "b": 1.0, "c": 2.0, "d": 1.0}, []
    for key in budget.in_time(costs, costs, 10.0):
        done.append(key)
        clock[0] += 2 * costs[key]
    assert done == ["a", "b", "c", "d"]
    assert clock[0] == 10.0
    assert list(budget.in_time(costs, costs, 10.0)) == []


def tuned(monkeypatch, clock, seconds_of_a_round, allowed):
    """The rows of a pass on a machine on which a round of a variant takes so long, and the seconds that it took."""
    kernels = kernels_of(COMPILERS[0], "scalar")

    def times(_sampler, question, count, _seed):
        clock[0] += len(question.contenders) * count * seconds_of_a_round
        return [1.0 + len(contender.variant) for contender in question.contenders]

    monkeypatch.setattr(tuning, "median_times", times)
    began = clock[0]
    rows = tuning.Tuner(None, Roster(SETTINGS, kernels), 1 << 20, 1).tune("exp_sum", allowed)
    return rows, clock[0] - began


def test_a_pass_has_all_variants_tried_where_there_is_time(monkeypatch, clock):
    rows, _ = tuned(monkeypatch, clock, 1e-3, 10.0)
    assert len(rows) == 19
    assert not any("available" in row for row in rows)
    assert tuning.narrowed(rows) == []


@pytest.mark.parametrize("seconds_of_a_round", (0.03, 0.1, 0.3, 1.0))
def test_fewer_variants_are_tried_where_time_is_short(monkeypatch, clock, seconds_of_a_round):
    rows, took = tuned(monkeypatch, clock, seconds_of_a_round, 10.0)
    assert 1 <= len(rows) < 19
    assert sum(row["chosen"] for row in rows) == 1
    assert took <= 10.0 or len(rows) == 1
    (told,) = tuning.narrowed(rows)
    assert told["what"] == f"tuning of {19 - len(rows)} of 19 variants of {COMPILERS[0]} scalar exp_sum"
    assert "too little time; measured is u" in told["reason"]


def test_the_fewer_the_later():
    counts = [tuning.most_variants(19, 3, 6, affordable) for affordable in (0, 10, 30, 60, 1000)]
    assert counts == sorted(counts)
    assert counts[0] == 1 and counts[-1] == 19


def test_the_wanted_and_the_published_variants_are_tried_first():
    kernels = [kernel for kernel in kernels_of(COMPILERS[0], "scalar") if kernel.name == "exp_sum"]
    order = [kernel.variant for kernel in tuning.by_promise(kernels, {"u12k1": ["broadwell"]}, "u2k1")]
    assert order[:3] == ["u2k1", "u12k1", "u9k1"]
    assert sorted(order) == sorted(kernel.variant for kernel in kernels)


CONFIG = {
    "algorithms": {"two-pass": ["ext_sum", "ext_scale"]},
    "protocol": "quick",
    "protocols": {"quick": {"minutes": 13}},
}


@pytest.fixture
def phases(monkeypatch, clock):
    """Has the phases of a run know a worker that tells some messages and is then killed for being late."""
    silent = dict.fromkeys(("update", "set_postfix_str"), lambda *_, **__: None)
    monkeypatch.setattr(measure, "bar", lambda *_, **__: nullcontext(SimpleNamespace(**silent)))
    monkeypatch.setattr(measure.store, "write_record", lambda *_: None)

    def worker_of(messages):
        def run_worker(*_):
            yield from messages
            raise TimeSpent("a measuring process was not done in time")

        monkeypatch.setattr(measure, "run_worker", run_worker)

    return worker_of


def begun(folder, **said):
    """A run in progress that says this."""
    said = {"peers": Peers(), "skipped": (), "accuracy": (), **said}
    items = [plan.Item("algorithms", "gcc", "avx2", (1000,), "paper")]
    record = Record(**dict.fromkeys(its.name for its in fields(Record)) | said)
    return Begun(folder, record, plan.Plan(Roster(CONFIG, ()), None, items), None)


def test_a_machine_too_slow_to_be_tuned_is_one_line_that_says_what_would_help(tmp_path, phases):
    phases([])
    with pytest.raises(HarnessError, match=r"0 of 2 passes were tuned in 8 min: .* 13 min of quick; ask for fewer"):
        measure.tune(begun(tmp_path), budget.Budget(0.0, 780.0))


def test_lengths_whose_accuracy_takes_too_long_are_skipped(tmp_path, phases):
    rows = [{"elements": n} for n in (1000, 10_000) for _ in range(2 * len(measure.accuracy.DISTRIBUTIONS))]
    phases([{"exp": "known"}, *({"softmax": row} for row in rows[:-1])])
    run = begun(tmp_path, accuracy_elements=(1000, 10_000, 100_000))
    measure.check_accuracy(run, budget.Budget(0.0, 780.0))
    assert (run.record.accuracy_elements, run.record.exp) == ((1000,), ("known",))
    assert run.record.accuracy == tuple(rows[: len(rows) // 2])
    assert [its["what"] for its in run.record.skipped] == ["accuracy of 10000 elements", "accuracy of 100000 elements"]
    assert {its["reason"] for its in run.record.skipped} == {"too little time"}


@pytest.mark.parametrize(("ends", "left"), [(math.inf, 270), (500.0, 20)])
def test_the_time_left_follows_the_pace_and_ends_with_the_minutes(monkeypatch, clock, ends, left):
    monkeypatch.setattr(progress.sys, "stderr", io.StringIO())
    clock[0] = 480.0
    with progress.bar("tuning", 100, ends=ends) as made:
        made.n, made.start_t = 64, made._time() - 480.0
        told = made.format_dict
    rate = told["rate"] or 64 / told["elapsed"]
    assert 36 / rate == pytest.approx(left, rel=1e-3)
