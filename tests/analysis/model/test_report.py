"""The model in words: errors by what was fitted, and why one ISA gains more than another."""

import pandas as pd
import pytest

from analysis.model import calibrate, report
from analysis.rows import load_run


def row(isa, compiler, fitted, error, inside):
    time, expected = 1.0, 1 + error / 100
    low, high = (0.5, 1.5) if inside else (2.0, 3.0)
    return {
        **{"isa": isa, "compiler": compiler, "fitted": fitted, "nanoseconds_per_element": time, "error_percent": error},
        **{"expected_nanoseconds_per_element": expected},
        **{"low_nanoseconds_per_element": low, "high_nanoseconds_per_element": high},
    }


def test_errors_and_coverage_are_told_by_what_the_fit_saw():
    recorded = calibrate.load()
    rows = [row("avx2", "gcc", True, 1, True), row("avx2", "gcc", False, -3, True), row("avx2", "gcc", False, 5, False)]
    rows += [row("avx2", "clang", False, 9, False), row("avx512f", "gcc", False, 2, True)]
    found = report.parts(pd.DataFrame(rows), recorded).set_index("part")
    assert found["times"].to_dict() == {
        "fitted": 1, "other lengths": 2, "another compiler": 1, "another ISA": 1, "all that was not fitted": 4,
    }  # fmt: skip
    assert found.loc["other lengths", "median_error_percent"] == 4
    assert found.loc["other lengths", "coverage_percent"] == 50
    assert found.loc["all that was not fitted", "coverage_percent"] == 50


def test_speedups_are_compared_out_of_cache_alone(make_run):
    run = load_run(make_run(isas=("avx2",), parts=("algorithms",)))

    def times(elements, three, two, guess):
        names = ("three-pass-recompute", "three-pass-reload", "two-pass")
        return [
            {"isa": "avx2", "compiler": "gcc", "algorithm": name, "pass": "", "elements": elements, "fitted": False,
             "nanoseconds_per_element": t, "expected_nanoseconds_per_element": e}
            for name, t, e in zip(names, (three + 1, three, two), (three + 1, three, guess), strict=True)
        ]  # fmt: skip

    table = pd.DataFrame(times(1000, 1.0, 1.0, 1.0) + times(56_000_000, 1.2, 1.0, 0.8))
    found = report.speedup_errors(table, run)
    assert list(found["elements"]) == [56_000_000]
    assert found["measured_percent"].iloc[0] == pytest.approx(20)
    assert found["error_points"].iloc[0] == pytest.approx(30)


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
