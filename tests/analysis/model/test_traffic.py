"""Lines between caches by reuse distance, against answers derived by hand, and against a cache that is simulated."""

from collections import OrderedDict

import numpy as np
import pytest

from analysis.model import traffic
from analysis.model.traffic import LEVELS, MEMORY
from harness.record.run import Pass

READ, WRITE, UPDATE = Pass(1, 0, 0), Pass(1, 0, 1), Pass(0, 1, 1)
CACHES = (32 << 10, 1 << 20, 8 << 20)
TINY, IN_L2, FAR = 1000, 60_000, 50_000_000


def of(passes, elements, rotating=True, caches=CACHES):
    found = traffic.moved(passes, np.array([elements]), caches, rotating)
    return [[tuple(kind) for kind in lines[:, :, 0]] for lines in found]


def test_what_l1_holds_moves_nothing():
    assert of([READ, READ], TINY) == [[(0, 0, 0)] * 3] * 2


@pytest.mark.parametrize(("elements", "level"), [(60_000, 2), (1_000_000, 3), (FAR, MEMORY)])
def test_a_vector_is_read_from_the_level_that_holds_it(elements, level):
    (moved,) = of([READ], elements)
    assert moved[0] == tuple(float(one == level) for one in LEVELS)


def test_a_new_output_is_fetched_from_memory_and_goes_back_there():
    _, moved = of([READ, WRITE], TINY)
    assert moved[1:] == [(0, 0, 1), (0, 0, 1)]


def test_the_same_output_stays_where_it_fits():
    (moved,) = of([WRITE], IN_L2, rotating=False)
    assert moved == [(1, 0, 0), (1, 0, 0), (1, 0, 0)]
    (moved,) = of([UPDATE], IN_L2, rotating=False)
    assert moved == [(1, 0, 0), (0, 0, 0), (1, 0, 0)]


def test_stores_past_the_caches_fetch_nothing():
    (moved,) = of([Pass(1, 0, 1, non_temporal=True)], FAR)
    assert moved == [(0, 0, 1), (0, 0, 0), (0, 0, 1)]


def test_what_one_pass_wrote_is_there_for_the_next_as_far_as_it_fits():
    # Between the two touches of a line of Y lie the rest of X and Y, and then Y up to there.
    _, moved = of([WRITE, UPDATE], 500_000)
    assert moved[0] == pytest.approx((0, 1, 0))
    _, moved = of([WRITE, UPDATE], FAR)
    assert moved[0] == pytest.approx((0, 0, 1))


def test_an_l3_of_several_sizes_is_full_by_and_by():
    (moved,) = of([READ], 1_500_000, rotating=False, caches=(*CACHES[:2], CACHES[2] / 2, CACHES[2]))
    assert moved[0] == (0, 0.5, 0.5)


def simulated(passes, lines, held, rotating, calls=40):
    """(reads, allocations, write-backs) of a call that cross the boundary of one fully associative cache."""
    cache, counts = OrderedDict(), np.zeros((len(passes), 3))
    for call in range(calls):
        for place, one in enumerate([READ, *passes] if rotating else passes):
            into = counts[place - rotating] if call >= calls // 2 and place >= rotating else np.zeros(3)
            for line in range(lines):
                for vector, reads, writes in (("X", one.reads_x, 0), ("Y", one.reads_y, one.writes_y)):
                    if reads or writes:
                        name = (vector, line, call if rotating and vector == "Y" else 0)
                        into[0 if reads else 1] += name not in cache
                        cache[name] = cache.pop(name, False) or bool(writes)
                        if len(cache) > held:
                            into[2] += cache.popitem(last=False)[1]
    return counts / (calls - calls // 2) / lines


@pytest.mark.parametrize("lines", [40, 90, 130, 250, 700])
@pytest.mark.parametrize("passes", [[READ, WRITE], [READ, WRITE, UPDATE], [READ, READ, WRITE]])
def test_any_length_moves_what_a_cache_of_the_least_recently_used_lines_moves(passes, lines):
    held = 200
    found = traffic._crossing(passes, np.array([[lines]]), (held,), True)[:, :, 0, 0].T
    assert found == pytest.approx(simulated(passes, lines, held, True), abs=0.04)


@pytest.mark.parametrize("lines", [90, 130, 700])
@pytest.mark.parametrize("one", [READ, WRITE, UPDATE])
def test_so_does_a_pass_on_its_own(one, lines):
    found = traffic._crossing([one], np.array([[lines]]), (200,), False)[:, :, 0, 0].T
    assert found == pytest.approx(simulated([one], lines, 200, False), abs=0.04)
