"""Who is compared, and what is asked of them."""

from dataclasses import fields, replace

import pytest

from harness import experiments
from harness.experiments.algorithms import check_passes
from harness.experiments.base import Contender, Roster
from harness.experiments.controls import controls
from harness.record.completeness import wanted_names
from harness.record.errors import HarnessError
from harness.record.run import Asked, Library, Peers, Protocol, Record
from harness.record.samples import load_run
from harness.run.prepare import declared
from tests.conftest import COMPILERS, SETTINGS, kernels_of


@pytest.fixture
def kernels():
    return kernels_of(COMPILERS[0], "scalar")


@pytest.fixture
def roster(kernels):
    return Roster(SETTINGS, kernels)


def test_every_algorithm_of_the_paper_is_a_contender_in_its_tuned_variants(roster):
    found = experiments.kind("algorithms").contenders(roster)
    assert [c.algorithm for c in found] == ["three-pass-recompute", "three-pass-reload", "two-pass"]
    two_pass = found[-1]
    assert [kernel.name for kernel in two_pass.kernels] == ["ext_sum", "ext_scale"]
    assert two_pass.variant == f"{roster.tuned['ext_sum'].variant}+{roster.tuned['ext_scale'].variant}"
    assert not any(c.split for c in found)
    assert all(c.split for c in experiments.kind("algorithms-by-pass").contenders(roster))


def test_an_algorithm_with_a_pass_that_came_later_takes_part_where_nothing_is_the_papers_alone(kernels):
    later = Roster(SETTINGS, [replace(k, origin="later") if k.name == "scale" else k for k in kernels])
    takes_part = {
        name: "three-pass-reload" in {c.algorithm for c in experiments.kind(name).contenders(later)}
        for name in ("algorithms", "algorithms-by-pass", "algorithms-and-limits", "frontier", "peers")
    }
    assert [name for name, does in takes_part.items() if does] == ["frontier", "peers"]
    assert "scale" in {c.pass_name for c in experiments.kind("passes").contenders(later)}


def test_the_frontier_is_held_against_loops_of_the_least_traffic(roster):
    loops = [c for c in experiments.kind("frontier").contenders(roster) if not c.algorithm]
    assert {c.pass_name for c in loops} == {"load", "copy", "copy_nt"}


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
        HarnessError, match=r"algorithms.one-pass: there is no pass 'magic'; the passes are block_scale, "
    ):
        check_passes(settings, kernels)


@pytest.mark.parametrize(
    ("passes", "words"),
    [
        (["exp_sum", "max", "exp_scale"], "exp_sum needs the result of max, which no pass before it gives"),
        (["max", "exp_scale", "exp_sum"], "exp_scale needs the result of exp_sum or exp_store or "),
        (
            ["max", "scale", "exp_store"],
            "scale needs the result of exp_store or exp_store_lanes or exp_store_table or",
        ),
        (
            ["max", "exp_sum", "scale"],
            "scale needs the result of exp_store or exp_store_lanes or exp_store_table or",
        ),
        (["max", "exp_store", "exp_scale", "scale"], "scale needs the result of exp_store or"),
        (["max", "exp_store", "ext_scale"], "ext_scale needs the result of ext_sum or ext_sum_lanes"),
        (["ext_sum", "exp_scale"], "exp_scale needs the result of exp_sum or"),
        (["ext_scale"], "ext_scale needs the result of ext_sum or"),
        (["max", "exp_store"], "exp_store comes last and writes no softmax; scale or .*exp_scale or .*does"),
        (["ext_sum", "ext_scale", "max"], "max comes last and writes no softmax"),
        (
            ["max", "exp_store", "block_scale"],
            "block_scale needs the result of block_store, which no pass before it",
        ),
        (["block_store", "scale"], "scale needs the result of exp_store or exp_store_lanes or exp_store_table or"),
        (["max", "exp_store", "copy", "scale"], "copy is a loop that tells the memory's limits"),
    ],
)
def test_passes_that_give_no_softmax_in_their_order_are_refused_by_name(kernels, passes, words):
    with pytest.raises(HarnessError, match=f"^algorithms.mine: {words}"):
        check_passes({**SETTINGS, "algorithms": {"mine": passes}}, kernels)


@pytest.mark.parametrize("passes", (["max", "exp_store", "exp_scale"], ["max", "ext_sum_lanes", "ext_scale"]))
def test_passes_that_give_a_softmax_in_another_way_are_fine(kernels, passes):
    check_passes({**SETTINGS, "algorithms": {"mine": passes}}, kernels)


def test_controls_of_passes_that_have_no_copy_elsewhere_are_refused(kernels):
    settings = {**SETTINGS, "controls": {"algorithm": "two-pass-table", "extra_percent": [1]}}
    with pytest.raises(HarnessError, match=r"^controls.algorithm: two-pass-table: there is no copy .* ext_sum_table$"):
        check_passes(settings, kernels)


@pytest.mark.parametrize(("low", "high"), [(-1000, 1e6), (-2e5, 0)])
def test_input_outside_the_kernels_domain_is_refused(kernels, low, high):
    settings = {**SETTINGS, "input": {"low": low, "high": high, "seed": 1}}
    with pytest.raises(HarnessError, match="leaves the kernels' domain"):
        check_passes(settings, kernels)


def test_what_is_configured_has_a_file_and_every_file_is_configured():
    assert {its["contenders"] for its in SETTINGS["experiments"].values()} == set(experiments.KINDS)


def test_a_kind_that_nobody_knows_is_one_clear_line():
    with pytest.raises(HarnessError, match=r"^experiments: contenders 'races' is not one of accumulations, "):
        experiments.experiments({"fun": {"contenders": "races", "cache_state": "warm"}})


@pytest.mark.parametrize("name", experiments.KINDS)
def test_a_sound_run_must_hold_who_takes_part_but_for_loops(roster, name):
    roster = replace(roster, peers=("numpy",))
    kind = experiments.kind(name)
    contenders = kind.contenders(roster)
    held = {(c.algorithm, row) for c in contenders for row, _ in c.rows}
    said = {
        "protocol": Protocol("quick", experiments={"asked": Asked(name)}),
        "algorithms": SETTINGS["algorithms"],
        "controls": controls(SETTINGS),
        "kernels": {kernel.name: declared(kernel) for kernel in roster.kernels},
        "peers": Peers(libraries={"numpy": Library("NumPy", "2", "given")}),
    }
    run = Record(**dict.fromkeys(its.name for its in fields(Record)) | said)
    wanted = wanted_names("asked", held, run)
    loops = {("", kernel.name) for kernel in roster.kernels if not kernel.computes}
    assert wanted - loops == held - loops
    assert kind.has_peers == any(contender.peer for contender in contenders)


def test_a_question_costs_what_its_contenders_do(roster):
    llc_bytes, elements = 1 << 25, 1000
    passes = {kernel.name: Contender("", kernel.name, (kernel,)) for kernel in roster.tuned.values()}
    cost = {name: contender.nanoseconds("avx2", elements, llc_bytes) for name, contender in passes.items()}
    assert cost["exp_sum"] == cost["exp_scale"] == cost["ext_sum"] == 4 * cost["max"] == 4 * cost["scale"]
    assert cost["max"] == cost["load"] == cost["copy"]
    (whole,) = [c for c in experiments.kind("algorithms").contenders(roster) if c.algorithm == "two-pass"]
    assert whole.nanoseconds("avx2", elements, llc_bytes) == cost["ext_sum"] + cost["ext_scale"]
    longer = replace(whole, extra_percent=5)
    assert longer.nanoseconds("avx2", elements, llc_bytes) == pytest.approx(
        1.05 * (cost["ext_sum"] + cost["ext_scale"])
    )
    far = 1 << 26
    assert passes["load"].nanoseconds("avx2", far, llc_bytes) == 0.25 * far
    assert Contender("numpy", "", (), peer="numpy").nanoseconds("avx2", elements, llc_bytes) == 6500


@pytest.mark.parametrize(
    ("name", "threads", "asked"),
    [
        ("algorithms", "one", 2), ("class-counts", "one-and-all", 4), ("strong-scaling", "parts", 0),
        ("passes", "one", 0), ("scaling", "own-vectors", 0), ("controls", "one", 8), ("accumulation", "one", 3),
        ("breakdown", "one", 0), ("peers", "one-and-all", 0), ("frontier", "one", 0),
    ],
)  # fmt: skip
def test_the_ratios_that_are_asked_are_those_that_figures_draw(make_run, name, threads, asked):
    run = load_run(make_run(isas=("avx2",), lengths=(4096, 1_000_000), processes=2, rounds=2))
    known = experiments.experiments(run.protocol.experiments)[name]
    table = known.kind.ratios(run, replace(known, threads=threads))
    assert asked == 0 if table is None else len(table) >= asked
    if table is not None:
        assert (table["low"] <= table["median"]).all() and (table["median"] <= table["high"]).all()
