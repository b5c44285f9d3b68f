"""Results that are not what they promise to be make a run decide nothing."""

from dataclasses import replace

import pytest

from analysis import panels
from analysis.claims.claims import load_claims
from analysis.claims.verdicts import INCONCLUSIVE, NOT_RUN
from analysis.summary import summary
from harness.exchange.plausibility import check_accuracy
from harness.reading.trust import verdict
from harness.record import exactness
from harness.record.errors import HarnessError
from harness.record.samples import load_run
from harness.record.store import read_record
from tests.planted import judge_all
from tests.recorded import one_of_each

RECORDED = one_of_each()

TWO_PASS = ("ext_sum", "ext_scale")


@pytest.fixture(scope="module")
def recorded():
    """A recorded run that looked at accuracy and domain."""
    return load_run(next(folder for folder in RECORDED if not exactness.unknown(read_record(folder))))


@pytest.mark.parametrize("folder", RECORDED, ids=lambda folder: folder.name)
def test_recorded_runs_are_what_they_promise(folder):
    assert exactness.faults(read_record(folder)) == []


def wrong(run, part, **changed):
    """The run with these values in every row of a table."""
    return replace(run, **{part: tuple({**row, **changed} for row in getattr(run, part))})


WRONG = [
    ("exp", {"largest_ulps": 62_953.0}, "exp is off by 6.3e+04 ulp where 2 are allowed"),
    (
        "accuracy",
        {"largest_relative_error": 1.0},
        "recompute: results are off by 1 where 8.2e-06 is allowed",
    ),
    ("accuracy", {"sum_error": -0.5}, "results are off by 0.5"),
    ("accuracy", {"not_finite": 3}, "3 of 1000 results are not finite"),
    ("domain", {"not_finite": 7}, "7 of 49230 results in its domain are not finite"),
    ("domain", {"largest_sum_error": 0.01}, "in its domain sums are off by 0.01"),
    ("domain", {"largest_sum_error": None}, "in its domain no sum is known"),
    ("accuracy", {"order_violations": 999}, "999 of 1000 results are not in the order of x"),
    ("accuracy", {"shift_difference": 1.0}, "results are off by 0.5"),
    ("accuracy", {"rms_relative_error": 1.0}, "results are off by 1 "),
    ("exp", {"counts": [0] * 23 + [7]}, "exp is off by 1.9"),
    ("accuracy", {"isa": "scalar"}, "avx2 three-pass-recompute: its accuracy was asked for and is not known"),
]


@pytest.mark.parametrize(("part", "changed", "told"), WRONG)
def test_results_beyond_what_is_allowed_are_told_and_not_adopted(recorded, part, changed, told):
    run = wrong(recorded, part, **changed)
    assert told in exactness.faults(run)[0]
    assert told in verdict(run).faults[0]
    with pytest.raises(HarnessError, match=r"^run\.json: "):
        check_accuracy(run)


def test_where_results_are_wrong_nothing_is_decided_and_that_is_told_first(recorded):
    part, changed, told = WRONG[0]
    run = wrong(recorded, part, **changed)
    machine = run.machine.name
    judged = [j for j in judge_all(load_claims(), {machine: [run]}) if j.run]
    assert {j.verdict for j in judged} <= {INCONCLUSIVE, NOT_RUN}
    assert all(told in j.reason for j in judged if j.verdict == INCONCLUSIVE and j.measured)
    assert summary(run).startswith("NOTHING IS DECIDED: ")
    assert panels.reservation(run) == "RESULTS ARE WRONG: no claim. "


def test_a_smoke_run_says_so_too(make_run):
    run = wrong(load_run(make_run(protocol="smoke", isas=("avx2",))), "accuracy", not_finite=1)
    assert summary(run).startswith("NOTHING IS DECIDED: avx2 ")


def test_what_is_not_known_is_said_and_no_fault(recorded):
    without = replace(recorded, accuracy_elements=None, accuracy=(), exp=(), domain=())
    assert exactness.faults(without) == []
    assert exactness.unknown(without) == ["accuracy", "the domain"]
    assert "the run did not look at accuracy and the domain" in summary(without)
    assert exactness.unknown(recorded) == []


def test_sums_in_float_lanes_may_lose_what_their_length_allows():
    assert exactness.allowed(TWO_PASS) == exactness.LARGEST_ERROR
    for form in ("table", "prefetch"):
        assert exactness.allowed((f"ext_sum_{form}", f"ext_scale_nt_{form}")) == exactness.LARGEST_ERROR
    three_pass, online = (exactness.allowed(passes) for passes in (("max", "exp_sum"), ("block_sum", "exp_scale")))
    assert three_pass == online > exactness.LARGEST_ERROR
    assert exactness.allowed(TWO_PASS, "lanes", "avx2", 8_000_000) == pytest.approx(0.06, rel=0.01)
    assert exactness.allowed(TWO_PASS, "lanes", "scalar", 1000) > exactness.allowed(TWO_PASS, "lanes", "avx2", 1000)


def test_excluded_variants_are_told_by_name(recorded):
    item = {"compiler": "gcc", "isa": "avx2", "pass": "max", "variant": "u8k2", "reason": "at 1 elements: it crashes"}
    assert exactness.excluded(recorded) == exactness.excluded(replace(recorded, excluded=())) == ""
    told = exactness.excluded(replace(recorded, excluded=(item,)))
    assert told == "EXCLUDED: a variant that is wrong: gcc avx2 max u8k2 (at 1 elements: it crashes)"
