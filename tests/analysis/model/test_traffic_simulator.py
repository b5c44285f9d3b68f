"""Simulated passes under the timed loop's protocols, against what can be derived and what cachegrind counts."""

import math

import numpy as np
import pytest

from analysis.model.cache_simulator import COUNTERS, LINE_BYTES, Hierarchy, Level, counts
from analysis.model.simulation import declared, simulator
from analysis.model.traffic_simulator import FLOATS_PER_LINE, Core, lines_moved, simulate
from tests import valgrind
from tests.conftest import SETTINGS

# A sixteenth of a Zen 2: 8 + 128 + 4096 lines.
SMALL = (Level(4, 2, "ON_THE_WAY"), Level(16, 8, "INCLUSIVE"), Level(256, 16, "VICTIM"))
HELD = sum(level.lines for level in SMALL)


def core(levels=SMALL):
    """Outputs that are not reused before four times what the caches hold was written, a quarter of a page behind X."""

    def places(elements):
        lines = math.ceil(elements / FLOATS_PER_LINE)
        return (math.ceil(lines / 64) * 64 + 16) * LINE_BYTES, 1 + math.ceil(4 * HELD / lines)

    return Core(simulator(), levels, places)


SMALL_CORE = core()


def of(names):
    return tuple(declared()[name] for name in names)


def per_line(names, lines, state="paper", levels=SMALL, fill=1):
    """One dictionary for each pass: lines moved for each of `lines` lines of X."""
    found = simulate(core(levels), of(names), lines * FLOATS_PER_LINE, state, fill) / lines
    return [dict(zip(COUNTERS, one, strict=True)) for one in found]


@pytest.mark.parametrize(
    ("algorithm", "logical", "allocated"),
    [("three-pass-recompute", 4, 5), ("three-pass-reload", 5, 6), ("two-pass", 3, 4)],
)
@pytest.mark.parametrize("last", ["VICTIM", "INCLUSIVE", "ON_THE_WAY"])
def test_far_out_of_cache_an_algorithm_moves_what_the_paper_counts(algorithm, logical, allocated, last):
    levels = (*SMALL[:2], SMALL[2]._replace(inclusion=last))
    elements = 10_000 * HELD * FLOATS_PER_LINE
    found = lines_moved(core(levels), of(SETTINGS["algorithms"][algorithm]), elements, "paper")
    memory = {name: found[:, COUNTERS.index(name)].sum() / (elements / FLOATS_PER_LINE) for name in COUNTERS}
    without = memory["load_memory"] + memory["dirty_memory"]
    assert without == pytest.approx(logical, abs=1e-3)
    assert without + memory["allocate_memory"] == pytest.approx(allocated, abs=1e-3)


def test_beyond_all_caches_traffic_is_a_straight_line_over_the_length():
    for names in SETTINGS["algorithms"].values():
        for times in (2.5, 4, 7):
            elements = math.ceil(times * HELD / 256) * 256 * FLOATS_PER_LINE  # whole rounds over the sets
            simulated = simulate(SMALL_CORE, of(names), elements, "paper")
            extended = lines_moved(SMALL_CORE, of(names), elements, "paper")
            np.testing.assert_array_equal(simulated, extended)
            # Elsewhere X and Y meet in other sets, of 16 ways that hold a line of X more or less.
            shifted = elements + 100 * FLOATS_PER_LINE
            simulated = simulate(SMALL_CORE, of(names), shifted, "paper")
            extended = lines_moved(SMALL_CORE, of(names), shifted, "paper")
            assert abs(simulated - extended).max() <= 256


@pytest.mark.parametrize("lines", [5, 30, 300, 1500])
def test_after_the_caches_were_filled_once_traffic_is_steady(lines):
    for names in SETTINGS["algorithms"].values():
        once, longer = (per_line(names, lines, fill=fill) for fill in (1, 4))
        for one, other in zip(once, longer, strict=True):
            assert one == pytest.approx(other, abs=0.02)


def test_in_cache_the_input_stays_and_the_output_comes_from_memory_and_returns():
    first, second = per_line(["ext_sum", "ext_scale"], 3)
    assert sum(first.values()) == pytest.approx(0, abs=0.01)
    assert second["allocate_memory"] == second["allocate_l2_l1"] == 1
    assert second["load_memory"] == 0
    assert second["dirty_memory"] == pytest.approx(1, abs=0.03)


def test_between_l2_and_a_victim_l3_every_load_is_a_swap():
    """X twice as long as L2: each line comes up from L3, and an unchanged one goes down for it."""
    first, _ = per_line(["ext_sum", "ext_scale"], 256)
    assert (first["load_l3_l2"], first["clean_l2_l3"], first["load_memory"]) == pytest.approx((1, 1, 0), abs=0.01)


def test_warm_the_output_stays_too():
    assert sum(per_line(["update"], 4, "warm")[0].values()) == 0
    (copy,) = per_line(["copy"], 40, "warm")  # 80 lines in L2's 128
    moved = {name: count for name, count in copy.items() if count}
    assert moved.keys() == {"load_l2_l1", "allocate_l2_l1", "dirty_l1_l2"}
    (copy_nt,) = per_line(["copy_nt"], 40, "warm")
    assert (copy_nt["non_temporal_memory"], copy_nt["allocate_l2_l1"], copy_nt["dirty_l1_l2"]) == (1, 0, 0)


@pytest.mark.parametrize("elements", [200_000, 300_000, 1 << 20])
@pytest.mark.parametrize("algorithm", SETTINGS["algorithms"])
def test_cachegrind_counts_the_same_misses(traffic_program, algorithm, elements):
    """X and Y fit into its last level, or one of them, or neither. It starts empty and knows no write-backs, so only
    what is fetched can be compared; some 300 to 600 lines more are the program's own."""
    last_level = 2 << 20
    shapes = ((valgrind.FIRST_LEVEL, valgrind.FIRST_LEVEL_WAYS), (last_level, valgrind.LAST_LEVEL_WAYS))
    names, lines, found = SETTINGS["algorithms"][algorithm], elements // FLOATS_PER_LINE, counts()
    levels = [Level(size // LINE_BYTES // ways, ways, "ON_THE_WAY") for size, ways in shapes]
    with Hierarchy(simulator(), levels) as caches:
        for streams, store in of(names):
            caches.run(0, (4 << 20) // LINE_BYTES, lines, streams, store, found)
    loads, stores = (found[COUNTERS.index(name) :][:2] for name in ("load_l2_l1", "allocate_l2_l1"))
    counted = valgrind.misses(traffic_program, elements, names, last_level)
    assert [int(count) for count in loads + stores] == pytest.approx(counted, rel=0.02)
