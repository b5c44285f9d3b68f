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
    return "zen2", "zen2", forecast.table("zen2"), [MACHINES / "zen2.yaml"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where nothing is sealed yet."""
    monkeypatch.setattr(sealed, "FOLDER", tmp_path / "sealed")
    return sealed.FOLDER


def test_a_sealed_prediction_says_when_and_of_what_it_was_made(folder, expected):
    file = sealed.seal(*expected)
    content = json.loads(file.read_text())
    read = (
        "results/model/in-core.csv",
        "results/model/validation.csv",
        "results/model/algorithms.json",
        "config/machines/zen2.yaml",
    )
    assert tuple(content["inputs"]) == read
    assert len(content["code"]) == 64 and content["sealed"].endswith("+00:00")
    its = sealed.load(file)
    assert (its.machine, its.when, len(its.expected)) == ("zen2", content["sealed"], len(expected[2]))


def test_what_was_sealed_is_not_changed(folder, expected):
    file = sealed.seal(*expected)
    before = file.read_bytes()
    with pytest.raises(HarnessError, match=r"zen2\.json: is sealed already"):
        sealed.seal(*expected)
    assert file.read_bytes() == before


def test_something_damaged_is_one_clear_line(tmp_path):
    (tmp_path / "zen2.json").write_text("{")
    with pytest.raises(HarnessError, match="is no sealed prediction"):
        sealed.load(tmp_path / "zen2.json")


@pytest.mark.parametrize("name", forecast.predicted_machines())
def test_the_papers_machines_are_sealed(name):
    its = sealed.load(sealed.FOLDER / f"{name}.json").expected
    assert its["isa"].nunique() == len(forecast.predicted_machines()[name])


EARLY, TOLD = "2000-01-01T00:00:00+00:00", "2000-01-01 00:00 UTC"
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
    table = sealed.scored(exactly(run), run)
    assert len(table) == len(sealed.measured(run))
    assert table["is_inside"].all() and table["error"].abs().max() == pytest.approx(0)


def test_a_wrong_one_is_told_in_points_and_percent(run):
    judged = sealed.judged_by(sealed.Sealed(run.machine.name, EARLY, exactly(run, 1.5)), [run])
    times = judged.score[judged.score["quantity"] == "nanoseconds_per_element"]
    assert times["error"].to_numpy() == pytest.approx(np.full(len(times), 50))
    assert not judged.score["is_inside"].all()
    assert judged.told.startswith(f"{run.machine.name}, gcc, sealed {TOLD}: run {run.name}: ")
    assert "times: median error 50.0 %" in judged.told


def test_a_run_that_started_before_or_of_other_lengths_is_no_judge(run):
    early = sealed.Sealed(run.machine.name, "2999-01-01T00:00:00+00:00", exactly(run))
    assert sealed.judged_by(early, [run]).judge is None
    elsewhere = exactly(run).assign(elements=lambda table: table["elements"] + 1)
    unjudged = sealed.judged_by(sealed.Sealed(run.machine.name, EARLY, elsewhere), [run])
    assert unjudged.score is None and unjudged.told.endswith(": no later run of it yet")


def test_the_first_later_run_is_the_judge_whatever_stands_for_the_machine(run, make_run):
    last = make_run(isas=("avx2",), lengths=LENGTHS, parts=("algorithms",), ended="2026-01-09T09:00:00+00:00")
    content = json.loads((last / "run.json").read_text())
    (last / "run.json").write_text(json.dumps(content | {"started": "2026-01-09T08:00:00+00:00"}))
    its = sealed.Sealed(run.machine.name, EARLY, exactly(run))
    assert sealed.judged_by(its, [load_run(last), run]).judge.name == run.name
    later = sealed.Sealed(run.machine.name, "2026-01-02T00:00:00+00:00", exactly(run))
    assert sealed.judged_by(later, [run, load_run(last)]).judge.name == last.name


def test_only_lengths_that_were_sealed_are_judged(run):
    table = sealed.scored(exactly(run, lengths=[8192, 30_000]), run)
    assert set(table["elements"]) == {8192, 30_000}


@pytest.fixture
def known(run, monkeypatch):
    """A run whose variants are known, as its loops are, which are returned too."""
    used = {name for names in run.algorithms.values() for name in names}
    chosen = {"compiler": run.primary, "isa": "avx2", "variant": "u4k1", "chosen": True}
    code = dict(zip(in_core.CODE, (*in_core.of_run(run), run.primary, "avx2"), strict=True))
    ends = {"variant": "u4k1", "cycles_low": 6.0, "cycles_high": 7.0}
    loops = pd.DataFrame([{**code, **ends, "pass": name} for name in used])
    monkeypatch.setattr(in_core, "load", lambda: loops)
    return dataclasses.replace(run, tuning=tuple({**chosen, "pass": name} for name in used)), loops


def test_a_machine_that_has_runs_is_sealed_at_lengths_that_none_of_them_has(known):
    table = sealed.of_runs([known[0]], [7_500_000, 130_000])
    assert set(table["elements"]) == {7_500_000, 130_000} and (table["low"] <= table["high"]).all()
    with pytest.raises(HarnessError, match="a run has 8192 elements already"):
        sealed.of_runs([known[0]], [7_500_000, 8192])


def test_of_a_run_without_recorded_loops_nothing_is_sealed(known, monkeypatch):
    monkeypatch.setattr(in_core, "load", lambda: known[1].assign(kernels="others"))
    with pytest.raises(HarnessError, match="no loops of its kernels are recorded"):
        sealed.of_runs([known[0]], [7_500_000])


def test_a_compiler_that_no_run_has_is_sealed_at_any_length_by_its_own_loops(known):
    run, loops = known
    slower = loops.assign(compiler="zig", kernels="others", cycles_low=60.0, cycles_high=70.0)
    ours, theirs = sealed.of_runs([run], [1001]), sealed.of_runs([run], [1000, 1001], slower)
    assert set(theirs["compiler"]) == {"zig"} and set(theirs["elements"]) == {1000, 1001}
    now, then = (its[its["elements"] == 1001].set_index("algorithm")["median"] for its in (ours, theirs))
    assert then["two-pass"] > 5 * now["two-pass"]


def test_what_was_sealed_is_scored_in_a_table_a_figure_and_the_page(make_run, folder, tmp_path, monkeypatch):
    here = {"machine": "amd-epyc-25-1", "isas": ("avx2",), "lengths": LENGTHS, "parts": ("algorithms", "passes")}
    run = load_run(make_run(**here))
    monkeypatch.setattr(sealed, "is_evidence", lambda machine, run: True)
    monkeypatch.setattr(forecast, "predicted_machines", dict)
    file = sealed.seal("amd-epyc-25-1", "amd-epyc-25-1-gcc", exactly(run, 1.2), [])
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sealed": EARLY}))
    output, results = tmp_path / "predicted", run.folder.parents[2]
    assert main("analysis.model", ["predict", "--results", str(results), "--output", str(output)]) == 0
    scored = pd.read_csv(output / "amd-epyc-25-1-gcc" / "sealed.csv")
    assert set(scored["elements"]) == set(LENGTHS) and not scored["is_inside"].all()
    words = f"amd-epyc-25-1, gcc, sealed {TOLD}: run {run.name}: "
    assert f"- {words}" in (output / "model.md").read_text()
    assert (output / "amd-epyc-25-1-gcc" / "model.png").exists()
