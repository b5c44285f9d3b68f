"""Bodies of evidence: which runs they are, and what they show together."""

import numpy as np
import pytest

from analysis.tables.speedups import largest, pooled_speedups, speedups
from harness.reading.evidence import Evidence, bodies, doubts
from harness.reading.trust import verdict
from harness.record.samples import load_run
from tests.planted import body_of_evidence, run_that_says, slower

PARTS = ("algorithms", "passes", "controls")


@pytest.fixture(scope="module")
def one(make_module_run):
    lengths = (4096, 30_000, 20_000_000, 56_000_000)
    return load_run(make_module_run(isas=("avx2",), lengths=lengths, processes=8, parts=PARTS))


def with_failed_null_test(run):
    samples = run.samples.copy()
    samples.loc[samples["algorithm"] == "two-pass-again", "nanoseconds"] *= 2
    return run_that_says(run).__class__.of(run, run.folder, samples)


def test_runs_of_the_same_kernels_are_one_body_and_every_older_run_is_its_own(one):
    found = bodies([one, *body_of_evidence(one, (0, 1, 2))])
    assert [len(body.runs) for body in found] == [1, 3]
    assert found[0].lent == found[1].runs and found[1].lent == ()
    assert found[1].newest.name == "quick-000000000000"


def test_what_is_to_be_borne_in_mind_depends_on_how_many_runs_there_are(one):
    runs = body_of_evidence(one, (0, 1, 2))
    assert Evidence.of(runs[:1]).told == "quick-000000000000: one run; how much runs differ is not known"
    assert "how much runs differ is that of 3 others of this machine" in Evidence.of([one, *runs]).told
    assert "two runs: of how much runs differ there is one example" in Evidence.of(runs[:2]).told
    assert Evidence.of(runs).told == "3 runs: quick-000000000000, quick-000000000001, quick-000000000002"


def test_a_run_whose_null_test_failed_is_left_out_and_that_is_said(one):
    first, second, third = body_of_evidence(one, (0, 1, 2))
    body = Evidence.of([with_failed_null_test(first), second, third])
    assert body.runs == (second, third)
    assert "quick-000000000000 is left out: null test failed" in body.told
    assert doubts(body).faults == ()


def test_where_every_null_test_failed_the_newest_stands_alone_and_decides_nothing(one):
    body = Evidence.of([with_failed_null_test(run) for run in body_of_evidence(one, (0, 1))])
    assert len(body.runs) == 1 and doubts(body).faults


def test_the_noise_floor_is_the_largest_of_any_run(one):
    body = Evidence.of(body_of_evidence(one, (0, 1)))
    assert doubts(body).floor_percent == max(verdict(run).floor_percent for run in body.runs)


def test_runs_that_differ_have_a_wider_interval_than_any_of_them_and_hold_each_median(one):
    body = Evidence.of(body_of_evidence(one, (-3, 0, 3)))
    pooled = pooled_speedups(body).set_index("elements")
    for run in body.runs:
        own = speedups(run).set_index("elements")
        assert ((own["speedup_percent_high"] - own["speedup_percent_low"]) < width(pooled, "speedup")).all()
        low, high = (pooled[f"next_run_speedup_percent_{end}"] for end in ("low", "high"))
        assert own["speedup_percent_median"].between(low, high).all()
    middle = speedups(body.runs[1]).set_index("elements")["speedup_percent_median"]
    assert pooled["speedup_percent_median"].to_numpy() == pytest.approx(middle.to_numpy(), abs=0.1)
    assert (pooled["runs"] == 3).all() and (pooled["processes"] == 24).all()
    # Of Three-Pass over Two-Pass: 3 % is the standard deviation of -3, 0 and 3.
    assert pooled["between_runs_percent"].to_numpy() == pytest.approx(3, abs=0.6)
    for narrower, wider in (("mean_speedup", "speedup"), ("speedup", "next_run_speedup")):
        assert (width(pooled, narrower) < width(pooled, wider)).all()


def width(table, name):
    return table[f"{name}_percent_high"] - table[f"{name}_percent_low"]


def test_a_run_alone_shows_what_its_processes_do_and_nothing_of_runs(one):
    table, own = pooled_speedups(Evidence((one,))), speedups(one)
    assert table[list(own)].equals(own)
    assert table["next_run_speedup_percent_low"].isna().all() and (table["runs"] == 1).all()


def test_a_run_alone_is_widened_by_how_much_others_differ(one):
    lenders = body_of_evidence(one, (-3, 0, 3))
    newer = run_that_says(one, run="quick-0123456789ab", kernels_hash="b" * 64, ended="2026-03-01T00:00:00Z")
    table, own = pooled_speedups(Evidence.of([newer, *lenders])), speedups(newer)
    assert (table["speedup_percent_low"] < own["speedup_percent_low"]).all()
    assert table["speedup_percent_median"].to_numpy() == pytest.approx(own["speedup_percent_median"].to_numpy())


def test_lengths_that_only_some_runs_have_are_pooled_too(one):
    first, second = body_of_evidence(one, (0, 2))
    longest = first.samples[first.samples["elements"] < 50_000_000]
    table = pooled_speedups(Evidence.of([first.__class__.of(first, first.folder, longest), second]))
    assert table.set_index("elements")["runs"].to_dict() == {4096: 2, 30_000: 2, 20_000_000: 2, 56_000_000: 1}


def test_the_largest_speedup_of_pooled_runs_holds_for_all_lengths_at_once(one):
    body = Evidence.of(body_of_evidence(one, (-3, 0, 3)))
    best, table = largest(body).loc["avx2"], pooled_speedups(body)
    far = table[table["elements"] > 10_000_000]
    assert best["speedup_percent_median"] == far["speedup_percent_median"].max()
    assert best["speedup_percent_high"] > far["speedup_percent_high"].max()
    assert best["confidence"] == pytest.approx(0.95) and best["of"] == "2 out-of-cache lengths"


def test_slower_means_slower(one):
    ratio = slower(one.samples, 10)["nanoseconds"] / one.samples["nanoseconds"]
    assert set(np.round(ratio, 1)) == {1.0, 1.1}
