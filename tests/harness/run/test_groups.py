"""Groups of questions: what is flagged, what is asked again, and what a kill leaves."""

from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from harness.experiments.base import Contender, Question
from harness.record.journal import Journal, rows_in
from harness.record.run import Protocol, Record, Session
from harness.run import groups
from harness.run.groups import GROUP_SECONDS, Groups, Where, is_disturbed
from harness.sampling.conditions import Conditions
from harness.sampling.pacing import Pacer
from harness.sampling.sampler import Repetition, Sample
from tests.synthetic import ItsCaches

NEAR, FAR = 1 << 21, 1 << 25
LENGTHS = (1000, 1_000_000, 10_000_000)
STARTED = "2026-01-01T00:00:00+00:00"


def contender(algorithm, name=""):
    return Contender(algorithm, name, (SimpleNamespace(name=name, variant="u1k1"),))


LOOKS = [
    Question("conditions", "gcc", "avx2", n, "warm", (contender("", "load"), contender("", "copy")), False)
    for n in (NEAR, FAR)
]
ASKED = {
    f"algorithms gcc avx2 {n}": Question(
        "algorithms", "gcc", "avx2", n, "paper", (contender("two-pass"), contender("three-pass-reload"))
    )
    for n in LENGTHS
}


class Machine:
    """A sampler and its time: a sample takes 0.1 s, a look none; memory gives what a test says."""

    def __init__(self):
        self.time, self.memory, self.flags, self.calls = 0.0, 1.0, frozenset(), 5

    @contextmanager
    def prepared(self, question):
        yield list(question.contenders)

    def repetition(self, question, prepared, nanoseconds):
        return Repetition(self.calls, 1)

    def sample(self, contender, question, how):
        if question.experiment == "conditions":
            slow = self.memory if question.elements == FAR else 1.0
            return Sample(how.calls, (round(1000 * how.calls / slow),), 10, 20, frozenset())
        self.time += 0.1
        return Sample(how.calls, (1000,), 10, 20, self.flags)

    def monotonic(self):
        return self.time

    def seconds_since_1970(self):
        return datetime(2026, 1, 1, tzinfo=UTC).timestamp() + 100 + self.time


class Process:
    """One process of a run on such a machine, and what it tells."""

    def __init__(self, folder, machine, sessions=1):
        said = {
            "machine": ItsCaches(), "seed": 1, "started": STARTED, "sessions": (Session(STARTED, ()),) * sessions,
            "protocol": Protocol("quick", half_width_percent=100.0, rounds={"algorithms": 2}, sample_milliseconds=1.0),
        }  # fmt: skip
        record = Record(**dict.fromkeys(its.name for its in fields(Record)) | said)
        self.journal = Journal(folder / "process-0.journal")
        self.journal.trim()
        self.pauses = []
        self.pacer = Pacer(
            100.0, lambda: machine.memory == 1, self.pauses.append, sleep=self.sleep, now=machine.monotonic
        )
        self.machine = machine
        conditions = Conditions(machine, LOOKS)
        for journal in [self.journal]:
            for lines in [lines for key, lines in journal.points().items() if key.startswith("conditions")]:
                conditions.learn(rows_in(lines))
        self.groups = Groups(Where(record, 0, self.journal), ASKED, conditions, self.pacer)

    def sleep(self, seconds):
        self.machine.time += seconds

    def ask(self, *lengths):
        for n in lengths:
            self.groups.ask(f"algorithms gcc avx2 {n}")

    def flags(self):
        """The flags of each point's rows, by its length."""
        points = self.journal.points()
        return {n: [row["flags"] for row in rows_in(points.get(f"algorithms gcc avx2 {n}", ""))] for n in LENGTHS}


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def told(monkeypatch):
    found = []
    monkeypatch.setattr(groups, "tell", lambda **message: found.append(message))
    return found


@pytest.fixture
def started(tmp_path, monkeypatch, machine, told):
    """started() is a process, each time a new one, on the machine and on the same journal."""
    clock = SimpleNamespace(monotonic=machine.monotonic, time=machine.seconds_since_1970)
    monkeypatch.setattr(groups, "time", clock)
    return lambda **more: Process(tmp_path, machine, **more)


def test_what_is_measured_while_memory_gives_too_little_is_flagged_if_it_reaches_that_far(started, machine):
    process = started()
    process.ask(*LENGTHS)
    process.groups.end()
    assert not any(flag for flags in process.flags().values() for flag in flags)
    again = started()
    machine.memory = 0.8
    again.ask(*LENGTHS)
    again.groups.end()
    flags = {n: set(its[len(its) // 2 :]) for n, its in again.flags().items()}
    assert flags == {1000: {""}, 1_000_000: {""}, 10_000_000: {"memory"}}


@pytest.mark.parametrize("moment", ("before", "after"))
def test_a_look_before_or_after_a_group_is_enough(started, machine, moment):
    process = started()
    process.ask(1000)
    machine.memory = 0.8 if moment == "before" else 1.0
    process.groups.end()
    machine.memory = 0.8 if moment == "after" else 1.0
    process.ask(10_000_000)
    if moment == "after":
        machine.memory = 0.8
    process.groups.end()
    assert set(process.flags()[10_000_000]) == {"memory"}
    assert set(process.flags()[1000]) == {""}


def test_what_was_disturbed_all_the_time_is_asked_once_more_and_its_rounds_go_on(started, machine, told):
    process = started()
    process.ask(1000)
    process.groups.end()
    machine.memory = 0.8
    process.ask(10_000_000)
    process.groups.end()
    machine.memory, machine.calls = 1.0, 7
    process.ask(1_000_000)
    process.groups.end()
    (key,) = process.groups.disturbed()
    assert key == "algorithms gcc avx2 10000000"
    process.groups.ask(key)
    process.groups.end()
    assert process.groups.disturbed() == []
    rows = rows_in(process.journal.points()[key])
    turns = [(row["round"], row["position"]) for row in rows]
    assert turns == sorted(set(turns))
    assert {row["calls"] for row in rows} == {"5"}, "all rounds of a question have the same calls"
    assert [row["flags"] for row in rows] == ["memory"] * 4 + [""] * 4
    assert {"again": key} in told and {"done": key} in told


def test_what_is_disturbed_again_is_left_alone(started, machine):
    process = started()
    machine.flags = frozenset({"throughput"})
    for _ in range(2):
        process.ask(1000)
        process.groups.end()
    assert process.groups.disturbed() == []


def test_a_group_is_some_seconds_long_and_says_when_it_was_and_what_disturbed_it(started, machine):
    process = started(sessions=2)
    machine.flags = frozenset({"throughput", "clock"})
    for n in LENGTHS:
        machine.time += GROUP_SECONDS * 0.9
        process.ask(n)
    process.groups.end()
    first, second = [group.told for group in process.journal.groups()]
    assert (first["questions"], second["questions"]) == (2, 1)
    assert (first["before"], first["after"]) == (0, 1)
    assert second["after"] == second["before"] + 1
    assert first["session"] == 1
    assert first["started"] == pytest.approx(100 + GROUP_SECONDS * 0.9)
    assert second["started"] >= first["started"] + first["seconds"]
    asked = sum(len(flags) for flags in process.flags().values())
    assert first["disturbed"] + second["disturbed"] == asked
    assert first["samples"] + second["samples"] == asked + 4 * (1 + second["after"] - (second["before"] - 1))
    assert first["flags"] == [f"clock {first['disturbed']}", f"throughput {first['disturbed']}"]
    assert (first["clock_nanoseconds"], first["throughput_nanoseconds"]) == (10, 20)


def test_a_loud_machine_is_waited_for_before_the_next_group_which_says_so(started, machine):
    process = started()
    process.ask(1000)
    process.groups.end()
    machine.memory, machine.flags = 0.8, frozenset({"throughput"})
    process.ask(10_000_000, 1_000_000)
    process.groups.end()
    before = process.groups.last_look
    process.groups.ask("algorithms gcc avx2 1000")
    process.groups.end()
    assert process.pauses == [1.0, 2.0, 4.0, 8.0]
    last = process.journal.groups()[-1].told
    assert last["waited"] == process.pacer.waited == 15.0
    assert last["before"] == before + 1, "what was before the wait is not what the group begins with"


def test_a_kill_loses_the_group_in_progress_alone_and_what_is_resumed_goes_on(started, machine):
    killed = started()
    killed.ask(1000)
    killed.groups.end()
    killed.ask(1_000_000)
    resumed = started(sessions=2)
    assert resumed.groups.asked == {"algorithms gcc avx2 1000": 1} | {
        f"conditions gcc avx2 {n}": 1 for n in (NEAR, FAR)
    }
    resumed.ask(1_000_000, 10_000_000)
    resumed.groups.end()
    first, second = [group.told for group in resumed.journal.groups()]
    assert [first["group"], second["group"]] == [0, 1]
    assert [first["session"], second["session"]] == [0, 1]
    assert (first["before"], first["after"], second["before"], second["after"]) == (0, 1, 2, 3)
    rounds = [row["round"] for row in rows_in(resumed.journal.points()[f"conditions gcc avx2 {FAR}"])]
    assert rounds == ["0", "0", "1", "1", "2", "2", "3", "3"]


def row(round_, name, flags):
    return {"round": round_, "algorithm": "", "pass": name, "variant": "", "flags": flags}


def test_rounds_are_disturbed_as_a_whole_where_ratios_are_asked_and_samples_alone_elsewhere():
    paired, alone = ASKED["algorithms gcc avx2 1000"], LOOKS[0]
    never_together = [row(0, "a", ""), row(0, "b", "clock"), row(1, "a", "clock"), row(1, "b", "")]
    assert is_disturbed(paired, never_together)
    assert not is_disturbed(alone, never_together)
    assert not is_disturbed(paired, [*never_together, row(2, "a", ""), row(2, "b", "")])
    assert is_disturbed(alone, [row(0, "a", ""), row(0, "b", "clock"), row(0, "c", "clock")])
