"""Runs against each other."""

import dataclasses

import pytest

from analysis.tables.repeatability import agreement, differences, each_run, pairs
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows
from harness.record.samples import load_run
from tests.planted import body_of_evidence


@pytest.fixture(scope="module")
def one(make_module_run):
    return load_run(make_module_run(isas=("avx2",), processes=8, parts=("algorithms", "controls")))


def test_each_run_is_held_against_all_pooled(one):
    table = each_run(Evidence.of(body_of_evidence(one, (0, 3, 6))))
    by_run = table.groupby("run")["difference_percent_median"].mean()
    # The middle one is as all pooled; 3 % of 1.03 and of 1.06 are 2.9 %.
    assert by_run.to_numpy() == pytest.approx([-2.9, 0, 2.9], abs=0.15)
    assert len(table) == 9 and set(table["agrees"]) == {True}
    assert (table["over_processes_speedup_percent_high"] < table["speedup_percent_high"]).all()


def test_runs_that_differ_more_than_their_processes_agree_only_where_that_is_known(one):
    body = Evidence.of(body_of_evidence(one, (0, 12, 6)))
    found = pairs(each_run(body), [run.name for run in body.runs])
    assert found[["first", "second"]].to_numpy().tolist() == [
        ["quick-000000000000", "quick-000000000001"],
        ["quick-000000000000", "quick-000000000002"],
        ["quick-000000000001", "quick-000000000002"],
    ]
    worst = found.iloc[0]
    assert (worst["points"], worst["agree"], worst["agree_over_processes"]) == (3, 3, 0)
    assert worst["largest_difference_percent"] == pytest.approx(12, abs=0.2)
    assert agreement(body) == (3, 3)


def test_differences_begin_with_the_largest(one):
    body = Evidence.of(body_of_evidence(one, (0, 3)))
    found = differences(each_run(body), *(run.name for run in body.runs))["difference_percent"].abs()
    assert found.is_monotonic_decreasing and found.iloc[0] == pytest.approx(3, abs=0.2)


def test_a_run_without_a_length_of_whole_algorithms_is_left_out_of_what_runs_show(one):
    body = body_of_evidence(one, (0, 3, 6))
    rows = body[2].samples
    few = dataclasses.replace(body[2], samples=rows[rows["experiment"] != "algorithms"])
    assert set(each_run(Evidence.of([*body[:2], few]))["run"]) == {run.name for run in body[:2]}


def test_one_run_has_nothing_to_be_held_against(one):
    with pytest.raises(MissingRows):
        each_run(Evidence((one,)))
