"""Which algorithm is advised, ties, and what one algorithm costs everywhere."""

import dataclasses

import pytest

from harness.reading.advice import advice, advised, nearest, regrets
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows
from tests.harness.reading.test_frontier import TIMES, body_of, exact, floor

__all__ = ["floor"]


def of(run, processes=7):
    return Evidence((exact(run, processes=processes),))


def test_what_no_more_than_the_noise_floor_tells_apart_is_tied(full_run):
    table = advice(of(full_run)).set_index("elements")
    assert table.loc[1024, ["fastest", "ties"]].tolist() == ["two-pass", "three-pass-reload"]
    assert table.loc[1 << 25, ["fastest", "ties"]].tolist() == ["two-pass-nt", ""]
    assert table.loc[1 << 25, "papers_best"] == "two-pass"


def test_one_process_tells_nothing_apart(full_run):
    table = advice(of(full_run, processes=1)).set_index("elements")
    assert table.loc[1 << 25, "ties"] == "two-pass three-pass-reload"


def test_the_regret_of_one_algorithm_is_its_worst_and_its_geometric_mean(full_run):
    table = regrets(of(full_run)).set_index("algorithm")
    assert table.loc["two-pass", "worst_percent_median"] == pytest.approx(50)
    assert table.loc["two-pass", "worst_elements"] == 1 << 25
    assert table.loc["two-pass", "mean_percent"] == pytest.approx(100 * (1.5**0.5 - 1))
    assert table.loc["two-pass-nt", "mean_percent"] == pytest.approx(100 * (1.2**0.5 - 1))


@pytest.mark.parametrize(
    ("elements", "told_by"), [(1024, (1024,)), (2000, (1024, 16384)), (3, (1024,)), (10**9, (1 << 25,))]
)
def test_a_length_between_two_is_told_by_both(elements, told_by):
    assert nearest([1 << 25, 1024, 16384], elements) == told_by


def test_advice_for_a_length_says_what_to_use_for_each_fate_of_the_output(full_run):
    run = exact(full_run)
    (line,) = advised(Evidence((run,)), 1 << 25, ["cold"], None, 1)
    assert line == (
        "AVX2, cold output, 33,554,432 elements: use Two-Pass, past the caches; the paper's best, Two-Pass, takes "
        "50.0 % [50.0, 50.0] longer"
    )
    between = advised(Evidence((run,)), 5000, ["cold"], "avx2", 1)
    assert [text.split(": ")[0] for text in between] == [
        f"AVX2, cold output, {elements} elements" for elements in ("1,024", "33,554,432")
    ]
    assert "as fast: Three-Pass, reloading" in between[0]
    with pytest.raises(MissingRows, match="no rows of the frontier of AVX2, warm output"):
        advised(Evidence((run,)), 1024, ["warm"], "avx2", 1)
    assert advised(Evidence((run,)), 1 << 25, [], None, 1) == [line], "of a warm output nothing was measured"
    with pytest.raises(MissingRows, match="no rows of the frontier of AVX2, cold output with 7 threads"):
        advised(Evidence((run,)), 1024, [], "avx2", 7)
    (*_, doubt) = advised(Evidence((dataclasses.replace(run, controls={}),)), 1024, ["cold"], None, 1)
    assert doubt == "nothing is decided: the run has no null test"


def test_advice_is_that_of_all_runs(full_run):
    loud = TIMES | {"two-pass-nt": (12.0, 12.0)}
    table = advice(body_of(full_run, loud, *[TIMES] * 5)).set_index("elements")
    assert table.loc[1 << 25, "fastest"] == "two-pass-nt" and table.loc[1 << 25, "runs"] == 6
    assert "two-pass-nt" not in advice(body_of(full_run, TIMES, TIMES)).set_index("elements").loc[1024, "ties"]
    costs = regrets(body_of(full_run, *[TIMES] * 3)).set_index("algorithm")
    assert costs.loc["two-pass", "worst_percent_median"] == pytest.approx(50, abs=0.01)
    assert (costs["runs"] == 3).all()
