"""The simulator of cache hierarchies against cases derived by hand, and against a slow model of its own."""

import subprocess
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest

from analysis.model import cache_simulator
from analysis.model.cache_simulator import COUNTERS, LEVELS, Hierarchy, Level, counts
from analysis.model.simulation import simulator
from harness.native import build
from harness.record import machines
from harness.record.errors import BadConfiguration
from tests.conftest import SETTINGS

LOAD, STORE, STORE_NT = "LOAD", "STORE", "STORE_NT"
ON_THE_WAY, INCLUSIVE, VICTIM = "ON_THE_WAY", "INCLUSIVE", "VICTIM"


def moved(levels, accesses, after=0):
    """What the accesses behind the first `after` move: only the counters that are not 0."""
    uncounted, into = counts(), counts()
    with Hierarchy(simulator(), levels) as caches:
        for number, (line, access) in enumerate(accesses):
            caches.access(line, access, uncounted if number < after else into)
    return {name: int(count) for name, count in zip(COUNTERS, into, strict=True) if count}


class Slow:
    """The same hierarchy as ordered dictionaries {line: dirty}, the least recently used line first."""

    def __init__(self, levels):
        self.levels = levels
        self.sets = [[OrderedDict() for _ in range(level.sets)] for level in levels]
        self.moved = dict.fromkeys(COUNTERS, 0)

    def count(self, why, boundary):
        self.moved[COUNTERS[{"load": 0, "allocate": 3, "clean": 6, "dirty": 9}[why] + boundary]] += 1

    def of(self, level, line):
        return self.sets[level][line % self.levels[level].sets]

    def access(self, line, access):
        if access == STORE_NT:
            for level in range(len(self.levels)):
                self.of(level, line).pop(line, None)
            self.moved["non_temporal_memory"] += 1
            return
        first = self.of(0, line)
        if line not in first:
            self.fetch(0, line, "load" if access == LOAD else "allocate")
        first[line] = first[line] or access == STORE
        first.move_to_end(line)

    def fetch(self, level, line, why):
        """Brings a line into a level that has not got it, from the next one."""
        below, dirty = level + 1, False
        if below < len(self.levels) and self.levels[below].inclusion == VICTIM:
            if line in self.of(below, line):
                dirty = self.of(below, line).pop(line)
            else:
                below += 1
        elif below < len(self.levels) and line in self.of(below, line):
            self.of(below, line).move_to_end(line)
        elif below < len(self.levels):
            self.fetch(below, line, why)
        self.count(why, below - 1)
        self.put(level, line, dirty)

    def put(self, level, line, dirty):
        lines = self.of(level, line)
        lines[line] = lines.get(line, False) or dirty
        lines.move_to_end(line)
        if len(lines) > self.levels[level].ways:
            self.evict(level, *lines.popitem(last=False))

    def evict(self, level, line, dirty):
        if self.levels[level].inclusion == INCLUSIVE:
            copies = {above: self.of(above, line).pop(line, False) for above in range(level)}
            newest = min((above for above, changed in copies.items() if changed), default=level)
            for crossed in range(newest, level):
                self.count("dirty", crossed)
            dirty = dirty or newest < level
        to_victim = level + 1 < len(self.levels) and self.levels[level + 1].inclusion == VICTIM
        if dirty or to_victim:
            self.count("dirty" if dirty else "clean", level)
            if level + 1 < len(self.levels):
                self.put(level + 1, line, dirty)


@pytest.mark.parametrize(
    "inclusions", [(second, third) for second in (ON_THE_WAY, INCLUSIVE) for third in (ON_THE_WAY, INCLUSIVE, VICTIM)]
)
@pytest.mark.parametrize("seed", range(4))
def test_it_moves_the_lines_that_a_slow_model_moves(inclusions, seed):
    generator = np.random.default_rng(seed)
    shapes = [(2, 2), (4, 3), (6, 4)] if seed % 2 else [(1, 3), (3, 2), (5, 5)]
    levels = [Level(*shape, inclusion) for shape, inclusion in zip(shapes, (ON_THE_WAY, *inclusions), strict=True)]
    # Most accesses near the one before, so that every level is hit.
    lines = np.cumsum(generator.integers(-4, 5, 20_000)) % 61
    accesses = [
        (int(line), kind) for line, kind in zip(lines, generator.choice([LOAD, STORE], len(lines)), strict=True)
    ]
    accesses = [(line, STORE_NT if generator.random() < 0.02 else kind) for line, kind in accesses]
    slow = Slow(levels)
    for line, access in accesses:
        slow.access(line, access)
    assert moved(levels, accesses) == {name: count for name, count in slow.moved.items() if count}


def whole(lines, access=LOAD, times=1):
    """Accesses to the first `lines` lines, one after the other, so many times."""
    return [(line, access) for _ in range(times) for line in range(lines)]


ONE = [Level(1, 4, ON_THE_WAY)]


def test_a_loop_over_one_line_more_than_fits_always_misses():
    assert moved(ONE, whole(4, times=3), after=4) == {}
    # One level: the boundary below it is the first.
    assert moved(ONE, whole(5, times=3), after=5) == {"load_l2_l1": 10}


def test_lines_meet_only_those_of_their_set():
    two_sets = [Level(2, 2, ON_THE_WAY)]
    even = [(line, LOAD) for _ in range(2) for line in (0, 2, 4)]
    assert moved(two_sets, even, after=3) == {"load_l2_l1": 3}
    assert moved(two_sets, [*even[:2], *whole(4)], after=2) == {"load_l2_l1": 2}


def test_a_stored_line_is_fetched_first_and_written_back_once():
    stored = [*whole(4, STORE, times=3), *((line, LOAD) for line in range(10, 18))]
    assert moved(ONE, stored) == {"allocate_l2_l1": 4, "load_l2_l1": 8, "dirty_l1_l2": 4}


def test_a_hit_below_keeps_the_line_there():
    """L2 replaces what missed L1 longest ago: 0 stays, since it was asked for again."""
    levels = [Level(1, 1, ON_THE_WAY), Level(1, 2, ON_THE_WAY)]
    lines = [(line, LOAD) for line in (0, 1, 0, 2, 0)]
    assert moved(levels, lines, after=4) == {"load_l2_l1": 1}


@pytest.mark.parametrize(("inclusion", "held"), [(VICTIM, 8), (ON_THE_WAY, 6), (INCLUSIVE, 6)])
def test_a_victim_cache_adds_to_what_its_upper_level_holds(inclusion, held):
    levels = [Level(1, 1, ON_THE_WAY), Level(1, 2, ON_THE_WAY), Level(1, 6, inclusion)]
    fits, misses = (moved(levels, whole(lines, times=3), after=2 * lines) for lines in (held, held + 1))
    assert "load_memory" not in fits
    assert misses["load_memory"] == held + 1


def test_a_victim_cache_is_filled_by_evictions_and_a_hit_moves_up():
    levels = [Level(1, 1, ON_THE_WAY), Level(1, 2, ON_THE_WAY), Level(1, 4, VICTIM)]
    assert moved(levels, whole(4)) == {"load_l2_l1": 4, "load_memory": 4, "clean_l2_l3": 2}
    # 0 moves up and makes room for 2, which it pushes out of L2.
    assert moved(levels, [*whole(4), (0, LOAD)], after=4) == {"load_l2_l1": 1, "load_l3_l2": 1, "clean_l2_l3": 1}


def test_a_changed_line_stays_changed_on_its_way_through_a_victim_cache():
    levels = [Level(1, 1, ON_THE_WAY), Level(1, 1, ON_THE_WAY), Level(1, 1, VICTIM)]
    there_and_back = [(0, STORE), (1, LOAD), (2, LOAD), (0, LOAD)]
    # 0 was written into L3, moved up still changed, and is written back from there again.
    assert moved(levels, [*there_and_back, (3, LOAD)], after=4)["dirty_l2_l3"] == 1


def test_what_an_inclusive_level_evicts_leaves_the_levels_above_and_is_written_back():
    levels = [Level(1, 2, ON_THE_WAY), Level(1, 2, INCLUSIVE), Level(1, 2, INCLUSIVE)]
    lines = [(0, STORE), (1, LOAD), (0, LOAD), (2, LOAD)]
    # L1 used 0 last, but L2 and L3 only know that it came first.
    taken = moved(levels, lines, after=3)
    assert (taken["dirty_l1_l2"], taken["dirty_l2_l3"], taken["dirty_memory"]) == (1, 1, 1)
    assert moved(levels, [*lines, (0, LOAD)], after=4)["load_memory"] == 1


def test_non_temporal_stores_fetch_nothing_and_drop_copies():
    levels = [Level(1, 2, ON_THE_WAY), Level(1, 4, ON_THE_WAY), Level(1, 8, VICTIM)]
    assert moved(levels, whole(6, STORE_NT)) == {"non_temporal_memory": 6}
    assert moved(levels, [(0, LOAD), (0, STORE_NT), (0, LOAD)], after=2)["load_memory"] == 1


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_compilers_have_nothing_to_say(compiler, tmp_path):
    found = build.find_compiler(SETTINGS, compiler)
    if found is None:
        pytest.skip(f"{compiler} is not installed")
    strict = [*found.command, *cache_simulator.FLAGS, "-Werror", "-c", str(cache_simulator.SOURCE)]
    told = subprocess.run([*strict, "-o", str(tmp_path / "object")], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


def test_the_hierarchies_of_the_known_machines():
    known = machines.load_machines()
    assert cache_simulator.hierarchy(known["skylake-x"]) == (
        Level(64, 8, ON_THE_WAY),
        Level(1024, 16, ON_THE_WAY),
        Level(6 * 2048, 11, VICTIM),
    )
    found = {name: [level.inclusion for level in cache_simulator.hierarchy(m)] for name, m in known.items()}
    assert found["broadwell"] == [ON_THE_WAY, ON_THE_WAY, INCLUSIVE]
    assert found["zen2"] == found["amd-epyc-25-17"] == [ON_THE_WAY, INCLUSIVE, VICTIM]


def test_a_machine_whose_ways_are_unknown_is_refused():
    zen2 = machines.load_machines()["zen2"]
    vague = replace(zen2, caches=tuple(replace(known, ways=machines.UNKNOWN) for known in zen2.caches))
    with pytest.raises(BadConfiguration, match=r"zen2: caches: the ways of level 1 are unknown"):
        cache_simulator.hierarchy(vague)
    with pytest.raises(BadConfiguration, match=r"zen2: the simulator needs the caches of levels 1, 2 and 3"):
        cache_simulator.hierarchy(replace(zen2, caches=zen2.caches[: LEVELS - 1]))
