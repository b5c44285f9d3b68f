"""Variants are timed within the whole algorithm, side by side, under the conditions in which they are used."""

import math
import random
import statistics
from collections import Counter
from types import SimpleNamespace

import pytest

from harness.experiments.base import Roster
from harness.native.memory import Arena
from harness.record.exactness import TOO_FAST
from harness.run import plan
from harness.sampling import tuning
from harness.sampling.pacing import PAUSES, Pacer
from harness.sampling.sampler import Sample, Sampler
from harness.sampling.tuning import Field, Tuner, fields_of
from harness.statistics.selection import THREE_PASS, TWO_PASS
from tests.conftest import COMPILERS, SETTINGS, kernels_of
from tests.harness.machine.test_detection import BROADWELL, ZEN2
from tests.simulated import SimulatedSampler, kernel

PAIR = ("gcc", "avx2")
SHAPES = {"max": 3, "exp_sum": 7, "exp_scale": 4, "exp_store": 5, "scale": 2, "ext_sum": 2, "ext_scale": 3}
TABLE = [kernel(name, f"u{unroll}k1") for name, count in SHAPES.items() for unroll in range(1, 1 + count)]
PAPERS = {name: SETTINGS["algorithms"][name] for name in (*THREE_PASS, TWO_PASS)}
ROSTER = Roster({"algorithms": PAPERS}, TABLE)


def variants(most=99):
    return {name: [k.variant for k in TABLE if k.name == name][:most] for name in SHAPES}


def tuner(times, lengths=(100,), rounds=2, pacer=None):
    sampler = SimulatedSampler(times)
    return Tuner(sampler, ROSTER, lengths, rounds, 1, pacer or Pacer.never()), sampler


def test_a_length_in_each_cache_and_one_out_of_them():
    assert tuning.lengths(ZEN2) == [4096, 32 << 10, 1 << 20, 8 << 20]
    for processor in (ZEN2, BROADWELL):
        first, *inner, last = tuning.lengths(processor)
        assert 8 * first == processor.cache_bytes(1)
        for level, n in enumerate(inner, start=2):
            assert 2 * 4 * n <= processor.cache_bytes(level) < 2 * 2 * 4 * n * 1.01
        assert processor.is_out_of_cache(last)


def test_a_pass_is_tuned_in_the_first_algorithm_that_has_it():
    fields = fields_of(ROSTER, PAIR, variants())
    assert [(field.algorithm, field.tuned) for field in fields] == [
        ("three-pass-recompute", ("max", "exp_sum", "exp_scale")),
        ("three-pass-reload", ("exp_store", "scale")),
        ("two-pass", ("ext_sum", "ext_scale")),
    ]
    assert fields[1].variants["max"] == ("u1k1",), "elsewhere it has the most promising of its variants"
    assert [field.size for field in fields] == [7, 5, 3]


def test_an_algorithm_of_passes_that_others_have_is_not_timed():
    algorithms = {"one": ["ext_sum", "ext_scale"], "two": ["max", "exp_sum", "ext_scale"], "three": ["max", "ext_sum"]}
    fields = fields_of(Roster({"algorithms": algorithms}, TABLE), PAIR, variants())
    assert [(field.algorithm, field.tuned) for field in fields] == [
        ("one", ("ext_sum", "ext_scale")),
        ("two", ("max", "exp_sum")),
    ]


def test_every_variant_takes_part_equally_often_in_changing_company():
    field = fields_of(ROSTER, PAIR, variants())[0]
    made, sampler = tuner(lambda *_: (100.0, ""), rounds=6)
    made.look(field, 0)
    assert len(sampler.asked) == 6 * 7
    for place, count in enumerate((3, 7, 4)):
        times = Counter(names[place] for _, names in sampler.asked)
        assert len(times) == count and max(times.values()) - min(times.values()) <= 1
    met = {(names[0], names[1]) for _, names in sampler.asked}
    assert len(met) > 14, "of 21 pairs"


def test_the_smallest_undisturbed_time_of_each_variant_is_told_at_each_length():
    field = fields_of(ROSTER, PAIR, variants())[2]
    noise = random.Random(1)

    def times(its, elements):
        disturbed = noise.random() < 0.3
        return elements * its.unroll * (0.5 if disturbed else 1 + noise.choice((0, 0.5))), "stolen" if disturbed else ""

    made, _ = tuner(times, (100, 300), 16)
    rows = made.look(field, 4)
    assert {(row["pass"], row["variant"], row["elements"]) for row in rows} == {
        (name, f"u{u}k1", n) for name, count in (("ext_sum", 2), ("ext_scale", 3)) for u in range(1, 1 + count)
        for n in (100, 300)
    }  # fmt: skip
    for row in rows:
        assert row["nanoseconds"] == pytest.approx(row["elements"] * int(row["variant"][1]))
        assert (row["process"], row["algorithm"]) == (4, "two-pass")


def test_disturbed_samples_are_taken_again_until_there_are_twice_as_many():
    field = fields_of(ROSTER, PAIR, variants())[0]
    for flagged, most in (((), 1), (("u1k1",), 2), (("u1k1", "u2k1", "u3k1", "u4k1"), 1)):
        made, sampler = tuner(
            lambda its, _, flagged=flagged: (
                100.0,
                "stolen" if its.name == "exp_scale" and its.variant in flagged else "",
            ),
            rounds=3,
        )
        made.look(field, 0)
        assert len(sampler.asked) == most * 3 * field.size, "no further ones where hardly one is undisturbed"
    calls = Counter()

    def at_first(its, _):
        calls[its] += 1
        return 100.0, "stolen" if calls[its] == 1 and its.name == "exp_scale" else ""

    made, sampler = tuner(at_first, rounds=3)
    made.look(field, 0)
    assert 3 * field.size < len(sampler.asked) < 2 * 3 * field.size


@pytest.mark.parametrize(("flag", "told"), [("", []), ("stolen", [*PAUSES, *PAUSES])])
def test_before_each_length_it_is_waited_where_most_samples_were_disturbed(flag, told):
    pauses = []
    pacer = Pacer(60.0, lambda: False, pauses.append, sleep=lambda _: None)
    made, _ = tuner(lambda *_: (100.0, flag), (100, 200, 300), pacer=pacer)
    made.look(fields_of(ROSTER, PAIR, variants())[0], 1)
    assert pauses == told  # before the second length and the third


@pytest.fixture
def clock(monkeypatch):
    """A list whose only element is the time."""
    now = [0.0]
    monkeypatch.setattr(tuning, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.mark.parametrize("seconds", (0.0, 0.5, 1.0, 3.0, math.inf))
def test_fewer_variants_are_tried_where_time_is_short(clock, seconds):
    def times(*_):
        clock[0] += 0.01
        return 100.0, ""

    field = fields_of(ROSTER, PAIR, variants())[0]
    made, _ = tuner(times, (100, 300), rounds=4)
    rows = made.look(field, 0, seconds)
    tried = {name: {row["variant"] for row in rows if row["pass"] == name} for name in field.tuned}
    most = max(map(len, tried.values()))
    assert most == {0.0: 1, 0.5: 1, 1.0: 3, 3.0: 7, math.inf: 7}[seconds]
    for name, names in tried.items():
        assert names == set(field.variants[name][:most]), "the most promising"
    assert clock[0] <= max(0.4, seconds)


def noisy(chance):
    """A factor of time: bursts of some percent, and a neighbour who is there for a while."""
    return 1 + 0.003 * abs(chance.gauss(0, 1)) + (chance.random() < 0.4) * chance.expovariate(1 / 0.04)


@pytest.mark.parametrize("count", (4, 8))
def test_where_noise_only_adds_the_smallest_sample_is_off_by_least(count):
    chance = random.Random(1)
    found = {name: [] for name in ("smallest", "quartile", "median")}
    for _ in range(400):
        loud = 1 + 0.2 * chance.random() * (chance.random() < 0.3)
        samples = [noisy(chance) * (loud if place < count / 2 else 1) for place in range(count)]
        taken = [Sample(1, (100 * its,), 1, 1, frozenset()) for its in samples]
        found["smallest"].append(math.log(tuning.fastest(taken) / 100))
        found["quartile"].append(math.log(statistics.quantiles(samples, n=4)[0]))
        found["median"].append(math.log(statistics.median(samples)))
    spread = {name: statistics.pstdev(its) for name, its in found.items()}
    assert spread["smallest"] < 0.8 * spread["quartile"] < 0.8 * spread["median"]


def test_a_sample_that_is_too_fast_to_be_true_chooses_no_variant():
    disturbed = [Sample(1, (100.0 + place,), 1, 1, frozenset({"throughput"})) for place in range(5)]
    impossible = Sample(1, (10.0,), 1, 1, frozenset({TOO_FAST}))
    assert tuning.fastest([*disturbed, impossible]) == 100
    assert tuning.fastest([impossible]) == 10


def test_a_real_sampler_times_every_variant(host):
    kernels = kernels_of(COMPILERS[0], "scalar")
    roster = Roster(SETTINGS, kernels)
    names = {name: [k.variant for k in kernels if k.name == name][:3] for name in roster.passes}
    arena = Arena(host, plan.layout(SETTINGS, host.processor(), 2000))
    arena.fill(-1000, 1000, 1)
    made = Tuner(Sampler(host, arena, [0]), roster, [300, 2000], 1, 1)
    fields = fields_of(roster, (COMPILERS[0], "scalar"), names)
    rows = [row for field in fields for row in made.look(field, 0)]
    arena.unmap()
    assert len(rows) == 2 * 3 * len(roster.passes)
    assert all(row["nanoseconds"] > 0 for row in rows)


def test_a_field_is_json():
    from harness.record.run import plain, typed

    field = fields_of(ROSTER, PAIR, variants())[0]
    assert typed(tuple[Field, ...], [plain(field)]) == (field,)
