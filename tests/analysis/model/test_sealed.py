"""What was sealed stays as it was, and only a later run is its judge."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from analysis.model import forecast, sealed
from harness.record.errors import HarnessError
from harness.record.samples import load_run


@pytest.fixture(scope="module")
def expected():
    return sealed.of_machine("zen2")


def test_a_sealed_prediction_says_when_and_of_what_it_was_made(tmp_path, expected):
    file = sealed.seal("zen2", *expected, tmp_path)
    content = json.loads(file.read_text())
    read = ("results/model/in-core.csv", "results/model/calibration.json", "config/machines/zen2.yaml")
    assert tuple(content["inputs"]) == read
    assert len(content["code"]) == 64 and content["sealed"].endswith("+00:00")
    when, table = sealed.load("zen2", tmp_path)
    assert when == content["sealed"] and len(table) == len(expected[0])


def test_what_was_sealed_is_not_changed(tmp_path, expected):
    file = sealed.seal("zen2", *expected, tmp_path)
    before = file.read_bytes()
    with pytest.raises(HarnessError, match=r"zen2\.json: is sealed already"):
        sealed.seal("zen2", *expected, tmp_path)
    assert file.read_bytes() == before


def test_nothing_sealed_and_something_damaged(tmp_path):
    assert sealed.load("zen2", tmp_path) is None
    (tmp_path / "zen2.json").write_text("{")
    with pytest.raises(HarnessError, match="is no sealed prediction"):
        sealed.load("zen2", tmp_path)


@pytest.mark.parametrize("name", forecast.predicted_machines())
def test_the_papers_machines_are_sealed(name):
    assert sealed.load(name)[1]["isa"].nunique() == len(forecast.predicted_machines()[name])


LENGTHS = (1000, 8192, 30_000, 50_000, 1_500_000, 56_000_000)


@pytest.fixture
def run(make_run):
    return load_run(make_run(isas=("avx2",), lengths=LENGTHS, parts=("algorithms", "passes")))


def exactly(run, factor=1.0, lengths=None):
    """A prediction that is right but for a factor, at all lengths of a run or at some."""
    found = sealed.measured(run)
    found = found if lengths is None else found[found["elements"].isin(lengths)]
    middle = found["measured"] * factor
    return found.drop(columns="measured").assign(median=middle, low=middle - 0.05, high=middle + 0.05)


def test_a_right_prediction_is_inside_and_off_by_nothing(run):
    table = sealed.score(("2000-01-01T00:00:00+00:00", exactly(run)), run)
    assert len(table) == len(sealed.measured(run))
    assert table["is_inside"].all() and table["error"].abs().max() == pytest.approx(0)


def test_a_wrong_one_is_told_in_points_and_percent(run):
    table = sealed.score(("2000-01-01T00:00:00+00:00", exactly(run, 1.5)), run)
    times = table[table["quantity"] == "nanoseconds_per_element"]
    assert times["error"].to_numpy() == pytest.approx(np.full(len(times), 50))
    assert not table["is_inside"].all()
    words = sealed.told(("2000-01-01T00:00:00+00:00", exactly(run, 1.5)), run)
    assert words.startswith(f"run {run.name}: ") and "times: median error 50.0 %" in words


def test_a_run_that_started_before_is_no_judge(run):
    assert sealed.score(("2999-01-01T00:00:00+00:00", exactly(run)), run).empty
    assert sealed.told(("2999-01-01T00:00:00+00:00", exactly(run)), run) == "no later run of it yet"
    assert sealed.told(("2999-01-01T00:00:00+00:00", exactly(run)), None) == "no later run of it yet"


def test_only_lengths_near_a_sealed_one_are_judged(run):
    table = sealed.score(("2000-01-01T00:00:00+00:00", exactly(run, lengths=[8192, 30_000])), run)
    assert set(table["elements"]) == {8192, 30_000}
    shifted = exactly(run, lengths=[30_000]).assign(elements=33_000)
    assert set(sealed.score(("2000-01-01T00:00:00+00:00", shifted), run)["elements"]) == {30_000}


def test_a_machine_that_has_runs_is_sealed_at_lengths_of_ones_choice(run):
    used = {name for names in run.algorithms.values() for name in names}
    chosen = {"compiler": run.primary, "isa": "avx2", "variant": "u4k1", "chosen": True}
    known = dataclasses.replace(run, tuning=tuple({**chosen, "pass": name} for name in used))
    table, made_of = sealed.of_runs([known], [7_500_000, 130_000])
    assert set(table["elements"]) == {7_500_000, 130_000} and made_of == [run.folder / "run.json"]
    assert isinstance(table, pd.DataFrame) and (table["low"] <= table["high"]).all()
