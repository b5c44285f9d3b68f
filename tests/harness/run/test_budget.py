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
from harness.run import budget, measure, plan, progress, tune
from harness.run.begun import Begun
from harness.run.choices import Choices
from harness.sampling.tuning import Field
from tests.simulated import kernel


@pytest.fixture
def clock(monkeypatch):
    """A list whose only element is the time."""
    now = [0.0]
    for module in (budget, measure, progress, tune):
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


def test_what_goes_beside_the_questions_is_not_their_pace(clock):
    costs, waited, done = dict.fromkeys("abcd", 1.0), [3.0], []
    for key in budget.in_time(costs, costs, 12.0, lambda: waited[0]):
        done.append(key)
        clock[0] += costs[key]
        if key == "a":
            clock[0] += 6.0
            waited[0] += 6.0
    assert done == list("abcd")
    assert clock[0] == 10.0


CONFIG = {
    "algorithms": {"two-pass": ["ext_sum", "ext_scale"]},
    "protocol": "quick",
    "protocols": {
        "quick": {
            "minutes": 13,
            "waiting_percent": 10,
            "tuner": {"processes": 6, "rounds": 4, "finalists": 6},
        }
    },
    "tuning": "measured",
}


@pytest.fixture
def phases(monkeypatch, clock):
    """Has the phases of a run know a worker that tells some messages and is then killed for being late."""
    silent = dict.fromkeys(("update", "set_postfix_str", "set_description_str", "show_wait"), lambda *_, **__: None)
    for module in (measure, tune):
        monkeypatch.setattr(module, "bar", lambda *_, **__: nullcontext(SimpleNamespace(n=0, **silent)))
    monkeypatch.setattr(measure.store, "write_record", lambda *_: None)

    def worker_of(messages):
        def run_worker(*_):
            yield from messages
            raise TimeSpent("a measuring process was not done in time")

        for module in (measure, tune):
            monkeypatch.setattr(module, "run_worker", run_worker)

    return worker_of


def begun(folder, **said):
    """A run in progress that says this."""
    said = {"peers": Peers(), "skipped": (), "accuracy": (), **said}
    items = [plan.Item("gcc", "avx2", (1000,), "paper", experiment="algorithms")]
    kernels = [kernel(name, "u1k1") for name in CONFIG["algorithms"]["two-pass"]]
    record = Record(**dict.fromkeys(its.name for its in fields(Record)) | said)
    return Begun(folder, record, plan.Plan(Roster(CONFIG, kernels), None, items), None)


FIELD = Field("gcc", "avx2", "two-pass", {"ext_sum": ("u1k1",), "ext_scale": ("u1k1",)}, ("ext_sum", "ext_scale"))
TUNED = {"process": 0, "compiler": "gcc", "isa": "avx2", "algorithm": "two-pass", "pass": "ext_sum"}


@pytest.fixture
def choices(monkeypatch):
    """Has tuning look at one field, and make of it a table that tells which processes did."""
    ours = SimpleNamespace(fields=lambda *_: [FIELD], most=6, table=lambda rows: [row["process"] for row in rows])
    monkeypatch.setattr(Choices, "of", lambda *_: ours)


def test_a_machine_too_slow_to_be_tuned_is_one_line_that_says_what_would_help(tmp_path, phases, choices):
    phases([])
    with pytest.raises(HarnessError, match=r"0 of 2 passes were tuned in 6 min: .* 13 min of quick; ask for fewer"):
        tune.tune(begun(tmp_path), budget.Budget(0.0, 780.0))


@pytest.mark.parametrize(("seconds", "processes"), [(20, 7), (60, 3), (190, 1)])
def test_as_many_processes_look_at_finalists_as_there_is_time_for(
    tmp_path, phases, choices, clock, monkeypatch, seconds, processes
):
    """Of 780 seconds tuning has 195."""

    def run_worker(run, _, deadline, late, wanted):
        assert (deadline == math.inf) == (wanted.process > 0)
        clock[0] += seconds
        tune.TuningJournal(run.folder).append([TUNED | {"process": wanted.process}])
        yield {"done": "gcc avx2 two-pass"}

    phases([])
    monkeypatch.setattr(tune, "run_worker", run_worker)
    assert tune.tune(begun(tmp_path), budget.Budget(0.0, 780.0)) == list(range(processes))


def test_tuning_waits_a_quarter_of_what_a_run_may_and_that_is_not_its_pace(
    tmp_path, phases, choices, clock, monkeypatch
):
    """Of 780 seconds a tenth may be waited, of which tuning has 19.5; each of its seven processes takes 24."""
    allowed = []

    def run_worker(run, _, deadline, late, wanted):
        allowed.append(wanted.waits)
        waited = min(8.0, wanted.waits)
        yield {"waiting": waited}
        clock[0] += 24 + waited
        tune.TuningJournal(run.folder).append([TUNED | {"process": wanted.process}])
        yield {"done": "gcc avx2 two-pass"}
        yield {"beyond": waited}

    phases([])
    monkeypatch.setattr(tune, "run_worker", run_worker)
    assert tune.tune(begun(tmp_path), budget.Budget(0.0, 780.0)) == list(range(7))
    assert allowed == pytest.approx([0.0, 19.5, 11.5, 3.5, 0.0, 0.0, 0.0])  # the first look does not wait


def test_a_process_over_finalists_that_is_killed_for_being_late_is_done_without(tmp_path, phases, choices):
    phases([])
    tune.TuningJournal(tmp_path).append([TUNED])
    assert tune.tune(begun(tmp_path), budget.Budget(0.0, 780.0)) == [0]


def test_lengths_whose_accuracy_takes_too_long_are_skipped(tmp_path, phases):
    rows = [{"elements": n} for n in (1000, 10_000) for _ in range(2 * len(measure.accuracy.DISTRIBUTIONS))]
    phases([{"exp": "known"}, *({"softmax": row} for row in rows[:-1])])
    run = begun(tmp_path, accuracy_elements=(1000, 10_000, 100_000))
    measure.check_accuracy(run, budget.Budget(0.0, 780.0))
    assert (run.record.accuracy_elements, run.record.exp) == ((1000,), ("known",))
    assert run.record.accuracy == tuple(rows[: len(rows) // 2])
    assert [its.what for its in run.record.skipped] == ["accuracy of 10000 elements", "accuracy of 100000 elements"]
    assert {its.reason for its in run.record.skipped} == {"too little time"}


@pytest.mark.parametrize(("ends", "left"), [(math.inf, 270), (500.0, 20)])
def test_the_time_left_follows_the_pace_and_ends_with_the_minutes(monkeypatch, clock, ends, left):
    monkeypatch.setattr(progress.sys, "stderr", io.StringIO())
    clock[0] = 480.0
    with progress.bar("tuning", 100, ends=ends) as made:
        made.n, made.start_t = 64, made._time() - 480.0
        told = made.format_dict
    rate = told["rate"] or 64 / told["elapsed"]
    assert 36 / rate == pytest.approx(left, rel=1e-3)
