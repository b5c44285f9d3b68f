"""What memory and the last-level cache give: when it is too little, and of what it makes a disturbed sample."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from harness.experiments.base import Contender, Question
from harness.experiments.conditions import LOOPS
from harness.record.exactness import TOO_FAST
from harness.sampling import conditions
from harness.sampling.conditions import Conditions, best_loops, calls_of, flagged, of_loops, reaches
from harness.sampling.sampler import Sample
from tests.synthetic import ItsCaches

NEAR, FAR = 1 << 21, 1 << 25


def loop(name, variant="u4k1"):
    return Contender("", name, (SimpleNamespace(name=name, variant=variant),))


def asked(elements, *contenders):
    return Question("conditions", "gcc", "avx2", elements, "warm", contenders or tuple(map(loop, LOOPS)), False)


class Machine:
    """A sampler on which a call of a loop takes so many nanoseconds; what a test puts into `told` comes first."""

    def __init__(self):
        self.nanoseconds = {(n, name): 1000 * n for n in (NEAR, FAR) for name in LOOPS}
        self.flags, self.told, self.taken = frozenset(), [], 0

    @contextmanager
    def prepared(self, question):
        yield list(question.contenders)

    def sample(self, contender, question, how):
        self.taken += 1
        nanoseconds, flags = self.nanoseconds[question.elements, contender.pass_name], self.flags
        if self.told:
            factor, flags = self.told.pop(0)
            nanoseconds *= factor
        return Sample(how.calls, (round(how.calls * nanoseconds),), 1, 1, frozenset(flags))

    def gives(self, share, *elements):
        """Has memory (or L3) give this share from now on."""
        for n in elements:
            for name in LOOPS:
                self.nanoseconds[n, name] = 1000 * n / share


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def seen(machine):
    """The conditions after five calm looks."""
    found = Conditions(machine, [asked(NEAR), asked(FAR)])
    for _ in range(5):
        found.look()
        assert not found.lacking
    return found


@pytest.mark.parametrize("elements", (NEAR, FAR))
@pytest.mark.parametrize(("share", "is_low"), [(1.0, False), (0.92, False), (0.88, True), (0.5, True), (2.0, False)])
def test_a_look_finds_too_little_where_a_level_gives_more_than_a_tenth_less(machine, seen, elements, share, is_low):
    machine.gives(share, elements)
    assert seen.are_calm() != is_low
    seen.look()
    assert seen.lacking == ({elements} if is_low else set())
    machine.gives(1.0, NEAR, FAR)
    seen.look()
    assert not seen.lacking


def test_what_is_over_at_once_is_no_drop(machine, seen):
    before = machine.taken
    machine.told = [(3.0, ())]
    turns, _ = seen.look()
    assert not seen.lacking
    assert machine.taken == before + len(LOOPS) * 2 + 1
    assert turns[0][1].nanoseconds[0] == 1000 * NEAR * calls_of(NEAR)


@pytest.mark.parametrize("flag", ("cpu-time", "stolen", TOO_FAST))
def test_a_look_that_did_not_run_all_the_time_tells_nothing(machine, seen, flag):
    machine.flags, known = {flag}, {key: list(times) for key, times in seen.times.items()}
    machine.gives(0.5, NEAR, FAR)
    seen.look()
    assert not seen.lacking
    assert seen.times == known


def test_what_earlier_processes_saw_is_known(machine):
    rows = [
        {"elements": "33554432", "pass": "load", "nanoseconds": str(1000 * FAR * 2), "calls": "2", "flags": flags}
        for flags in ("", "throughput", "cpu-time;switched")
    ]
    found = Conditions(machine, [asked(NEAR), asked(FAR)])
    found.learn(rows)
    assert found.times == {(FAR, "load"): [1000.0 * FAR] * 2}
    machine.gives(0.8, FAR)
    found.look()
    assert found.lacking == {FAR}


def test_a_run_that_asks_for_no_conditions_lacks_nothing(machine):
    found = Conditions(machine, [])
    assert found.look() == []
    assert found.are_calm()
    assert machine.taken == 0


@pytest.mark.parametrize(
    ("elements", "threads", "joint", "reached"),
    [
        (1000, 1, True, set()),
        (131_072, 1, True, set()),
        (131_073, 1, True, {NEAR}),
        (4 << 20, 1, True, {NEAR}),
        ((4 << 20) + 1, 1, True, {NEAR, FAR}),
        (3 << 20, 2, True, {NEAR}),
        (3 << 20, 2, False, {NEAR, FAR}),
    ],
)
def test_operands_reach_what_lies_beyond_the_caches_that_hold_them(elements, threads, joint, reached):
    question = Question("algorithms", "gcc", "avx2", elements, "paper", (), threads=threads, joint=joint)
    assert {its.level: its.bytes for its in ItsCaches.caches} == {1: 32 << 10, 2: 1 << 20, 3: 32 << 20}
    assert {level for level in (NEAR, FAR) if reaches(question, level, ItsCaches())} == reached


def test_a_flag_stands_beside_those_that_there_are():
    rows = flagged([{"flags": "", "round": 1}, {"flags": "clock;throughput", "round": 2}])
    assert [row["flags"] for row in rows] == ["memory", "clock;memory;throughput"]
    assert flagged(rows) == rows


def test_the_best_loops_are_those_with_the_smallest_product_over_the_lengths(machine, monkeypatch):
    times = {"u1k1": {NEAR: 1.0, FAR: 3.0}, "u4k1": {NEAR: 1.2, FAR: 2.0}, "u2k2": {NEAR: 2.0, FAR: 1.9}}
    monkeypatch.setattr(
        machine,
        "sample",
        lambda ready, question, how: Sample(
            how.calls, (round(1e6 * how.calls * times[ready.variant][question.elements]),), 1, 1, frozenset()
        ),
    )
    contenders = tuple(loop(name, variant) for variant in times for name in LOOPS)
    questions = [asked(n, *contenders) for n in (NEAR, FAR)]
    best = best_loops(machine, questions)
    assert best == dict.fromkeys(LOOPS, "u4k1")
    assert [its.rows for its in of_loops(questions[0], best).contenders] == [[("load", "u4k1")], [("copy", "u4k1")]]


def test_each_look_moves_the_same_whatever_its_length():
    assert calls_of(NEAR) * NEAR == conditions.LOOK_ELEMENTS
    assert calls_of(FAR) == 1
