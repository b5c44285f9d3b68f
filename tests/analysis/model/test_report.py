"""The model in words: how far off it is, what limits each pass, and what is missed comes first."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.model import calibrate, in_core, report
from analysis.model.calibrate import ALGORITHM, PASS, SPEEDUP


def table(off=0.01, inside=8):
    rows = [
        {"kind": kind, "isa": isa, "region": "memory", "measured": 1.0, "expected": 1 + off, "expected_isa": 1.02}
        | {"low": 0.5 if place < inside else 2.0, "high": 3.0}
        for kind in (ALGORITHM, PASS, SPEEDUP)
        for isa in calibrate.ISAS
        for place in range(10)
    ]
    return pd.DataFrame(rows)


def test_errors_and_coverage_are_told_of_times_and_of_speedups():
    page = report.validation(calibrate.load(), table())
    assert "Not met of what was asked: nothing." in page
    assert "| times of algorithms | 20 | 1.0 % | 2.0 % | 80 % |" in page
    assert "| speedups | 20 | 1.0 points | 2.0 points | 80 % |" in page


@pytest.mark.parametrize(
    ("made", "words"),
    (
        (table(off=0.08), "times of passes are off by 8.0 %, asked at most 7"),
        (table(off=0.06), "speedups out of cache, AVX512F are off by 6.0 points, asked at most 5"),
        (table(inside=10), "100 % of speedups in the bands, asked 70 to 90"),
    ),
)
def test_what_is_not_met_comes_first(made, words):
    assert words in report.validation(calibrate.load(), made).splitlines()[1]


def test_what_is_recorded_meets_what_was_asked_and_is_what_the_page_says():
    recorded = calibrate.load()
    made = pd.read_csv(in_core.RECORDED.with_name("validation.csv"))
    page = in_core.RECORDED.with_name("validation.md").read_text()
    assert report.validation(recorded, made) == page
    assert "Not met of what was asked: nothing." in page
    far = made[(made["kind"] == SPEEDUP) & (made["region"] == "memory")]
    errors = np.log(far["expected"] / far["measured"])
    assert sorted(recorded.errors[SPEEDUP]["memory"]) == pytest.approx(sorted(errors), abs=1e-3)


def test_the_page_has_a_table_and_a_paragraph_a_machine():
    page = report.explanation({}, "what validation says")
    assert "Predictions, not measurements: no claim is judged by them" in page
    assert page.count("(model)") == 4
    for words in ("**skylake-x.**", "**broadwell.**", "**zen2.**", "28 %", "what validation says"):
        assert words in page
    assert "ext_sum would have to take" in page


def test_a_band_that_is_too_wide_is_told(monkeypatch):
    monkeypatch.setattr(report, "BAND_TARGET", 1)
    assert ", wider than ± 1 |" in report.explanation({}, "")


def test_a_calibration_is_told_by_its_machine_and_runs():
    other = dataclasses.replace(calibrate.load(), machine="elsewhere", runs=["one"])
    assert report.validation(other, table()).startswith("By elsewhere, runs one.")
