"""Bodies of evidence: which runs they are, and what they show together."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import stdtrit

from analysis.tables.speedups import largest, pooled_speedups, speedups
from harness.reading.evidence import Evidence, bodies, differences, doubts, floors
from harness.reading.trust import verdict
from harness.record.samples import load_run
from tests.planted import at_other_lengths, body_of_evidence, planted, run_that_says, run_with_controls, slower

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


def test_runs_without_a_length_in_common_have_no_figure_of_their_differences(one):
    first, second = body_of_evidence(one, (0, 0))
    assert "runs" in Evidence.of([first, second]).parts
    assert "runs" not in Evidence.of([first, at_other_lengths(second)]).parts


def test_what_is_to_be_borne_in_mind_depends_on_how_many_runs_there_are(one):
    runs = body_of_evidence(one, (0, 1, 2))
    assert Evidence.of(runs[:1]).told == "quick-000000000000: one run; how much runs differ is not known"
    assert "how much runs differ is that of 3 others of this machine" in Evidence.of([one, *runs]).told
    assert "two runs: of how much runs differ there is one example" in Evidence.of(runs[:2]).told
    assert Evidence.of(runs).told == "3 runs: quick-000000000000, quick-000000000001, quick-000000000002"


def test_a_figure_of_one_run_is_drawn_from_the_newest_that_has_most_of_it(one):
    newest, *others = body_of_evidence(one, (0, 1, 2))
    fewer = tuple(replace(item, elements=item.elements[:1]) for item in newest.experiments["passes"])
    few = replace(newest, experiments={"algorithms": newest.experiments["algorithms"], "passes": fewer})
    body = replace(Evidence.of([newest, *others]), runs=(few, *others))
    assert body.telling("algorithms") == few
    assert body.telling("passes") == others[0]
    assert body.telling("controls") == others[0]
    assert {"algorithms", "passes", "controls", "runs"} <= body.parts


def test_a_run_of_a_few_lengths_more_is_drawn_only_where_no_other_has_the_part(one):
    newest, other = body_of_evidence(one, (0, 1))
    controls = newest.experiments["controls"]
    beside = replace(newest, experiments={"controls": controls * 2, "peers": controls})
    body = replace(Evidence.of([newest, other]), runs=(other, beside))
    assert body.telling("controls") == other and body.telling("peers") == beside


def test_a_run_whose_null_test_failed_is_left_out_and_that_is_said(one):
    first, second, third = body_of_evidence(one, (0, 1, 2))
    body = Evidence.of([with_failed_null_test(first), second, third])
    assert body.runs == (second, third)
    assert "quick-000000000000 is left out: null test failed" in body.told
    assert doubts(body).faults == ()


def test_where_every_null_test_failed_the_newest_stands_alone_and_decides_nothing(one):
    body = Evidence.of([with_failed_null_test(run) for run in body_of_evidence(one, (0, 1))])
    assert len(body.runs) == 1 and doubts(body).faults


def with_moved(run, percents, noise=0.5):
    """A body of runs with controls alone, in which the copy elsewhere takes so many percent longer, in AVX2 and L1;
    `noise` is half of what the processes of the first are apart, in percent."""

    def of(place, percent):
        def takes(name, isa, elements, process):
            off = percent if (name, isa, elements) == ("two-pass-moved", "avx2", 4096) else 0.0
            half = noise if place == 0 else 0.5
            return planted(name) + off + (half * (process - 3.5) / 3.5 if name != "two-pass" else 0.0)

        return replace(run_with_controls(run, takes), name=f"quick-{place:012x}")

    return Evidence(tuple(of(place, percent) for place, percent in enumerate(percents)))


BEYOND = stdtrit(4, 0.975) / 2
"""Of the root of the mean square of four comparisons (two ISAs, against itself and moved) in a region, of which one
shows something: Student's t over the root of 4."""


def test_the_noise_floor_is_what_a_further_comparison_of_what_is_equal_would_stay_within(full_run):
    found = doubts(with_moved(full_run, [2.0] * 4))
    assert found.floors["in L2"] == pytest.approx(BEYOND * 2, abs=0.05)
    assert found.floors["out of cache"] < 0.01, "what is off elsewhere says nothing of it"
    assert found.floor == found.floor_in("in L2") == found.floor_in("beyond L2"), "where none is known, the largest"
    assert found.floor_told == f"{found.floors['in L2']:.2g} % in L2, {found.floors['out of cache']:.2g} % out of cache"
    assert found.told == "null test passed in each of 4 runs"


def test_what_is_not_in_all_runs_is_how_they_differ_and_no_floor(full_run):
    assert doubts(with_moved(full_run, [-2.0, 2.0, -2.0, 2.0])).floor < 0.1


def test_one_loud_run_does_not_decide_the_noise_floor(full_run):
    body = with_moved(full_run, [18.0, *[0.0] * 5])
    assert verdict(body.newest).floor_percent == pytest.approx(18, abs=0.1)
    found = doubts(body)
    assert found.floor_percent == pytest.approx(BEYOND * 100 * (1.18 ** (1 / 6) - 1), rel=0.05)  # it is one of six
    # And it is worth less than the others where its processes say so.
    assert doubts(with_moved(full_run, [18.0, *[0.0] * 5], noise=15.0)).floor < found.floor


def test_each_length_has_the_floor_of_its_region(full_run):
    body = with_moved(full_run, [2.0] * 4)
    near, far = floors(body, np.array([4096, 1 << 25]))
    assert (near, far) == (doubts(body).floors["in L2"], doubts(body).floors["out of cache"])
    alone = Evidence(body.runs[:1])
    assert set(floors(alone, np.array([4096, 1 << 25]))) == {verdict(alone.newest).floor}


def test_the_floor_of_a_run_alone_is_its_own(full_run):
    (run,) = with_moved(full_run, [0.7]).runs
    assert doubts(Evidence((run,))) == verdict(run)


def test_known_answers_are_pooled_like_any_number(full_run):
    table = differences(with_moved(full_run, [0.0, 3.0])).set_index(["isa", "elements", "control"])
    assert list(table["runs"].unique()) == [2] and set(table["kind"]) == {"again", "moved", "planted"}
    moved = table.loc[("avx2", 4096, "two-pass-moved")]
    assert moved["difference_percent_median"] == pytest.approx(1.5, abs=0.02)
    assert moved["difference_percent_low"] < 0 < 3 < moved["difference_percent_high"]


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
