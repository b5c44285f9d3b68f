"""Rows are taken for measured where they are complete and no faster than a core can load and store."""

from dataclasses import replace

import pytest

from harness.exchange.plausibility import check_memory, check_rows
from harness.record.errors import HarnessError
from harness.record.samples import load_run
from harness.sampling.speed_limits import Call, least_cycles
from harness.statistics.intervals import with_text
from harness.statistics.selection import algorithm_rows

ELEMENTS, CYCLES_PER_NANOSECOND = 4096, 20_000 / 5405  # the clock canary of synthetic runs
# Two-Pass: ext_sum loads X at three vectors of eight a cycle; ext_scale stores Y at two.
TWO_PASS_CYCLES = ELEMENTS * (1 / 3 + 1 / 2) / 8


@pytest.fixture
def run(make_run):
    its = load_run(make_run(isas=("avx2",), lengths=(ELEMENTS, 100_000), processes=2, rounds=2))
    # As text, which can be changed to a flag that no row has.
    return replace(its, samples=with_text(its.samples))


@pytest.fixture
def sample(run):
    """The number of a row of Two-Pass as a whole."""
    rows = run.samples
    whole = (rows["algorithm"] == "two-pass") & (rows["pass"] == "") & (rows["elements"] == ELEMENTS)
    return int(whole.idxmax())


def at_share_of_the_least_time(run, sample, share):
    """Has the sample take this share of the least time that its cycles allow."""
    calls = run.samples.loc[sample, "calls"]
    run.samples.loc[sample, "nanoseconds"] = round(share * calls * TWO_PASS_CYCLES / CYCLES_PER_NANOSECOND)


def test_a_pass_takes_as_long_as_its_loads_or_its_stores_whichever_is_longer(run):
    for (isa, name), cycles in {
        ("avx2", "load"): 1 / 3 / 8,
        ("avx2", "store"): 1 / 2 / 8,
        ("avx2", "copy"): 1 / 2 / 8,
        ("avx512f", "load"): 1 / 2 / 16,
        ("scalar", "load"): 1 / 3,
        ("scalar", "update"): 1 / 2,
    }.items():
        assert least_cycles(Call(isa, "", name, 1), run) == cycles


def test_an_algorithm_takes_as_long_as_its_passes_together(run):
    assert least_cycles(Call("avx2", "two-pass", "", 1), run) == TWO_PASS_CYCLES / ELEMENTS
    assert least_cycles(Call("avx2", "two-pass", "ext_sum", 1), run) == 1 / 3 / 8


def test_a_sample_at_its_limit_is_possible_and_may_be_as_much_faster_as_clocks_waver(run, sample):
    for share in (1, 0.95):
        at_share_of_the_least_time(run, sample, share)
        check_rows(run)


def test_a_faster_sample_is_not_possible_and_is_named(run, sample):
    at_share_of_the_least_time(run, sample, 0.8)
    with pytest.raises(HarnessError, match=rf"line {sample + 2}, nanoseconds: .* 1.25 times what avx2 can load"):
        check_rows(run)


def test_a_disturbed_sample_is_held_to_the_same_limit(run, sample):
    at_share_of_the_least_time(run, sample, 0.8)
    run.samples.loc[sample, "flags"] = "clock"
    with pytest.raises(HarnessError, match="is faster than possible"):
        check_rows(run)


def test_a_canary_that_was_interrupted_does_not_make_its_sample_impossible(run, sample):
    run.samples.loc[sample, "clock_nanoseconds"] = 10**7
    check_rows(run)


def test_a_sample_whose_clock_was_faster_than_the_runs_best_is_held_to_its_own(run, sample):
    at_share_of_the_least_time(run, sample, 0.8)
    run.samples.loc[sample, "clock_nanoseconds"] = round(0.8 * 5405)
    check_rows(run)


def test_a_processor_clocked_above_any_record_is_not_possible(run, sample):
    run.samples.loc[sample, "clock_nanoseconds"] = 20_000 // 11
    with pytest.raises(HarnessError, match=rf"line {sample + 2}: a clock of 11 GHz is not possible"):
        check_rows(run)


@pytest.fixture
def far(make_run):
    """Lengths far beyond every cache of the synthetic machine (33 MiB of L2 and L3)."""
    return load_run(make_run(isas=("avx512f",), lengths=(ELEMENTS, 1 << 26), processes=2, rounds=2))


@pytest.mark.parametrize(("gb_per_second", "possible"), [(800, True), (1200, False)])
def test_memory_faster_than_any_is_not_possible(far, gb_per_second, possible):
    rows = far.samples
    load = int(((rows["pass"] == "load") & (rows["elements"] == 1 << 26)).idxmax())
    # What L2 and L3 hold may not have moved.
    moved = rows.loc[load, "calls"] * (4 * (1 << 26) - 33 * 2**20)
    rows.loc[load, "nanoseconds"] = round(moved / gb_per_second)
    if possible:
        check_memory(far)
    else:
        with pytest.raises(HarnessError, match=rf"line {load + 2}, nanoseconds: .*GB/s, where the machine's memory"):
            check_memory(far)


def test_a_machine_whose_memory_is_known_is_held_to_it(far, monkeypatch):
    far = replace(far, machine=replace(far.machine, name="zen2"))  # 51.2 GB/s
    rows = far.samples
    load = int(((rows["pass"] == "load") & (rows["elements"] == 1 << 26)).idxmax())
    rows.loc[load, "nanoseconds"] = round(rows.loc[load, "calls"] * 4 * (1 << 26) / 80)
    with pytest.raises(HarnessError, match=r"GB/s, where the machine's memory gives 51\.2"):
        check_rows(far)


def test_a_sample_that_was_flagged_as_too_fast_is_kept_and_never_used(run, sample):
    at_share_of_the_least_time(run, sample, 0.01)
    run.samples.loc[sample, "flags"] = "clock;too-fast"
    check_rows(run)
    point = run.samples.loc[sample, ["experiment", "compiler", "isa", "elements", "process"]]
    its = (run.samples[list(point.index)] == point).all(axis=1) & (run.samples["algorithm"] == "two-pass")
    run.samples.loc[its, "flags"] = "too-fast"  # nor where the process has nothing else
    used = algorithm_rows(run)
    assert not used.index.isin(run.samples.index[its]).any()
    assert not used["flags"].str.contains("too-fast").any()


def test_wrong_results_are_refused(run):
    run.domain[0]["not_finite"] = 1
    with pytest.raises(HarnessError, match=r"run\.json: gcc avx2 .* are not finite"):
        check_rows(run)
