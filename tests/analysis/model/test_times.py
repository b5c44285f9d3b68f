"""The time of a pass: computation and data by level, the longer one counts; against answers derived by hand."""

import numpy as np
import pytest

from analysis.model import times
from analysis.model.inputs import Core
from analysis.model.times import Parameters, Subject, predict
from analysis.model.traffic import MEMORY
from harness.record.run import Pass

READS, WRITES = Pass(1, 0, 0), Pass(1, 0, 1)
CACHES = (32 << 10, 1 << 20, 8 << 20)
ALGORITHMS = {"three-pass-recompute": ("r", "r", "w"), "three-pass-reload": ("r", "r", "w"), "two-pass": ("r", "w")}


def one(value):
    return np.array([[float(value)]])


def lines(second=0.0, third=0.0, memory=0.0):
    return [[second], [third], [memory]]


def moved(*kinds):
    return np.array([*kinds, *[lines()] * (3 - len(kinds))])


NOTHING = moved()


def core(**changed):
    values = {
        "clock_ghz": one(2),
        "l1_nanoseconds": {kind: one(0.1) for kind in ("load", "copy", "update")},
        "read_nanoseconds": {2: one(1), 3: one(2), MEMORY: one(4)},
        "write_nanoseconds": {2: one(0.5), 3: one(0.5), MEMORY: one(1)},
        "fetch_ratio": one(1),
    }
    return Core(**{**values, **changed})


def time(what, kernel=READS, isa="avx512f", rotating=True, of=None, **changed):
    values = {"in_core": 0.5, "lone_store": 1, "unhidden": 0} | changed
    parameters = Parameters(**{name: one(value) for name, value in values.items()})
    subject = Subject("here", CACHES, isa, "gcc", of or core(), {"p": ("u1k1", 4.0, 8.0)}, {}, {"p": kernel})
    return times._pass_time(subject, parameters, "p", what, rotating)


def test_computation_alone_is_the_place_between_the_two_ends_times_the_vectors_of_a_line():
    # 6 cycles at 2 GHz are 3 ns for a line of 16 elements; AVX2 has two vectors in a line.
    assert time(NOTHING).total[0, 0] == pytest.approx(3 / 16)
    assert time(NOTHING, isa="avx2").total[0, 0] == pytest.approx(6 / 16)
    assert time(NOTHING, in_core=1).total[0, 0] == pytest.approx(4 / 16)


def test_another_thread_on_the_core_makes_computation_longer():
    assert time(NOTHING, shared=1.5).total[0, 0] == pytest.approx(1.5 * 3 / 16)


def test_loads_and_stores_of_l1_take_their_time_whatever_llvm_mca_says():
    slow = core(l1_nanoseconds={"load": one(5), "copy": one(0.1), "update": one(0.1)})
    assert time(NOTHING, of=slow).total[0, 0] == pytest.approx(5 / 16)


def test_each_line_costs_what_its_level_costs():
    for where, expected in ({"second": 0.25}, 0.25), ({"third": 0.25}, 0.5), ({"memory": 0.5}, 2.0):
        assert time(moved(lines(**where))).data[0, 0] * 16 == pytest.approx(expected)


def test_the_longer_one_counts_and_of_the_other_what_is_not_hidden():
    longer = moved(lines(memory=1))  # 4 ns of data, 3 of computation
    assert time(longer).total[0, 0] == pytest.approx(4 / 16)
    assert time(longer, unhidden=0.2).total[0, 0] == pytest.approx(4.6 / 16)
    assert time(moved(lines(second=1))).total[0, 0] == pytest.approx(3 / 16)


def test_a_line_that_is_overwritten_costs_its_fetch_and_its_way_back():
    # Fetched and back: 4 + 1, times what the copy loop takes of that, beside a read line of 4.
    every = moved(*[lines(memory=1)] * 3)
    assert time(every, WRITES, of=core(fetch_ratio=one(0.8))).data[0, 0] * 16 == pytest.approx(4 + 0.8 * 5)


def test_lone_stores_cost_more_where_nothing_is_read_from_beyond_l2():
    alone = moved(lines(second=1), lines(memory=1), lines(memory=1))
    assert time(alone, WRITES, lone_store=1.5).data[0, 0] * 16 == pytest.approx(1 + 1.5 * 5)
    assert time(alone, WRITES, lone_store=1.5, rotating=False).data[0, 0] * 16 == pytest.approx(1 + 5)
    for beside in ({"third": 1}, {"memory": 1}):
        both = moved(lines(**beside), lines(memory=1), lines(memory=1))
        assert time(both, WRITES, lone_store=1.5).total[0, 0] * 16 == pytest.approx(5 + (2 if "third" in beside else 4))


def test_an_algorithm_is_the_sum_of_its_passes_and_a_speedup_is_over_the_better_rival():
    loops = {"r": ("u1k1", 4.0, 4.0), "w": ("u1k1", 4.0, 4.0)}
    subject = Subject("here", CACHES, "avx512f", "gcc", core(), loops, ALGORITHMS, {"r": READS, "w": WRITES})
    found = predict(subject, Parameters(one(0), one(1)), [10**8])
    assert found.total("two-pass")[0, 0] == pytest.approx((4 + 9) / 16)
    assert found.total("three-pass-reload")[0, 0] == pytest.approx((4 + 4 + 9) / 16)
    assert found.ratio()[0, 0] == pytest.approx(17 / 13)
    assert found.passes["", "w"].total[0, 0] == pytest.approx(9 / 16)


def test_a_length_is_in_the_region_that_holds_its_input():
    subject = Subject("here", CACHES, "avx2", "gcc", core(), {}, {}, {})
    assert list(subject.regions([1000, 1_000_000, 10**8])) == ["L2", "L3", "memory"]
