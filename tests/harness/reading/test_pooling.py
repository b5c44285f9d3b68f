"""Runs pooled: answers derived by hand, and how often intervals cover what they are of, in simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri, stdtrit

from harness.reading.pooling import (
    BEYOND_L2,
    IN_L2,
    LEAST_COMMON,
    OUT_OF_CACHE,
    SMALLEST_VARIANCE,
    effects,
    largest_of,
    pool,
    regions,
    spreads,
)
from harness.statistics.intervals import TARGET_CONFIDENCE, intervals
from tests.synthetic import ItsCaches

BY, GROUP = ["group", "point"], ["group"]


def rows(values, variance=1.0, group="g"):
    """values[point][run], each of the same variance."""
    return pd.DataFrame(
        [
            {"group": group, "point": point, "run": run, "effect": value, "variance": variance, "processes": 8}
            for point, several in enumerate(values)
            for run, value in enumerate(several)
        ]
    )


def test_the_variance_of_a_median_is_that_of_its_interval_over_the_normal_quantile():
    table = pd.DataFrame(
        {"n": [1, 2, 3], "x_median": [5.0, 5.0, 5.0], "x_low": [3.0, 5.0, 5.0], "x_high": [7.0, 5.0, 5.0],
         "confidence": [0.95, 0.95, 0.0], "processes": [8, 8, 1]}
    )  # fmt: skip
    found = effects(table, "x", ["n"])
    assert found["n"].tolist() == [1, 2]  # one process has no interval
    assert found["variance"].tolist() == pytest.approx([(2 / ndtri(0.975)) ** 2, SMALLEST_VARIANCE])


def test_two_runs_at_one_point_have_one_degree_of_freedom():
    found = rows([[0.0, 4.0]])
    spread = spreads(found, BY, GROUP)
    # Their sample variance is 8, of which 1 is the processes'.
    assert spread["variance"].iloc[0] == pytest.approx(7, rel=1e-4)
    assert spread["degrees"].iloc[0] == pytest.approx(1)
    (one,) = pool(found, BY, GROUP, spread).to_dict("records")
    assert (one["effect"], one["runs"], one["processes"]) == (2, 2, 16)
    assert one["between"] == pytest.approx(7**0.5, rel=1e-4) and one["share"] == pytest.approx(7 / 8, rel=1e-4)
    # Of the mean (7 + 1) / 2; of any run 7 more, and of its median 1 more.
    for name, variance in (("mean_high", 4), ("high", 11), ("next_high", 12)):
        assert one[name] == pytest.approx(2 + stdtrit(1, 0.975) * variance**0.5, rel=1e-4)
    assert one["low"] == pytest.approx(4 - one["high"])


def test_points_of_a_group_share_the_spread_of_their_runs():
    found = rows([[0.0, 4.0], [0.0, 0.0]])
    spread = spreads(found, BY, GROUP)
    assert spread["variance"].iloc[0] == pytest.approx(3.5, rel=1e-4)  # the mean of 7 and 0
    quiet = pool(found, BY, GROUP, spread).set_index("point").loc[1]
    assert quiet["between"] == pytest.approx(3.5**0.5, rel=1e-4)


def test_runs_that_lie_further_apart_at_a_point_than_their_group_says_have_a_wider_interval_there():
    found = rows([[0.0, 4.0], [0.0, 0.0]])
    table = pool(found, BY, GROUP, spreads(found, BY, GROUP)).set_index("point")
    # Two deviations of 2 whose variance would be 4.5: 8 / 4.5, where 1 is expected.
    wider = (table["high"] - table["effect"]).to_numpy()
    assert wider[0] / wider[1] == pytest.approx((8 / 4.5) ** 0.5, rel=1e-4)


def test_what_all_points_have_in_common_is_one_observation_and_what_they_have_not_is_many():
    shifted = rows([[0.0, 40.0]] * 6)
    assert spreads(shifted, BY, GROUP)["degrees"].iloc[0] == pytest.approx(1)
    apart = rows([[0.0, 40.0], [40.0, 0.0]] * 3)
    whole = LEAST_COMMON + (1 - LEAST_COMMON) / 6
    expected = 1 / (whole**2 + (1 - whole) ** 2 / 5)
    assert spreads(apart, BY, GROUP)["degrees"].iloc[0] == pytest.approx(expected)


def test_groups_have_spreads_of_their_own():
    found = pd.concat([rows([[0.0, 4.0]]), rows([[0.0, 0.0]], group="calm")])
    assert spreads(found, BY, GROUP)["variance"].to_dict() == pytest.approx({("g",): 7, ("calm",): 0}, rel=1e-4)


def test_one_run_has_the_spread_of_others_and_without_them_no_interval_over_runs():
    others = rows([[0.0, 4.0]])
    alone = rows([[10.0]])
    (one,) = pool(alone, BY, GROUP, spreads(others, BY, GROUP)).to_dict("records")
    assert one["effect"] == 10
    assert one["mean_high"] == pytest.approx(10 + stdtrit(1, 0.975) * 8**0.5, rel=1e-4)
    assert one["high"] == pytest.approx(10 + stdtrit(1, 0.975) * 15**0.5, rel=1e-4)
    assert spreads(alone, BY, GROUP).empty and pool(alone, BY, GROUP, spreads(alone, BY, GROUP)).empty


def test_points_that_only_some_runs_have_are_pooled_with_the_others():
    found = rows([[0.0, 4.0], [1.0, 3.0, 5.0], [7.0]])
    table = pool(found, BY, GROUP, spreads(found, BY, GROUP)).set_index("point")
    assert table["runs"].to_dict() == {0: 2, 1: 3, 2: 1}
    assert table["between"].nunique() == 1


def test_the_largest_of_several_values_lies_between_the_largest_bounds_of_any():
    table = pd.DataFrame(
        {"n": [1, 2], "x_median": [13.5, 15.5], "x_low": [10.0, 5.0], "x_high": [17.0, 19.0],
         "confidence": [0.98, 0.99], "processes": [8, 7]}
    )  # fmt: skip
    found = largest_of(table, "x")
    assert (found["n"], found["x_median"]) == (2, 15.5)
    assert found["x_low"] == 10  # of the first: the largest is at least that
    assert (found["x_high"], found["processes"]) == (19, 7)
    assert found["confidence"] == pytest.approx(0.97)


def test_a_region_ends_where_input_and_output_fill_l2_or_the_input_all_caches():
    machine = ItsCaches()
    l2, every = machine.cache_bytes(2), machine.cache_bytes(2) + machine.last_cache_bytes
    ends = np.array([l2 // 8, l2 // 8 + 1, every // 4, every // 4 + 1])
    assert list(regions(ends, machine)) == [IN_L2, BEYOND_L2, BEYOND_L2, OUT_OF_CACHE]


@pytest.mark.parametrize("count", range(1, 41))
def test_what_holds_at_all_lengths_with_95_percent_does_so_whatever_their_number(count):
    table = pd.DataFrame({"x_median": range(count), "processes": 8, "confidence": 1 - (1 - TARGET_CONFIDENCE) / count})
    assert largest_of(table, "x")["confidence"] >= TARGET_CONFIDENCE
    assert largest_of(table.assign(confidence=0.5), "x")["confidence"] == max(0, 1 - count / 2)


def test_the_interval_of_the_largest_holds_for_the_largest_of_many_equal_values():
    random, experiments, values, processes = np.random.default_rng(5), 200, 5, 8
    of = np.indices((experiments, values, processes)).reshape(3, -1)
    noisy = pd.DataFrame({"experiment": of[0], "n": of[1], "process": of[2], "x": random.normal(20, 2, of.shape[1])})
    table = intervals(noisy, ["experiment", "n"], "x", 0.99)
    found = pd.DataFrame([largest_of(those, "x") for _, those in table.groupby("experiment")])
    covered = ((found["x_low"] <= 20) & (found["x_high"] >= 20)).sum()
    assert covered >= 0.95 * experiments  # the median alone would lie above 20 nearly always


POINTS, GROUPS, PROCESSES = 6, 6, 8


def simulated(random, runs, between, common):
    """Effects of many runs whose true value is 0 at every point: `between`, the standard deviation of runs, of whose
    square the share `common` is a whole group's; eight processes of standard deviation 1."""
    shape = (GROUPS, POINTS, runs)
    shifts = between * common**0.5 * random.standard_normal((GROUPS, 1, runs))
    own = between * (1 - common) ** 0.5 * random.standard_normal(shape)
    processes = np.sort(random.exponential(size=(*shape, PROCESSES)) - np.log(2), axis=-1)
    middle, ends = processes[..., 3:5].mean(axis=-1), processes[..., [0, -1]]
    where = np.indices(shape).reshape(3, -1)
    variance = ((ends[..., 1] - ends[..., 0]) / 2 / ndtri(1 - 2**-8)) ** 2
    columns = {"effect": (shifts + own + middle).ravel(), "variance": variance.ravel()}
    return pd.DataFrame({"group": where[0], "point": where[1], "run": where[2], **columns, "processes": PROCESSES})


@pytest.mark.parametrize("runs", [2, 3, 6])
@pytest.mark.parametrize(("between", "common"), [(0.0, 0.0), (1.0, 0.0), (1.0, 0.6)])
def test_intervals_of_few_runs_cover_what_they_are_of(runs, between, common):
    random, covered = np.random.default_rng(20200113), []
    for _ in range(8):
        found = simulated(random, runs + 3, between, common)
        first, last = found[found["run"] < runs], found[found["run"] >= runs]
        table = pool(first, BY, GROUP, spreads(first, BY, GROUP))
        both = last.merge(table, on=BY, suffixes=("_of_run", ""))
        inside = [both["effect_of_run"].between(both[f"{which}low"], both[f"{which}high"]) for which in ("", "next_")]
        truth = [(table["mean_low"] <= 0) & (table["mean_high"] >= 0), (table["low"] <= 0) & (table["high"] >= 0)]
        covered.append([each.mean() for each in (*truth, *inside)])
    of_mean, of_any, later, foretold = np.mean(covered, axis=0)
    # Of some 300 points each: 0.93 and 0.95, less what chance allows.
    assert of_mean >= 0.92 and of_any >= 0.95 and foretold >= 0.93
    if between and runs <= 3:  # with more, what any run finds no longer leaves room for the noise of their processes
        assert later >= 0.9
