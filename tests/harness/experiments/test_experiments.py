"""Who is compared."""

import pytest

from harness import experiments
from harness.experiments.algorithms import check_passes
from harness.experiments.base import Roster
from harness.experiments.controls import controls
from harness.record.errors import HarnessError
from tests.conftest import COMPILERS, SETTINGS, kernels_of


@pytest.fixture
def kernels():
    return kernels_of(COMPILERS[0], "scalar")


@pytest.fixture
def roster(kernels):
    return Roster(SETTINGS, kernels)


def test_every_algorithm_is_a_contender_in_its_tuned_variants(roster):
    found = experiments.kind("algorithms").contenders(roster)
    assert [c.algorithm for c in found] == list(SETTINGS["algorithms"])
    two_pass = found[-1]
    assert [kernel.name for kernel in two_pass.kernels] == ["ext_sum", "ext_scale"]
    assert two_pass.variant == f"{roster.tuned['ext_sum'].variant}+{roster.tuned['ext_scale'].variant}"
    assert not any(c.split for c in found)
    assert all(c.split for c in experiments.kind("algorithms-by-pass").contenders(roster))


def test_passes_are_compared_with_every_bandwidth_loop(roster):
    found = experiments.kind("passes").contenders(roster)
    names = [c.pass_name for c in found]
    assert {names.count(name) for name in ("max", "exp_sum", "exp_store", "exp_scale", "scale", "ext_sum")} == {1}
    for name in ("load", "store", "copy", "copy_nt", "update"):
        assert names.count(name) == sum(kernel.name == name for kernel in roster.kernels) > 1


def test_controls_are_an_algorithm_again_elsewhere_and_with_planted_work(roster):
    found = experiments.kind("controls").contenders(roster)
    assert [c.algorithm for c in found] == ["two-pass", *controls(SETTINGS)]
    assert len({c.kernels for c in found}) == 1
    assert [c.algorithm for c in found if c.moved] == ["two-pass-moved"]
    assert {c.algorithm: c.elements(1000) - 1000 for c in found if c.extra_percent} == {
        "two-pass-plus-1-percent": 10, "two-pass-plus-2-percent": 20, "two-pass-plus-5-percent": 50,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "before"),
    [("max", []), ("exp_scale", ["max", "exp_sum"]), ("scale", ["max", "exp_store"]), ("ext_scale", ["ext_sum"])],
)
def test_a_pass_runs_after_what_gives_it_its_input(roster, name, before):
    assert [kernel.name for kernel in roster.before(name)] == before


def test_a_pass_that_does_not_exist_is_refused(kernels):
    settings = {**SETTINGS, "algorithms": {"one-pass": ["magic"]}}
    with pytest.raises(
        HarnessError, match=r"algorithms.one-pass: there is no pass 'magic'; the passes are copy, copy_nt, "
    ):
        check_passes(settings, kernels)


@pytest.mark.parametrize(
    ("passes", "words"),
    [
        (["exp_sum", "max", "exp_scale"], "exp_sum needs the result of max, which no pass before it gives"),
        (["max", "exp_scale", "exp_sum"], "exp_scale needs the result of exp_sum or exp_store or "),
        (["max", "scale", "exp_store"], "scale needs the result of exp_store or exp_store_lanes, which"),
        (["max", "exp_sum", "scale"], "scale needs the result of exp_store or exp_store_lanes, which"),
        (["max", "exp_store", "exp_scale", "scale"], "scale needs the result of exp_store or"),
        (["max", "exp_store", "ext_scale"], "ext_scale needs the result of ext_sum or ext_sum_lanes"),
        (["ext_sum", "exp_scale"], "exp_scale needs the result of exp_sum or"),
        (["ext_scale"], "ext_scale needs the result of ext_sum or"),
        (["max", "exp_store"], "exp_store comes last and writes no softmax; exp_scale or scale or ext_scale does"),
        (["ext_sum", "ext_scale", "max"], "max comes last and writes no softmax"),
        (["max", "exp_store", "copy", "scale"], "copy is a loop that tells the memory's limits"),
    ],
)
def test_passes_that_give_no_softmax_in_their_order_are_refused_by_name(kernels, passes, words):
    with pytest.raises(HarnessError, match=f"^algorithms.mine: {words}"):
        check_passes({**SETTINGS, "algorithms": {"mine": passes}}, kernels)


@pytest.mark.parametrize("passes", (["max", "exp_store", "exp_scale"], ["max", "ext_sum_lanes", "ext_scale"]))
def test_passes_that_give_a_softmax_in_another_way_are_fine(kernels, passes):
    check_passes({**SETTINGS, "algorithms": {"mine": passes}}, kernels)


@pytest.mark.parametrize(("low", "high"), [(-1000, 1e6), (-2e5, 0)])
def test_input_outside_the_kernels_domain_is_refused(kernels, low, high):
    settings = {**SETTINGS, "input": {"low": low, "high": high, "seed": 1}}
    with pytest.raises(HarnessError, match="leaves the kernels' domain"):
        check_passes(settings, kernels)
