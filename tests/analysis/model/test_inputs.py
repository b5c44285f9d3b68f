"""What a core's bandwidths say of the cost of a line in each level."""

import dataclasses

import numpy as np
import pytest

from analysis.model import inputs
from analysis.model.inputs import STREAMS
from analysis.model.traffic import LEVELS, MEMORY
from harness.record.errors import HarnessError
from harness.record.machines import load_machines
from harness.record.samples import load_run
from tests.synthetic import pass_time


def draws(value):
    return np.array([float(value)])


def test_costs_of_a_line_follow_from_three_loops():
    # Load: 4 ns a line. Update: 5, so 1 for the way back. Copy: 10 ns, so 6 for the
    # line that is fetched to be overwritten and goes back, which costs 5 where it is updated.
    lines = {(level, kind): draws(1.28) for level in (1, 2, 3) for kind in STREAMS}
    lines |= {(MEMORY, "load"): draws(4), (MEMORY, "update"): draws(5), (MEMORY, "copy"): draws(10)}
    core = inputs.of_lines(draws(3), lines)
    assert core.read_nanoseconds[MEMORY] == pytest.approx(4)
    assert core.write_nanoseconds[MEMORY] == pytest.approx(1)
    assert core.fetch_ratio == pytest.approx(6 / 5)
    assert core.l1_nanoseconds["copy"] == pytest.approx(1.28)


@pytest.mark.parametrize("name", ("skylake-x", "broadwell", "zen2"))
def test_drawn_ratios_of_copy_to_load_contain_the_published_ones(name):
    machine = load_machines()[name]
    core = inputs.of_machine(machine, machine.paper_isas[0], np.random.default_rng(1), 2000)
    update = core.read_nanoseconds[MEMORY] + core.write_nanoseconds[MEMORY]
    drawn = 1 + core.fetch_ratio * update / core.read_nanoseconds[MEMORY]
    load, copy = (
        machine.performance.bandwidth(MEMORY, kind, machine.paper_isas[0]).estimate for kind in ("load", "copy")
    )
    published = [2 * load.published[key] / copy.published[key] for key in load.published]
    assert drawn.min() < min(published) and max(published) < drawn.max()


def test_ranges_of_one_level_rise_and_fall_together():
    core = inputs.of_machine(load_machines()["zen2"], "avx2", np.random.default_rng(1), 500)
    assert len(np.unique(core.read_nanoseconds[MEMORY])) == 500
    update = core.read_nanoseconds[MEMORY] + core.write_nanoseconds[MEMORY]
    assert np.corrcoef(core.read_nanoseconds[MEMORY][:, 0], update[:, 0])[0, 1] > 0.5
    assert abs(np.corrcoef(core.read_nanoseconds[MEMORY][:, 0], core.clock_ghz[:, 0])[0, 1]) < 0.2


@pytest.mark.parametrize("name", ("skylake-x", "broadwell", "zen2"))
def test_every_draw_lies_in_its_range(name):
    machine = load_machines()[name]
    for isa in machine.paper_isas:
        core = inputs.of_machine(machine, isa, np.random.default_rng(1), 500)
        clock, load = machine.performance.clock_ghz[isa], machine.performance.bandwidth(MEMORY, "load", isa).estimate
        assert clock.low <= core.clock_ghz.min() and core.clock_ghz.max() <= clock.high
        assert 64 / load.high <= core.read_nanoseconds[MEMORY].min()
        assert core.read_nanoseconds[MEMORY].max() <= 64 / load.low


def test_a_machine_whose_file_does_not_tell_is_refused():
    with pytest.raises(
        HarnessError, match="amd-epyc-25-17: the machine's file does not tell what a core can do in avx2"
    ):
        inputs.of_machine(load_machines()["amd-epyc-25-17"], "avx2", np.random.default_rng(1), 1)


def test_a_run_tells_its_own_bandwidths(make_run):
    lengths = (1000, 50_000, 1_500_000, 56_000_000)
    core = inputs.of_run(load_run(make_run(isas=("avx2",), lengths=lengths, parts=("passes",))), [], "avx2")
    for level, elements in zip(LEVELS, lengths[1:], strict=True):
        expected = 16 * pass_time("load", "avx2", elements)
        assert core.read_nanoseconds[level] == pytest.approx(expected, rel=0.05)
    assert core.clock_ghz == pytest.approx(3.7, rel=0.01)


def test_how_much_of_l3_a_core_finds_is_told_by_its_load_loop(make_run):
    lengths = (1000, 50_000, 500_000, 1_500_000, 3_000_000, 6_000_000, 12_000_000, 56_000_000)
    run = load_run(make_run(isas=("avx2",), lengths=lengths, parts=("passes",)))
    whole = np.array(inputs.of_run(run, [], "avx2").l3_shares)
    assert (np.diff(whole) >= 0).all()
    far = run.samples.loc[run.samples["elements"] == 56_000_000].set_index(["pass", "variant"])["nanoseconds"]
    samples = run.samples.copy()
    lost = (samples["pass"] == "load") & samples["elements"].between(3_000_000, 12_000_000)
    slow = far["load"].median() / 56_000_000 * samples["elements"] * samples["calls"]
    samples["nanoseconds"] = samples["nanoseconds"].where(~lost, slow)
    half = np.array(inputs.of_run(dataclasses.replace(run, samples=samples), [], "avx2").l3_shares)
    assert (half < whole).all() and half[-1] <= 3_000_000 * 4 / run.machine.cache_bytes(3)


def test_a_run_without_a_level_is_refused(make_run):
    run = load_run(make_run(isas=("avx2",), lengths=(1000, 50_000), parts=("passes",)))
    with pytest.raises(HarnessError, match="no load loop in avx2 whose data lie within level 3"):
        inputs.of_run(run, [run], "avx2")


def test_a_level_that_a_run_did_not_measure_is_told_by_others_of_its_machine(make_run):
    every = (1000, 50_000, 1_500_000, 56_000_000)
    some, other = (
        load_run(make_run(isas=("avx2",), lengths=lengths, parts=("passes",), ended=f"2026-01-0{day}T09:00:00+00:00"))
        for day, lengths in enumerate((every[:2], every), 1)
    )
    core = inputs.of_run(some, [some, other], "avx2")
    assert core.read_nanoseconds[3] == inputs.of_run(other, [], "avx2").read_nanoseconds[3]


def test_a_core_that_a_neighbour_has_as_well_is_told_by_the_canary(make_run):
    run = load_run(make_run(isas=("avx2",), lengths=(1000, 50_000), parts=("passes",)))
    fewest = run.canary.throughput_nanoseconds / run.canary.clock_nanoseconds
    cycles = run.samples["clock_nanoseconds"] * fewest * np.where(run.samples["elements"] == 1000, 1.5, 0.9)
    found = inputs.shared(run.samples.assign(throughput_nanoseconds=cycles), run)
    assert found["avx2", run.primary].to_dict() == pytest.approx({1000: 1.5, 50_000: 1.0})
