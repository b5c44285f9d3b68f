"""The model in words: errors by what was fitted, and why one ISA gains more than another."""

from pathlib import Path

import pandas as pd
import pytest

import analysis
from analysis.model import calibrate, report
from analysis.model.calibrate import Comparison
from harness.record.samples import load_run
from harness.statistics import selection
from harness.statistics.ratios import speedups

RESULTS = Path(analysis.__file__).parents[1] / "results"


def compared(isa, rows):
    return Comparison(isa, {}, pd.DataFrame(rows), 0.1, 0.1)


def row(isa, compiler, fitted, error, inside):
    time, expected = 1.0, 1 + error / 100
    low, high = (0.5, 1.5) if inside else (2.0, 3.0)
    return {
        **{
            "isa": isa,
            "compiler": compiler,
            "pass": "",
            "fitted": fitted,
            "nanoseconds_per_element": time,
            "error_percent": error,
        },
        **{"expected_nanoseconds_per_element": expected},
        **{"low_nanoseconds_per_element": low, "high_nanoseconds_per_element": high},
    }


def test_errors_and_coverage_are_told_by_what_the_fit_saw():
    recorded = calibrate.load()
    rows = [row("avx2", "gcc", True, 1, True), row("avx2", "gcc", False, -3, True), row("avx2", "gcc", False, 5, False)]
    rows += [row("avx2", "clang", False, 9, False), row("avx512f", "gcc", False, 2, True)]
    found = report.parts(compared("avx2", rows), recorded).set_index("part")
    assert found["times"].to_dict() == {
        "fitted": 1, "other lengths": 2, "another compiler": 1, "another ISA": 1, report.HELD_OUT: 4,
    }  # fmt: skip
    assert found.loc["other lengths", "median_error_percent"] == 4
    assert found.loc["other lengths", "coverage_percent"] == 50
    assert found.loc[report.HELD_OUT, "coverage_percent"] == 50


def test_passes_that_are_near_hide_no_algorithm_that_is_far():
    rows = [{**row("avx2", "gcc", False, 1, True), "pass": "max"}] * 9 + [row("avx2", "gcc", False, 50, False)]
    found = report.parts(compared("avx2", rows), calibrate.load())
    held_out = found[found["part"] == report.HELD_OUT].set_index("kind")
    assert held_out["coverage_percent"].to_dict() == {"passes": 100, "algorithms": 0}


def test_speedups_are_compared_out_of_cache_and_within_rounds(make_run):
    run = load_run(make_run(isas=("avx2",), parts=("algorithms",)))

    def times(elements, three, two):
        expected = {"three-pass-recompute": three + 1, "three-pass-reload": three, "two-pass": two}
        keys = {"isa": "avx2", "compiler": "gcc", "pass": "", "elements": elements, "fitted": False}
        return [{**keys, "algorithm": name, "expected_nanoseconds_per_element": t} for name, t in expected.items()]

    found = report.speedup_errors(compared("avx2", times(4096, 1.0, 1.0) + times(56_000_000, 1.2, 0.8)), run)
    assert list(found["elements"]) == [56_000_000]
    measured = speedups(selection.algorithm_rows(run), "two-pass", selection.THREE_PASS).set_index("elements")
    assert found["expected_percent"].iloc[0] == pytest.approx(50)
    assert found["measured_percent"].iloc[0] == measured.loc[56_000_000, "speedup_percent_median"]


def test_what_is_recorded_is_what_the_code_makes_of_the_recorded_run():
    recorded = calibrate.load()
    (folder,) = (RESULTS / "recorded" / recorded.machine).glob(recorded.run)
    found = calibrate.compare(load_run(folder), recorded.fitted_isa)
    assert found.values == pytest.approx(recorded.values, rel=0.02)
    assert (found.spread, found.held_out_spread) == pytest.approx((recorded.spread, recorded.held_out_spread), rel=0.02)


def test_the_page_says_what_limits_each_pass_and_what_would_change_it():
    page = report.explanation()
    assert "Predictions, not measurements: no claim is judged by them" in page
    for words in (
        "### skylake-x, AVX512F",
        "### broadwell, AVX2",
        "twice the bandwidth of memory",
        "ext_scale",
        "28 %",
    ):
        assert words in page
    assert page.count("(model)") == 4
