"""The choice of variants."""

from dataclasses import replace

import pytest

from harness.experiments.base import Roster, chosen
from harness.native.memory import Arena
from harness.run import plan
from harness.sampling import sampler, tuning
from harness.sampling.sampler import Sampler
from tests.conftest import COMPILERS, SETTINGS, kernels_of


def scripted(monkeypatch, near, far):
    """Median times are looked up by variant, not measured; returns what was asked: (elements, variants, rounds)."""
    asked = []

    def times(_sampler, question, count, _seed):
        names = [contender.kernels[0].variant for contender in question.contenders]
        asked.append((question.elements, names, count))
        table = near if question.elements == SETTINGS["tuner"]["in_cache_elements"] else far
        return [table[name] for name in names]

    monkeypatch.setattr(tuning, "median_times", times)
    return asked


@pytest.fixture
def kernels():
    return [k for k in kernels_of(COMPILERS[0], "scalar") if k.name == "max"]


def test_each_stage_halves_the_field_and_measures_longer(monkeypatch, kernels):
    order = {kernel: place for place, kernel in enumerate(reversed(kernels))}
    stages = []

    def measure(survivors, rounds):
        stages.append((len(survivors), rounds))
        return [1.0 + order[kernel] for kernel in survivors]

    finalists, times = tuning.halve(measure, kernels, 3)
    assert stages == [(19, 2), (10, 4), (5, 6), (3, 8)]
    assert finalists == list(reversed(kernels))[:3]
    assert set(times) == set(kernels)


def test_the_finalist_with_the_smallest_product_of_both_times_is_chosen(monkeypatch, kernels):
    names = [kernel.variant for kernel in kernels]
    near = dict(zip(names, range(10, 29), strict=True))  # the first are the fastest in cache
    far = dict(zip(names, range(28, 9, -1), strict=True))  # the last are the fastest out of cache
    far[names[1]] = 11
    asked = scripted(monkeypatch, near, far)
    rows = tuning.Tuner(None, Roster(SETTINGS, kernels), 1 << 20, 1).tune("max")
    assert [row["variant"] for row in rows if row["chosen"]] == [names[1]] == [rows[0]["variant"]]
    finalists = [row["variant"] for row in rows if row["finalist"]]
    assert set(finalists) == {*names[:3], *names[-2:]}
    assert len(rows) == len(names)
    assert [row["finalist"] for row in rows] == [True] * 5 + [False] * 14
    for elements, who, count in asked[-2:]:
        assert set(who) == set(finalists), f"at {elements} elements"
        assert count == SETTINGS["tuner"]["rounds"]
    for row in rows:
        assert (row["in_cache_nanoseconds"], row["out_of_cache_nanoseconds"]) == (
            near[row["variant"]],
            far[row["variant"]],
        )


def test_published_variants_are_measured_to_the_end_and_chosen_only_if_wanted(monkeypatch, kernels):
    names = [kernel.variant for kernel in kernels]
    times = dict(zip(names, range(10, 29), strict=True))
    published = {"max": {names[15]: ["zen2", "broadwell"]}}
    for wanted, expected in (({}, names[0]), ({"max": names[15]}, names[15])):
        scripted(monkeypatch, times, times)
        rows = tuning.Tuner(None, Roster(SETTINGS, kernels), 1 << 20, 1, published, wanted).tune("max")
        by_name = {row["variant"]: row for row in rows}
        assert by_name[names[15]]["finalist"]
        assert by_name[names[15]]["published_for"] == ["zen2", "broadwell"]
        assert by_name[names[0]]["published_for"] == []
        assert [row["variant"] for row in rows if row["chosen"]] == [expected]


def test_tuning_ranks_every_variant_of_every_pass_and_chooses_one(host):
    kernels = kernels_of(COMPILERS[0], "scalar")
    arena = Arena(host, plan.layout(SETTINGS, host.processor(), 20_000))
    arena.fill(-1000, 1000, 1)
    quick = {**SETTINGS, "tuner": {"in_cache_elements": 200, "rounds": 1, "finalists": 2}}
    roster = Roster(quick, kernels)
    tuner, passes = tuning.Tuner(Sampler(host, arena, [0]), roster, 20_000, 1), set(roster.passes) - {"max"}
    rows = [row for name in sorted(passes) for row in tuner.tune(name)]
    arena.unmap()
    assert {row["pass"] for row in rows} == passes
    assert len(rows) == sum(kernel.name in passes for kernel in kernels)
    assert set(chosen(rows, kernels)) == passes
    assert replace(roster, tuning=rows).tuned.items() >= chosen(rows, kernels).items()
    for name in passes:
        of_pass = [row for row in rows if row["pass"] == name]
        assert sum(row["chosen"] for row in of_pass) == 1
        assert 2 <= sum(row["finalist"] for row in of_pass) <= 4


def test_a_choice_of_another_isa_does_not_count():
    kernels = kernels_of(COMPILERS[0], "scalar")
    row = {"compiler": COMPILERS[0], "isa": "avx2", "pass": "max", "variant": kernels[0].variant, "chosen": True}
    assert chosen([row], kernels) == {}
    assert chosen([{**row, "isa": "scalar"}], kernels) == {"max": kernels[0]}


@pytest.mark.parametrize("disturbed", (True, False))
def test_disturbed_rounds_do_not_decide_unless_there_are_no_others(monkeypatch, disturbed):
    from types import SimpleNamespace

    calm = SimpleNamespace(flags=frozenset(), nanoseconds=(100,), calls=10)
    slow = SimpleNamespace(flags=frozenset({"stolen"}), nanoseconds=(900,), calls=10)
    last = slow if disturbed else calm
    monkeypatch.setattr(sampler, "enough_rounds", lambda *_: iter([[(0, slow)], [(0, slow)], [(0, last)]]))
    question = SimpleNamespace(contenders=(None,))
    assert tuning.median_times(None, question, 3, 1) == [90.0 if disturbed else 10.0]
