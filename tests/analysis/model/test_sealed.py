"""What was sealed stays as it was, and only a later run is its judge."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from analysis.model import forecast, in_core, sealed
from harness.reading.command_line import main
from harness.record.errors import HarnessError
from harness.record.machines import MACHINES
from harness.record.samples import load_run


@pytest.fixture(scope="module")
def expected():
    return forecast.table("zen2"), [MACHINES / "zen2.yaml"]


def test_a_sealed_prediction_says_when_and_of_what_it_was_made(tmp_path, expected):
    file = sealed.seal("zen2", *expected, tmp_path)
    content = json.loads(file.read_text())
    read = (
        "results/model/in-core.csv",
        "results/model/validation.csv",
        "results/model/algorithms.json",
        "config/machines/zen2.yaml",
    )
    assert tuple(content["inputs"]) == read
    assert len(content["code"]) == 64 and content["sealed"].endswith("+00:00")
    when, table = sealed.load(file)
    assert when == content["sealed"] and len(table) == len(expected[0])


def test_what_was_sealed_is_not_changed(tmp_path, expected):
    file = sealed.seal("zen2", *expected, tmp_path)
    before = file.read_bytes()
    with pytest.raises(HarnessError, match=r"zen2\.json: is sealed already"):
        sealed.seal("zen2", *expected, tmp_path)
    assert file.read_bytes() == before


def test_something_damaged_is_one_clear_line(tmp_path):
    (tmp_path / "zen2.json").write_text("{")
    with pytest.raises(HarnessError, match="is no sealed prediction"):
        sealed.load(tmp_path / "zen2.json")


@pytest.mark.parametrize("name", forecast.predicted_machines())
def test_the_papers_machines_are_sealed(name):
    assert sealed.load(sealed.FOLDER / f"{name}.json")[1]["isa"].nunique() == len(forecast.predicted_machines()[name])


EARLY = "2000-01-01T00:00:00+00:00"
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
    table = sealed.score((EARLY, exactly(run)), run)
    assert len(table) == len(sealed.measured(run))
    assert table["is_inside"].all() and table["error"].abs().max() == pytest.approx(0)


def test_a_wrong_one_is_told_in_points_and_percent(run):
    judged = sealed.judge(run.machine.name, (EARLY, exactly(run, 1.5)), [run.folder])
    times = judged[1][judged[1]["quantity"] == "nanoseconds_per_element"]
    assert times["error"].to_numpy() == pytest.approx(np.full(len(times), 50))
    assert not judged[1]["is_inside"].all()
    words = sealed.told(judged)
    assert words.startswith(f"run {run.name}: ") and "times: median error 50.0 %" in words


def test_a_run_that_started_before_or_of_other_lengths_is_no_judge(run):
    assert sealed.judge(run.machine.name, ("2999-01-01T00:00:00+00:00", exactly(run)), [run.folder]) is None
    elsewhere = exactly(run).assign(elements=lambda table: table["elements"] + 1)
    assert sealed.judge(run.machine.name, (EARLY, elsewhere), [run.folder]) is None
    assert sealed.told(None) == "no later run of it yet"


def test_only_lengths_that_were_sealed_are_judged(run):
    table = sealed.score((EARLY, exactly(run, lengths=[8192, 30_000])), run)
    assert set(table["elements"]) == {8192, 30_000}


def test_a_machine_that_has_runs_is_sealed_at_lengths_that_none_of_them_has(run, monkeypatch):
    used = {name for names in run.algorithms.values() for name in names}
    chosen = {"compiler": run.primary, "isa": "avx2", "variant": "u4k1", "chosen": True}
    known = dataclasses.replace(run, tuning=tuple({**chosen, "pass": name} for name in used))
    code = dict(zip(in_core.CODE, (*in_core.of_run(run), run.primary, "avx2"), strict=True))
    ends = {"variant": "u4k1", "cycles_low": 6.0, "cycles_high": 7.0}
    loops = pd.DataFrame([{**code, **ends, "pass": name} for name in used])
    monkeypatch.setattr(in_core, "load", lambda: loops)
    table = sealed.of_runs([known], [7_500_000, 130_000])
    assert set(table["elements"]) == {7_500_000, 130_000} and (table["low"] <= table["high"]).all()
    with pytest.raises(HarnessError, match="a run has 8192 elements already"):
        sealed.of_runs([known], [7_500_000, 8192])


def test_what_was_sealed_is_scored_in_a_table_a_figure_and_the_page(make_run, tmp_path, monkeypatch):
    folder = make_run(machine="amd-epyc-25-1", isas=("avx2",), lengths=LENGTHS, parts=("algorithms", "passes"))
    run = load_run(folder)
    monkeypatch.setattr(sealed, "FOLDER", tmp_path / "sealed")
    monkeypatch.setattr(sealed, "is_evidence", lambda machine, run: True)
    monkeypatch.setattr(forecast, "predicted_machines", dict)
    sealed.seal("amd-epyc-25-1", exactly(run, 1.2), [], sealed.FOLDER)
    content = json.loads((sealed.FOLDER / "amd-epyc-25-1.json").read_text()) | {"sealed": EARLY}
    (sealed.FOLDER / "amd-epyc-25-1.json").write_text(json.dumps(content))
    output = tmp_path / "predicted"
    assert main("analysis.model", ["predict", "--results", str(folder.parents[2]), "--output", str(output)]) == 0
    scored = pd.read_csv(output / "amd-epyc-25-1" / "sealed.csv")
    assert set(scored["elements"]) == set(LENGTHS) and not scored["is_inside"].all()
    words = f"amd-epyc-25-1, sealed {EARLY}: run {run.name}: "
    assert f"- {words}" in (output / "model.md").read_text()
    assert (output / "amd-epyc-25-1" / "model.png").exists()
