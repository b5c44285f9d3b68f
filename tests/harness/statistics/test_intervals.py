"""Medians with intervals, against answers derived by hand and by simulation."""

import numpy as np
import pandas as pd
import pytest

from harness.statistics.intervals import intervals, order_statistics


def intervals_of(values: np.ndarray) -> pd.DataFrame:
    """The intervals of several groups: values[group, process]."""
    groups, processes = np.indices(np.shape(values))
    rows = pd.DataFrame({"group": groups.ravel(), "process": processes.ravel(), "value": np.ravel(values)})
    return intervals(rows, ["group"], "value").drop(columns="group")


@pytest.mark.parametrize(("count", "confidence"), [(6, 0.96875), (7, 0.984375), (8, 0.9921875)])
def test_six_to_eight_processes_span_from_the_smallest_to_the_largest(count: int, confidence: float) -> None:
    # Both tails: all values above the median, or all below: 2 * 2**-count.
    assert order_statistics(count) == (1, pytest.approx(confidence))


def test_nine_processes_leave_out_the_outermost_on_each_side() -> None:
    # P(at most 1 of 9 below) = (1 + 9) / 512 = 1.95 % a side; with 2 of 9 it would be 46 / 512 = 9 %.
    assert order_statistics(9) == (2, pytest.approx(1 - 2 * 10 / 512))


def test_an_interval_over_five_processes_does_not_claim_95_percent() -> None:
    found = intervals_of([[5.0, 1.0, 4.0, 2.0, 3.0]])
    assert found.iloc[0].to_dict() == {
        "value_median": 3.0, "value_low": 1.0, "value_high": 5.0, "confidence": 0.9375, "processes": 5,
    }  # fmt: skip


def test_one_process_gives_no_confidence_at_all() -> None:
    assert intervals_of([[7.0]]).iloc[0].to_list() == [7.0, 7.0, 7.0, 0.0, 1]


def test_of_an_even_number_of_processes_the_median_is_between_the_two_in_the_middle() -> None:
    assert intervals_of([[4.0, 1.0, 10.0, 2.0], [1.0, 1.0, 2.0, 2.0]])["value_median"].to_list() == [3.0, 1.5]


def test_groups_may_have_different_numbers_of_processes() -> None:
    rows = pd.DataFrame({"group": [1] * 9 + [2], "process": [*range(9), 0], "value": [*range(9, 0, -1), 5.0]})
    found = intervals(rows, ["group"], "value")
    assert found[["value_low", "value_high", "processes"]].to_numpy().tolist() == [[2, 8, 9], [5, 5, 1]]


def test_no_rows_give_no_intervals() -> None:
    assert intervals(pd.DataFrame(columns=["group", "process", "value"], dtype=float), ["group"], "value").empty


def test_no_processes_and_values_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        order_statistics(0)
    with pytest.raises(ValueError, match="not a number"):
        intervals_of([[1.0, float("nan")]])


@pytest.mark.parametrize("count", [3, 5, 6, 7, 8, 9, 12])
def test_intervals_of_skewed_values_cover_the_median_as_often_as_they_claim(count: int) -> None:
    random = np.random.default_rng(count)
    trials = 1500
    # Exponential: the median is log 2; a skewed effect of the process, as a slow page placement is.
    found = intervals_of(random.exponential(size=(trials, count)))
    covered = ((found["value_low"] <= np.log(2)) & (np.log(2) <= found["value_high"])).mean()
    claimed = found["confidence"].iloc[0]
    assert covered == pytest.approx(claimed, abs=4 * np.sqrt(claimed * (1 - claimed) / trials))


def test_the_process_is_the_unit_however_many_samples_it_has() -> None:
    # Medians by process: 1, 2, 9. Pooled, the many samples of the third process would give 9.
    samples = [(process, n) for process, values in enumerate([[1.0, 1.0, 50.0], [2.0], [9.0] * 20]) for n in values]
    table = pd.DataFrame(samples, columns=["process", "nanoseconds"]).assign(elements=1000)
    found = intervals(table, ["elements"], "nanoseconds").iloc[0]
    assert (found["nanoseconds_median"], found["nanoseconds_low"], found["nanoseconds_high"]) == (2.0, 1.0, 9.0)
    assert (found["confidence"], found["processes"]) == (0.75, 3)


def test_an_interval_for_one_of_many_comparisons_is_wider() -> None:
    # 1 - 5 %/6 = 99.17 %: of eight processes the outermost (99.22 %); of twelve the second ones (1 - 2 * 13 / 4096).
    assert order_statistics(8, 1 - 0.05 / 6) == (1, pytest.approx(1 - 2**-7))
    assert order_statistics(12, 1 - 0.05 / 6) == (2, pytest.approx(1 - 2 * 13 / 4096))
    assert order_statistics(12)[0] == 3
