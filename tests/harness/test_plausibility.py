"""Rows are taken for measured where they are complete and no faster than a core can load and store."""

import pytest

from analysis.rows import load_run
from harness.errors import HarnessError
from harness.plausibility import check_rows, least_cycles

ELEMENTS, CYCLES_PER_NANOSECOND = 4096, 20_000 / 5405  # the clock canary of synthetic runs
# Two-Pass: ext_sum loads X at three vectors of eight a cycle; ext_scale stores Y at two.
TWO_PASS_CYCLES = ELEMENTS * (1 / 3 + 1 / 2) / 8


@pytest.fixture
def run(make_run):
    return load_run(make_run(isas=("avx2",), lengths=(ELEMENTS, 100_000), processes=2, rounds=2))


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
        assert least_cycles(isa, "", name, run.information) == cycles


def test_an_algorithm_takes_as_long_as_its_passes_together(run):
    assert least_cycles("avx2", "two-pass", "", run.information) == TWO_PASS_CYCLES / ELEMENTS
    assert least_cycles("avx2", "two-pass", "ext_sum", run.information) == 1 / 3 / 8


def test_a_sample_at_its_limit_is_possible_and_may_be_as_much_faster_as_clocks_waver(run, sample):
    for share in (1, 0.95):
        at_share_of_the_least_time(run, sample, share)
        check_rows(run.samples, run.information)


def test_a_faster_sample_is_not_possible_and_is_named(run, sample):
    at_share_of_the_least_time(run, sample, 0.8)
    with pytest.raises(HarnessError, match=rf"line {sample + 2}, nanoseconds: .* 1.25 times what avx2 can load"):
        check_rows(run.samples, run.information)


def test_a_disturbed_sample_is_held_to_the_same_limit(run, sample):
    at_share_of_the_least_time(run, sample, 0.8)
    run.samples.loc[sample, "flags"] = "clock"
    with pytest.raises(HarnessError, match="is faster than possible"):
        check_rows(run.samples, run.information)


def test_a_canary_that_was_interrupted_does_not_make_its_sample_impossible(run, sample):
    run.samples.loc[sample, "clock_nanoseconds"] = 10**7
    check_rows(run.samples, run.information)


def test_a_sample_whose_clock_was_faster_than_the_runs_best_is_held_to_its_own(run, sample):
    at_share_of_the_least_time(run, sample, 0.8)
    run.samples.loc[sample, "clock_nanoseconds"] = round(0.8 * 5405)
    check_rows(run.samples, run.information)


def test_a_processor_clocked_above_any_record_is_not_possible(run, sample):
    run.samples.loc[sample, "clock_nanoseconds"] = 20_000 // 11
    with pytest.raises(HarnessError, match=rf"line {sample + 2}: a clock of 11 GHz is not possible"):
        check_rows(run.samples, run.information)


def test_more_rounds_than_were_asked_for_are_complete(run):
    """Disturbed rounds are measured again, in some processes and not in others."""
    rows = run.samples
    point = (rows["experiment"] == "algorithms") & (rows["elements"] == ELEMENTS) & (rows["process"] == 1)
    check_rows(rows[~(point & (rows["round"] == 1))].reset_index(drop=True), run.information)


def test_a_length_as_a_whole_float_is_that_length(run):
    """JSON has one kind of number."""
    for item in run.information["experiments"]["algorithms"]:
        item["elements"] = [float(n) for n in item["elements"]]
    check_rows(run.samples, run.information)
