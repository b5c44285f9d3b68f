"""Intervals, ratios and speedups, against answers derived by hand and by simulation."""

import numpy as np
import pandas as pd
import pytest

from harness.statistics.ratios import (
    Interval,
    intervals,
    largest_speedups,
    log_ratios,
    median_interval,
    order_statistics,
    speedups,
    times,
)


def rows(algorithm: str, nanoseconds: list[list[float]], elements: int = 1000, calls: int = 1) -> pd.DataFrame:
    """Samples of an algorithm: nanoseconds[process][round]."""
    table = [
        ("avx2", "gcc", algorithm, elements, process, turn, calls, value, 5000)
        for process, values in enumerate(nanoseconds)
        for turn, value in enumerate(values)
    ]
    columns = ["isa", "compiler", "algorithm", "elements", "process", "round", "calls", "nanoseconds"]
    return pd.DataFrame(table, columns=[*columns, "clock_nanoseconds"])


@pytest.mark.parametrize(("count", "confidence"), [(6, 0.96875), (7, 0.984375), (8, 0.9921875)])
def test_six_to_eight_processes_span_from_the_smallest_to_the_largest(count: int, confidence: float) -> None:
    # Both tails: all values above the median, or all below: 2 * 2**-count.
    assert order_statistics(count) == (1, pytest.approx(confidence))


def test_nine_processes_leave_out_the_outermost_on_each_side() -> None:
    # P(at most 1 of 9 below) = (1 + 9) / 512 = 1.95 % a side; with 2 of 9 it would be 46 / 512 = 9 %.
    assert order_statistics(9) == (2, pytest.approx(1 - 2 * 10 / 512))


def test_an_interval_over_five_processes_does_not_claim_95_percent() -> None:
    interval = median_interval([5.0, 1.0, 4.0, 2.0, 3.0])
    assert interval == Interval(median=3.0, low=1.0, high=5.0, confidence=0.9375, processes=5)


def test_one_process_gives_no_confidence_at_all() -> None:
    assert median_interval([7.0]) == Interval(7.0, 7.0, 7.0, 0.0, 1)


def test_no_processes_and_values_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        median_interval([])
    with pytest.raises(ValueError, match="not a number"):
        median_interval([1.0, float("nan")])


@pytest.mark.parametrize("count", [3, 5, 6, 7, 8, 9, 12])
def test_intervals_of_skewed_values_cover_the_median_as_often_as_they_claim(count: int) -> None:
    random = np.random.default_rng(count)
    trials = 1500
    # Exponential: the median is log 2; a skewed effect of the process, as a slow page placement is.
    found = [median_interval(random.exponential(size=count)) for _ in range(trials)]
    covered = np.mean([interval.low <= np.log(2) <= interval.high for interval in found])
    claimed = found[0].confidence
    assert covered == pytest.approx(claimed, abs=4 * np.sqrt(claimed * (1 - claimed) / trials))


def test_the_process_is_the_unit_however_many_samples_it_has() -> None:
    # Medians by process: 1, 2, 9. Pooled, the many samples of the third process would give 9.
    table = rows("two-pass", [[1.0, 1.0, 50.0], [2.0], [9.0] * 20])
    found = intervals(table, ["elements"], "nanoseconds").iloc[0]
    assert (found["nanoseconds_median"], found["nanoseconds_low"], found["nanoseconds_high"]) == (2.0, 1.0, 9.0)
    assert (found["confidence"], found["processes"]) == (0.75, 3)


def test_times_are_by_call_by_element_and_in_core_cycles() -> None:
    # 4 calls in 8000 ns: 2000 ns a call, 2 ns an element. 15,000 cycles took 5000 ns: 3 GHz, so 6 cycles an element.
    found = times(rows("two-pass", [[8000.0]] * 6, calls=4), ["algorithm", "elements"], clock_adds=15_000).iloc[0]
    assert found["nanoseconds_per_call_median"] == pytest.approx(2000)
    assert found["nanoseconds_per_element_median"] == pytest.approx(2)
    assert found["core_cycles_per_element_median"] == pytest.approx(6)
    assert found["processes"] == 6


def test_a_disturbance_that_both_contenders_of_a_round_feel_leaves_their_ratio_alone() -> None:
    slow = [[100.0, 300.0, 170.0]] * 6
    fast = [[50.0, 150.0, 85.0]] * 6
    ratios = log_ratios(pd.concat([rows("a", slow), rows("b", fast)]), "a", "b")
    assert len(ratios) == 18
    assert ratios["log_ratio"].to_numpy() == pytest.approx(np.log(2))


def test_a_round_without_one_of_the_contenders_gives_no_ratio() -> None:
    ratios = log_ratios(pd.concat([rows("a", [[4.0, 4.0]]), rows("b", [[2.0]])]), "a", "b")
    assert ratios["round"].tolist() == [0]


def test_ratios_are_taken_by_call() -> None:
    # 800 ns in 4 calls against 100 ns in 1 call.
    both = pd.concat([rows("a", [[800.0]], calls=4), rows("b", [[100.0]])])
    assert log_ratios(both, "a", "b")["log_ratio"].to_numpy() == pytest.approx(np.log(2))


def test_the_speedup_is_over_the_better_rival_with_that_rivals_interval() -> None:
    # Ratios to 100: reload 1.15 ... 1.20 by process, recompute 1.30; the median of the former is 1.175.
    reload = [[100.0 * ratio] for ratio in (1.15, 1.16, 1.17, 1.18, 1.19, 1.20)]
    table = pd.concat([rows("new", [[100.0]] * 6), rows("reload", reload), rows("recompute", [[130.0]] * 6)])
    found = speedups(table, "new", ["recompute", "reload"]).iloc[0]
    assert found["against"] == "reload"
    assert found["speedup_percent_low"] == pytest.approx(15)
    assert found["speedup_percent_high"] == pytest.approx(20)
    # Between the two middle ratios, on the scale of logarithms.
    assert found["speedup_percent_median"] == pytest.approx(100 * (np.sqrt(1.17 * 1.18) - 1))
    assert found["confidence"] == pytest.approx(0.96875)


def test_without_a_common_round_there_is_no_speedup() -> None:
    assert speedups(rows("new", [[1.0]]), "new", ["old"]).empty


def simulated(replicas: int, planted: float, seed: int) -> pd.DataFrame:
    """Two equal rivals and a contender that is faster by `planted`; every length is one replica of 7 processes."""
    random = np.random.default_rng(seed)
    shape = (replicas, 7, 5)
    index = pd.MultiIndex.from_product(
        [range(1, replicas + 1), range(7), range(5)], names=["elements", "process", "round"]
    )
    tables = []
    for name, time in (("new", 1e6), ("first", 1e6 * (1 + planted)), ("second", 1e6 * (1 + planted))):
        # 1 % between processes (skewed), 3 % between samples.
        noise = 0.01 * (random.exponential(size=shape[:2])[..., None] - np.log(2)) + 0.03 * random.standard_normal(
            shape
        )
        tables.append(pd.DataFrame({"nanoseconds": (time * np.exp(noise)).ravel()}, index=index).assign(algorithm=name))
    return pd.concat(tables).reset_index().assign(isa="avx2", compiler="gcc", calls=1)


def test_equal_contenders_are_rarely_told_apart() -> None:
    found = speedups(simulated(300, planted=0.0, seed=1), "new", ["first"])
    told_apart = ((found["speedup_percent_low"] > 0) | (found["speedup_percent_high"] < 0)).mean()
    # At most 1 - 98.4 %, give or take four standard errors of 300 trials.
    assert told_apart < 0.016 + 4 * np.sqrt(0.016 * 0.984 / 300)


def test_a_planted_difference_is_found() -> None:
    found = speedups(simulated(100, planted=0.08, seed=2), "new", ["first", "second"])
    assert (found["speedup_percent_low"] > 0).mean() > 0.95
    assert found["speedup_percent_median"].median() == pytest.approx(8, abs=1)


def test_two_equal_rivals_bias_the_speedup_less_than_the_better_of_each_round_would() -> None:
    table = simulated(200, planted=0.0, seed=3)
    found = speedups(table, "new", ["first", "second"])["speedup_percent_median"].mean()
    by_round = table.pivot_table(index=["elements", "process", "round"], columns="algorithm", values="nanoseconds")
    naive = 100 * (by_round[["first", "second"]].min(axis=1) / by_round["new"] - 1).mean()
    assert naive < -1.5
    assert -0.8 < found < 0.1


def test_an_interval_for_one_of_many_comparisons_is_wider() -> None:
    # 1 - 5 %/6 = 99.17 %: of eight processes the outermost (99.22 %); of twelve the second ones (1 - 2 * 13 / 4096).
    assert order_statistics(8, 1 - 0.05 / 6) == (1, pytest.approx(1 - 2**-7))
    assert order_statistics(12, 1 - 0.05 / 6) == (2, pytest.approx(1 - 2 * 13 / 4096))
    assert order_statistics(12)[0] == 3


def test_the_largest_speedup_is_bounded_by_the_largest_bounds_of_any_length() -> None:
    # Length 1: ratios 1.10 to 1.17; length 2: 1.12 to 1.19, with one process at 1.05.
    def at(elements: int, percents: list[float]) -> pd.DataFrame:
        times_ = [[1000 * (1 + percent / 100)] for percent in percents]
        return pd.concat([rows("two-pass", [[1000]] * 8, elements), rows("three-pass-reload", times_, elements)])

    both = pd.concat([at(1, [10, 11, 12, 13, 14, 15, 16, 17]), at(2, [5, 13, 14, 15, 16, 17, 18, 19])])
    (found,) = largest_speedups(both, "two-pass", ["three-pass-reload"]).to_dict("records")
    assert found["elements"] == 2
    assert found["speedup_percent_median"] == pytest.approx(100 * ((1.15 * 1.16) ** 0.5 - 1))
    assert found["speedup_percent_low"] == pytest.approx(10)  # of length 1: the largest speedup is at least that
    assert found["speedup_percent_high"] == pytest.approx(19)
    assert found["confidence"] == pytest.approx(1 - 2 * 2**-7)


def test_the_interval_of_the_largest_holds_for_the_largest_of_many_equal_lengths() -> None:
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        noise = np.exp(random.normal(0, 0.02, (5, 8)))
        tables = [
            pd.concat([
                rows("two-pass", [[1e6]] * 8, n + 1),
                rows("three-pass-reload", [[1.2e6 * x] for x in noise[n]], n + 1),
            ])
            for n in range(5)
        ]  # fmt: skip
        (found,) = largest_speedups(pd.concat(tables), "two-pass", ["three-pass-reload"]).to_dict("records")
        covered += found["speedup_percent_low"] <= 20 <= found["speedup_percent_high"]
    assert covered >= 0.95 * 200  # the median alone would lie above 20 nearly always
