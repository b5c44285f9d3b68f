"""The choice of variants."""

import pytest

from harness import plan, tuning
from harness.memory import Arena
from harness.sampler import Sampler
from tests.conftest import COMPILERS, SETTINGS, kernels_of


def scripted(monkeypatch, near, far):
    """Median times are looked up by variant instead of measured."""

    def times(_sampler, question, _count, _seed):
        table = near if question.elements == SETTINGS["tuning"]["in_cache_elements"] else far
        return [table[contender.kernels[0].variant] for contender in question.contenders]

    monkeypatch.setattr(tuning, "median_times", times)


def test_the_finalist_with_the_smallest_product_of_both_times_is_chosen(monkeypatch):
    kernels = [k for k in kernels_of(COMPILERS[0], "scalar") if k.name == "max"][:5]
    names = [kernel.variant for kernel in kernels]
    scripted(
        monkeypatch,
        near=dict(zip(names, [1.0, 1.1, 1.2, 1.3, 0.9], strict=True)),
        far=dict(zip(names, [9.0, 6.0, 7.0, 1.0, 9.5], strict=True)),
    )
    rows = tuning.tune_pass(None, SETTINGS, kernels, {}, 1 << 20, 1)
    # The fourth is not among the four fastest in cache, though the fastest out of cache.
    assert SETTINGS["tuning"]["finalists"] == 4
    assert [row["variant"] for row in rows] == [names[1], names[2], names[4], names[0], names[3]]
    assert [row["chosen"] for row in rows] == [True, False, False, False, False]
    assert rows[-1]["out_of_cache_nanoseconds"] is None


def test_tuning_ranks_every_variant_of_every_pass_and_chooses_one(host):
    kernels = kernels_of(COMPILERS[0], "scalar")
    arena = Arena(host, plan.layout(SETTINGS, host.processor(), 20_000))
    arena.fill(-1000, 1000, 1)
    quick = {**SETTINGS, "tuning": {"in_cache_elements": 200, "rounds": 1, "finalists": 2}}
    skipped = {(COMPILERS[0], "scalar", "max")}
    found = dict(tuning.tune(Sampler(host, arena, 0), quick, kernels, 20_000, 1, skipped))
    rows = [row for of_pass in found.values() for row in of_pass]
    host.lib.arena_unmap(arena.start, arena.layout.arena_bytes)
    passes = {name for passes in SETTINGS["algorithms"].values() for name in passes} - {"max"}
    assert {row["pass"] for row in rows} == passes
    assert len(rows) == sum(kernel.name in passes for kernel in kernels)
    assert set(found) == passes
    chosen = tuning.chosen(rows, kernels)
    assert set(chosen) == passes
    for name in passes:
        of_pass = [row for row in rows if row["pass"] == name]
        assert sum(row["chosen"] for row in of_pass) == 1
        assert sum(row["out_of_cache_nanoseconds"] is not None for row in of_pass) == 2


def test_a_choice_of_another_isa_does_not_count():
    kernels = kernels_of(COMPILERS[0], "scalar")
    row = {"compiler": COMPILERS[0], "isa": "avx2", "pass": "max", "variant": kernels[0].variant, "chosen": True}
    assert tuning.chosen([row], kernels) == {}
    assert tuning.chosen([{**row, "isa": "scalar"}], kernels) == {"max": kernels[0]}


@pytest.mark.parametrize("disturbed", (True, False))
def test_disturbed_rounds_do_not_decide_unless_there_are_no_others(monkeypatch, disturbed):
    from types import SimpleNamespace

    calm = SimpleNamespace(flags=frozenset(), nanoseconds=(100,), calls=10)
    slow = SimpleNamespace(flags=frozenset({"stolen"}), nanoseconds=(900,), calls=10)
    last = slow if disturbed else calm
    monkeypatch.setattr(tuning, "enough_rounds", lambda *_: iter([[(0, slow)], [(0, slow)], [(0, last)]]))
    question = SimpleNamespace(contenders=(None,))
    assert tuning.median_times(None, question, 3, 1) == [90.0 if disturbed else 10.0]
