"""The time of a pass: computation, data by level, and how they overlap, against answers derived by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis.model.inputs import LEVELS, MEMORY, Core
from analysis.model.times import Moved, Parameters, Traffic, pass_time, textbook
from analysis.model.traffic import KEYS, MOVED
from harness.record.errors import HarnessError
from harness.record.machines import load_machines
from harness.record.run import Pass

READS = Pass(reads_x=1, reads_y=0, writes_y=0)
WRITES = Pass(reads_x=1, reads_y=0, writes_y=1)
FAR = [1_000_000_000]


def one(value):
    return np.array([float(value)])


def lines(second=0.0, third=0.0, memory=0.0):
    return {2: np.array([[second]]), 3: np.array([[third]]), MEMORY: np.array([[memory]])}


def core(**changed):
    values = {
        "clock_ghz": one(2),
        "l1_nanoseconds": {kind: one(0.1) for kind in ("load", "copy", "update")},
        "read_nanoseconds": {2: one(1), 3: one(2), MEMORY: one(4)},
        "write_nanoseconds": {2: one(0.5), 3: one(0.5), MEMORY: one(1)},
        "fetch_ratio": one(1),
    }
    return Core(**{**values, **changed})


def parameters(**changed):
    values = {"overlap": 4, "in_core": 0.5, "cold_store": 1, "l3_share": 1, "pass_cycles": 0} | changed
    return Parameters(**{name: {"p": one(v)} if name == "in_core" else one(v) for name, v in values.items()})


def time(moved, kernel=READS, loop=("p", 4.0, 8.0), isa="avx512f", elements=FAR, cold=True, of=None, **changed):
    return pass_time(of or core(), parameters(**changed), loop, isa, kernel, moved, elements, cold)


def test_computation_alone_is_the_place_between_the_two_ends_times_the_vectors_of_a_line():
    nothing = Moved(lines(), lines(), lines())
    # 6 cycles at 2 GHz are 3 ns for a line of 16 elements; AVX2 has two vectors in a line.
    assert time(nothing).total[0, 0] == pytest.approx(3 / 16)
    assert time(nothing, isa="avx2").total[0, 0] == pytest.approx(6 / 16)
    assert time(nothing, in_core=1).total[0, 0] == pytest.approx(4 / 16)


def test_what_a_pass_takes_beside_its_loop_is_shared_by_its_elements():
    nothing = Moved(lines(), lines(), lines())
    assert time(nothing, elements=[100], pass_cycles=60).total[0, 0] == pytest.approx(3 / 16 + 60 / 2 / 100)


def test_loads_and_stores_of_l1_take_their_time_whatever_the_simulator_says():
    slow = core(l1_nanoseconds={"load": one(5), "copy": one(0.1), "update": one(0.1)})
    assert time(Moved(lines(), lines(), lines()), of=slow).total[0, 0] == pytest.approx(5 / 16)


def test_each_line_costs_what_its_level_costs():
    moved = Moved(lines(0.25, 0.25, 0.5), lines(), lines())
    data = time(moved).data
    assert [data[level][0, 0] * 16 for level in LEVELS] == pytest.approx([0.25, 0.5, 2.0])


def test_overlap_goes_from_the_sum_to_the_larger():
    moved = Moved(lines(memory=1), lines(), lines())  # 4 ns of data, 3 of computation
    assert time(moved, overlap=1).total[0, 0] == pytest.approx(7 / 16)
    assert time(moved, overlap=2).total[0, 0] == pytest.approx(5 / 16)
    assert time(moved, overlap=1000).total[0, 0] == pytest.approx(4 / 16, rel=1e-3)


def test_a_line_that_is_overwritten_costs_its_fetch_and_its_way_back():
    # Fetched and back: 4 + 1, times what the copy loop takes of that, beside a read line of 4.
    moved = Moved(lines(memory=1), lines(memory=1), lines(memory=1))
    assert time(moved, WRITES, of=core(fetch_ratio=one(0.8))).data[MEMORY][0, 0] * 16 == pytest.approx(4 + 0.8 * 5)


def test_lone_stores_cost_more_where_nothing_is_read_from_memory():
    lone = Moved(lines(third=1), lines(memory=1), lines(memory=1))
    both = Moved(lines(memory=1), lines(memory=1), lines(memory=1))
    assert time(lone, WRITES, cold_store=1.5).data[MEMORY][0, 0] * 16 == pytest.approx(1.5 * 5)
    assert time(both, WRITES, cold_store=1.5).data[MEMORY][0, 0] * 16 == pytest.approx(4 + 5)
    assert time(lone, WRITES, cold_store=1.5, cold=False).data[MEMORY][0, 0] * 16 == pytest.approx(5)


def test_what_takes_longest_is_named():
    assert time(Moved(lines(), lines(), lines())).bound_by == ["computation"]
    assert time(Moved(lines(memory=1), lines(), lines())).bound_by == ["memory"]
    assert time(Moved(lines(third=2), lines(), lines())).bound_by == ["L3"]


def test_the_textbook_takes_the_larger_of_all_transfers_and_computation():
    moved = Moved(lines(memory=1), lines(), lines())
    assert textbook(time(moved))[0, 0] == pytest.approx(4 / 16)
    assert textbook(time(Moved(lines(second=1), lines(), lines())))[0, 0] == pytest.approx(3 / 16)


@pytest.fixture
def traffic():
    """traffic(machine) reads X from L2 up to 1,000,000 elements, from L3 up to 4,000,000 and from memory beyond."""

    def make(name, victim):
        def row(elements, second, third, memory):
            values = dict.fromkeys(MOVED, 0.0) | {"load_l2_l1": second, "load_l3_l2": third, "load_memory": memory}
            return {**dict(zip(KEYS, (name, "paper", "a", "p", elements), strict=True)), **values}

        through = 0.0 if victim else 1.0
        steps = [(1_000_000, 1, 0, 0), (1_000_001, 1, 1, 0), (4_000_000, 1, 1, 0), (4_000_001, 1, through, 1)]
        rows = [row(1000, 1, 0, 0), *(row(*step) for step in steps), row(10**9, 1, through, 1)]
        return Traffic(pd.DataFrame(rows), load_machines()[name])

    return make


@pytest.mark.parametrize(("name", "victim"), (("skylake-x", True), ("broadwell", False)))
def test_a_line_is_counted_where_it_comes_from_whether_or_not_it_passes_l3(traffic, name, victim):
    moved = traffic(name, victim).moved(("paper", "a", "p"), [10_000, 2_000_000, 10_000_000], one(1))
    assert np.stack([moved.read[level][0] for level in LEVELS], axis=1) == pytest.approx(np.eye(3))


def test_a_smaller_share_of_l3_is_full_at_a_shorter_length(traffic):
    moved = traffic("skylake-x", True).moved(("paper", "a", "p"), [3_000_000], np.array([1.0, 0.5]))
    assert moved.read[MEMORY][:, 0] == pytest.approx([0, 1])


def test_without_allocation_nothing_is_fetched_to_be_overwritten(traffic):
    own = traffic("skylake-x", True)
    key = ("paper", "a", "p")
    own._rows[key]["allocate_memory"] = 1.0
    assert own.moved(key, [10**8], one(1)).allocated[MEMORY][0, 0] == 1
    assert own.without_allocation().moved(key, [10**8], one(1)).allocated[MEMORY][0, 0] == 0
    assert own.without_allocation().moved(key, [10**8], one(1)).read[MEMORY][0, 0] == 1


def test_a_machine_whose_traffic_is_not_recorded_is_refused():
    with pytest.raises(HarnessError, match="zen2: its traffic is not recorded"):
        Traffic(pd.DataFrame(columns=[*KEYS, *MOVED]), load_machines()["zen2"])
