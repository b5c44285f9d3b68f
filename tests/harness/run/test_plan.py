"""What a run measures, and what it skips."""

from dataclasses import replace

import pytest

from harness.experiments import experiments
from harness.experiments.base import Roster
from harness.machine import detection
from harness.record import configuration
from harness.run import plan, words
from tests.conftest import COMPILERS, kernels_of
from tests.harness.machine.test_detection import BROADWELL, ZEN2

GIB = 1 << 30


@pytest.fixture
def quick():
    return configuration.load(overrides={"protocol": "quick"})


def made(config, processor, compilers, isas, memory_bytes=64 * GIB, threads=1, peers=()):
    """What is planned with any variant of each pass."""
    roster = Roster(config, kernels_of(COMPILERS[0], "scalar"), peers=peers)
    return plan.make_plan(roster, processor, plan.Found(compilers, isas, memory_bytes, threads))


def items(planned, **wanted):
    return [item for item in planned.items if all(getattr(item, key) == value for key, value in wanted.items())]


def test_the_primary_compiler_is_measured_everywhere_and_others_at_a_few_lengths(quick):
    planned = made(quick, ZEN2, ["gcc", "clang"], ["avx2"])
    (primary,) = items(planned, experiment="algorithms", compiler="gcc")
    (secondary,) = items(planned, experiment="algorithms", compiler="clang")
    assert len(primary.elements) > 15
    assert len(secondary.elements) == 3
    assert not items(planned, experiment="breakdown", compiler="clang")


def test_lengths_reach_beyond_four_times_the_last_level_cache(quick):
    for processor in (ZEN2, BROADWELL):
        planned = made(quick, processor, ["gcc"], ["avx2"])
        assert planned.longest() * 4 >= 4 * processor.last_cache_bytes
        for cache in processor.caches:
            for bytes_per_element in (4, 8):
                inside = [n for n in items(planned, experiment="algorithms")[0].elements]
                assert any(cache.bytes / 2 < n * bytes_per_element <= cache.bytes for n in inside)


def test_scalar_stops_at_its_longest_length(quick):
    planned = made(quick, ZEN2, ["gcc"], ["scalar", "avx2"])
    for item in items(planned, isa="scalar"):
        assert max(item.elements) <= 1_000_000
    assert items(planned, isa="scalar", experiment="breakdown")
    assert items(planned, isa="scalar", experiment="controls")[0].elements == (300_000,)
    assert items(planned, isa="scalar", experiment="class-counts")[0].elements == (21_841, 793_471)


def test_controls_need_a_second_arena_and_the_elements_that_are_planted(quick):
    one = plan.layout(quick, ZEN2, 1_050_000).arena_bytes
    item = plan.Item("gcc", "avx2", (1_000_000,), "paper", experiment="controls")
    planned = replace(made(quick, ZEN2, ["gcc"], ["avx2"]), items=[item])
    assert planned.arena_bytes("controls", 1_000_000) == 2 * one
    assert planned.arena_bytes("algorithms", 1_050_000) == one
    assert planned.longest() == 1_050_000
    assert planned.largest_need() == (2 * one, 1_000_000)


def test_what_decides_no_claim_is_dropped_first(quick):
    full = configuration.load(overrides={"protocol": "full"})
    planned = made(full, BROADWELL, ["gcc", "clang"], ["scalar", "avx2"])
    full["protocols"]["full"]["minutes"] = planned.run_seconds(8) / 60 - 1
    planned = planned.trimmed()
    assert planned.skipped
    assert all("scalar" in item.what or "clang" in item.what for item in planned.skipped)


def test_a_length_that_does_not_fit_in_memory_is_skipped_with_the_reason(quick):
    planned = made(quick, ZEN2, ["gcc"], ["avx2"], GIB // 4)
    assert planned.longest() < 20_000_000
    assert planned.skipped
    for skipped in planned.skipped:
        assert "elements" in skipped.what
        assert "GB of memory, 0.3 GB are available" in skipped.reason


def test_lengths_are_dropped_until_enough_processes_fit_for_an_interval(quick):
    planned = made(quick, BROADWELL, ["gcc"], ["avx2"])
    whole = {item.experiment: item.elements for item in planned.items}
    quick["protocols"]["quick"]["minutes"] = 1.0
    planned = planned.trimmed()
    assert planned.skipped
    assert all("8 processes would take more than 1.0 minutes" in skipped.reason for skipped in planned.skipped)
    for item in planned.items:
        dropped = len(whole[item.experiment]) - len(item.elements)
        assert item.elements == whole[item.experiment][: len(item.elements)]
        assert sum(item.experiment in skipped.what for skipped in planned.skipped) == dropped
        if 4 * max(whole[item.experiment]) > BROADWELL.last_cache_bytes:
            assert 4 * max(item.elements) > BROADWELL.last_cache_bytes


def test_a_slow_machine_has_a_shorter_plan_and_is_told_so(quick):
    planned = made(quick, ZEN2, ["gcc"], ["avx2"])
    planned = replace(planned, slowness=40.0).trimmed()
    assert planned.skipped
    text = words.text(planned)
    assert "this machine takes 40 times as long as expected" in text
    assert "13 min" in text.splitlines()[0]
    assert "one process would take" not in text
    assert "what is not done after 13 min is left out" in words.text(replace(planned, slowness=4000.0))


def test_what_is_left_of_a_plan_has_just_the_questions_that_were_answered():
    item = plan.Item("gcc", "avx2", (10, 20, 30), "paper", (1, 2), experiment="scaling")
    answered = {item.key(10, 1), item.key(10, 2), item.key(20, 1)}
    left = plan.Plan(None, None, [item]).remaining(answered)
    assert {item.key(n, t) for item in left.items for n, t in item.points()} == answered


def test_out_of_cache_for_several_threads_counts_every_last_level_cache_in_use(quick):
    epyc = replace(ZEN2, llc_count=16)
    for threads, caches in ((1, 1), (2, 2), (64, 16)):
        assert plan.layout(quick, epyc, 1000, threads).rotation_bytes == 4 * (
            threads * ZEN2.cache_bytes(2) + caches * ZEN2.last_cache_bytes
        )
    planned = made(quick, epyc, ["gcc"], ["avx2"], 64 * GIB, 64)
    (parts,) = items(planned, experiment="strong-scaling")
    assert max(parts.elements) * 4 >= 4 * 16 * ZEN2.last_cache_bytes
    (alone,) = items(planned, experiment="breakdown")
    assert max(alone.elements) == 16 << 20


def test_a_plan_that_fits_is_left_alone(quick):
    planned = made(quick, ZEN2, ["gcc"], ["avx2"])
    assert planned.trimmed() == planned
    assert not planned.skipped


def test_peers_are_measured_where_there_are_any_beside_the_widest_isa_alone(quick):
    none = made(quick, ZEN2, ["gcc"], ["scalar", "avx2"], 64 * GIB, 2)
    some = made(quick, ZEN2, ["gcc", "clang"], ["scalar", "avx2"], 64 * GIB, 2, ["numpy"])
    assert not any("peer" in item.experiment for item in none.items)
    found = [
        (item.experiment, item.compiler, item.isa, item.threads) for item in some.items if "peer" in item.experiment
    ]
    assert found == [("peers", "gcc", "avx2", (1, 2)), ("peer-overhead", "gcc", "avx2", (1,))]


def test_peers_have_time_of_their_own(quick):
    none = made(quick, ZEN2, ["gcc"], ["avx2"])
    some = made(quick, ZEN2, ["gcc"], ["avx2"], peers=["numpy", "scipy"])
    assert none.budget_seconds() == quick["protocols"]["quick"]["minutes"] * 60
    more = some.process_seconds() - none.process_seconds()
    assert some.budget_seconds() - none.budget_seconds() == pytest.approx(8 * more)


def test_full_measures_every_compiler_at_every_length():
    full = configuration.load(overrides={"protocol": "full"})
    planned = made(full, ZEN2, ["gcc", "clang"], ["avx2"])
    ours, theirs = items(planned, experiment="algorithms")
    assert ours.elements == theirs.elements
    assert max(ours.elements) == 300_000_000


def test_a_plan_survives_run_json(quick):
    planned = made(quick, ZEN2, ["gcc", "clang"], ["scalar", "avx2"])
    again = plan.items_of(planned.described())
    assert sorted(again, key=repr) == sorted(planned.items, key=repr)


def test_tuning_goes_no_further_than_the_measurement(quick):
    planned = made(quick, ZEN2, ["gcc"], ["scalar", "avx2"])
    assert planned.tuning_lengths("gcc", "scalar") == [4096, 32 << 10, 1_000_000]
    assert planned.tuning_lengths("gcc", "avx2") == [4096, 32 << 10, 1 << 20, 8 << 20]


def test_a_longer_or_slower_question_is_expected_to_take_longer(quick):
    planned = made(quick, ZEN2, ["gcc"], ["avx2"])

    def seconds(isa, elements):
        return planned.question_seconds(plan.Item("gcc", isa, (elements,), "paper", experiment="algorithms"), elements)

    assert seconds("avx2", 1 << 26) > 1.9 * seconds("avx2", 1 << 25)
    assert seconds("scalar", 1 << 20) > 2 * seconds("avx2", 1 << 20)


def test_this_machine_has_a_plan(host, quick):
    processor = host.processor()
    planned = made(quick, processor, ["gcc"], list(processor.isas), detection.available_memory_bytes())
    assert planned.items


def test_all_threads_are_asked_alone_where_there_are_several():
    asked = experiments({"team": {"contenders": "frontier", "cache_state": "paper", "threads": "all"}})["team"]
    assert (plan.thread_counts(asked, 4), plan.thread_counts(asked, 1)) == ((4,), ())
    assert asked.joint
