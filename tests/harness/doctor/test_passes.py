"""Passes against the limits of a machine: the arithmetic, on samples made up for it."""

import pytest

from harness.doctor import passes
from harness.experiments.base import Question
from harness.native.clock import CLOCK_ADDS
from harness.native.extensions import Kernel
from harness.sampling.sampler import Sample

GIGAHERTZ = 2.0


def kernel(name, reads_x, reads_y, writes_y, computes=True, non_temporal=False):
    traffic, facts = (reads_x, reads_y, writes_y), (computes, non_temporal, 1e5, "", "", "paper")
    return Kernel("gcc", "avx2", name, 8, 1, 8, *traffic, *facts, 0, 0)


def samples(nanoseconds_per_call, flags=()):
    clock = round(CLOCK_ADDS / GIGAHERTZ)
    return [Sample(10, (10 * nanoseconds_per_call,), clock, 1, frozenset(flags))] * 4


MAX, EXP_SCALE = kernel("max", 1, 0, 0), kernel("exp_scale", 1, 0, 1)
LOAD, COPY = kernel("load", 1, 0, 0, False), kernel("copy", 1, 0, 1, False)
COPY_NT = kernel("copy_nt", 1, 0, 1, False, True)
FAR = [
    (MAX, samples(200)),
    (EXP_SCALE, samples(500)),
    (LOAD, samples(100)),
    (COPY, samples(400)),
    (COPY_NT, samples(1)),
]
NEAR = [(k, samples(30)) for k, _ in FAR]
ASKED = Question("passes", "any", "avx2", 1000, "warm", (), paired=False)


@pytest.fixture
def by_name():
    return {found.pass_name: found for found in passes.compare(FAR, NEAR, ASKED, 100)}


def test_a_pass_is_held_against_the_loop_of_its_own_traffic(by_name):
    assert by_name["max"].limit_share == pytest.approx(100 / 200)
    assert by_name["exp_scale"].limit_share == pytest.approx(400 / 500), "not against non-temporal stores"


def test_cycles_are_counted_by_the_canary(by_name):
    assert by_name["max"].ns_per_element == pytest.approx(0.2)
    assert by_name["max"].cycles_per_vector == pytest.approx(0.2 * 8 * GIGAHERTZ)
    assert by_name["max"].in_cache_cycles_per_vector == pytest.approx(0.3 * 8 * GIGAHERTZ)


def test_the_bound_joins_time_in_cache_and_time_of_the_loop(by_name):
    assert by_name["exp_scale"].bound_ns_per_element == pytest.approx((0.3**4 + 0.4**4) ** 0.25)


def test_bandwidth_counts_logical_bytes(by_name):
    assert by_name["exp_scale"].effective_gb_per_second == pytest.approx(8 * 1000 / 500)


def test_in_cache_there_is_no_bound():
    assert passes.compare(FAR, [], ASKED, 100)[0].bound_ns_per_element is None


def test_disturbed_samples_do_not_count_where_there_are_others():
    mixed = [*samples(100), *samples(900, ["stolen"])]
    assert passes.median_nanoseconds(mixed) == 100
    assert passes.median_nanoseconds(samples(900, ["stolen"])) == 900


def test_the_table_names_every_pass(by_name):
    text = passes.table(list(by_name.values()))
    assert "of bound" in text
    assert all(name in text for name in by_name)
