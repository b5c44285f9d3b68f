"""Calibration: what was put in comes out, blocks are held out, and bands hold what they say."""

import dataclasses
import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from analysis.model import calibrate
from analysis.model.calibrate import ALGORITHM, BLOCK, IN_CORE, LONE_STORE, PASS, SPEEDUP, Comparison
from harness.record.errors import HarnessError
from harness.record.samples import load_run
from harness.statistics import selection


def comparison(blocks, off, kinds=(ALGORITHM, SPEEDUP)):
    """Rows of these blocks, 20 of each kind, each off by what `off` says of (choice, block)."""
    made = [{**dict(zip(BLOCK, block, strict=True)), "kind": kind} for block in blocks for kind in kinds]
    rows = [row for row in made for _ in range(20)]
    errors = np.array([[off(choice, row) for row in rows] for choice in range(len(IN_CORE))])
    return Comparison(pd.DataFrame(rows).assign(measured=1.0), errors)


BLOCKS = [("gcc", "avx2", "memory"), ("clang", "avx2", "memory"), ("gcc", "avx512f", "memory"), ("gcc", "avx2", "L2")]


def test_the_choice_that_is_nearest_is_fitted_and_speedups_do_not_decide():
    wanted = 500
    made = comparison(BLOCKS, lambda choice, row: (choice != wanted) / 2 if row["kind"] == ALGORITHM else choice)
    assert made.fit(np.ones(len(made.table), bool)) == wanted


def test_where_times_do_not_tell_the_place_is_the_likely_one():
    made = comparison(BLOCKS, lambda choice, row: abs(LONE_STORE[choice, 0] - 2))
    assert IN_CORE[made.fit(np.ones(len(made.table), bool)), 0] == pytest.approx(calibrate.LIKELY)
    assert LONE_STORE[made.fit(np.ones(len(made.table), bool)), 0] == pytest.approx(2)


def test_a_block_is_judged_by_a_fit_that_did_not_see_it():
    # Clang alone asks for choice 3, all others for choice 7: whoever is held out is judged by the others.
    def off(choice, row):
        return 0.0 if choice == (3 if row["compiler"] == "clang" else 7) else 1.0

    made = comparison(BLOCKS, off)
    errors = made.held_out(BLOCK)
    clang = (made.table["compiler"] == "clang").to_numpy()
    assert (errors[clang] == 1).all() and (errors[~clang] == 0).all()


def test_a_band_holds_as_many_as_it_says_of_what_comes_next():
    random = np.random.default_rng(3)
    inside = [abs(random.normal()) <= calibrate.half_width(random.normal(size=40)) for _ in range(4000)]
    assert 0.78 < np.mean(inside) < 0.83
    assert calibrate.half_width([0.1, 0.2, 0.3, 0.4]) == 0.4
    assert calibrate.half_width([0.1, 0.2]) == np.inf


def test_a_band_is_as_wide_as_the_errors_of_other_blocks_of_its_kind_and_region():
    made = comparison(BLOCKS, lambda choice, row: 0.0)
    errors = np.where(made.table["kind"] == SPEEDUP, 0.1, 0.2) * np.where(made.table["compiler"] == "clang", 3, 1)
    table = made.table.assign(width=calibrate.half_widths(made.table, errors))
    widths = table.groupby([*BLOCK, "kind"])["width"].first()
    assert widths["clang", "avx2", "memory", SPEEDUP] == pytest.approx(0.1)
    assert widths["gcc", "avx2", "memory", ALGORITHM] == pytest.approx(0.6)
    assert widths["gcc", "avx2", "L2", ALGORITHM] == np.inf


def test_all_that_a_run_measured_is_compared(make_run):
    table = calibrate.measured(load_run(make_run(parts=("algorithms", "passes"))))
    assert set(table["kind"]) == {SPEEDUP, ALGORITHM, PASS} and set(table["isa"]) == set(calibrate.ISAS)
    assert set(table.loc[table["kind"] == ALGORITHM, "name"]) == {*selection.THREE_PASS, selection.TWO_PASS}
    assert (table["measured"] > 0).all() and not table.duplicated([*table.columns[:-1]]).any()


def test_runs_are_compared_with_every_choice(make_run):
    lengths = (1000, 50_000, 1_500_000, 56_000_000)
    run = load_run(make_run(isas=("avx2",), lengths=lengths, parts=("algorithms", "passes")))
    used = {name for names in run.algorithms.values() for name in names}
    chosen = {"compiler": run.primary, "isa": "avx2", "variant": "u4k1", "chosen": True}
    runs = [dataclasses.replace(run, tuning=tuple({**chosen, "pass": name} for name in used))]
    made = calibrate.compare(runs)
    assert made.errors.shape == (len(IN_CORE), len(made.table))
    assert np.abs(made.errors[made.fit(np.ones(len(made.table), bool))]).mean() < 1
    found = calibrate.calibrate(runs, made)
    assert found.runs == [runs[0].name] and set(found.errors) == {SPEEDUP, ALGORITHM}


def test_a_calibration_survives_its_file(tmp_path):
    recorded, file = calibrate.load(), tmp_path / "calibration.json"
    file.write_text(json.dumps(asdict(recorded)))
    assert calibrate.load(file) == recorded


@pytest.mark.parametrize(("content", "words"), (("{", "is no calibration"), ('{"run": "x"}', "is no calibration: ")))
def test_a_damaged_calibration_is_one_clear_line(tmp_path, content, words):
    file = tmp_path / "calibration.json"
    file.write_text(content)
    with pytest.raises(HarnessError, match=words) as caught:
        calibrate.load(file)
    assert "\n" not in str(caught.value)
    with pytest.raises(HarnessError, match="No such file or directory"):
        calibrate.load(tmp_path / "none.json")
