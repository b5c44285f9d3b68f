"""The model in words: how far off it is, what limits each pass, and what is missed comes first."""

import numpy as np
import pandas as pd
import pytest

from analysis.model import in_core, report, validate
from analysis.model.times import Parameters
from analysis.model.validate import ALGORITHM, PASS, SPEEDUP


def table(off=0.01, inside=8, reach=None):
    """`reach`: how far bands by other machines go, as a logarithm; as far as it takes where nothing is said."""
    apart = (1 + off) * np.exp((reach or validate.OTHER_MICROARCHITECTURE * np.log1p(off)) * np.array([-1, 1]))
    rows = [
        {
            "kind": kind,
            "isa": isa,
            "region": "memory",
            "measured": 1.0,
            "expected": 1 + off,
            "machine": machine,
            "run": "one",
        }
        | {"low": 0.5 if place < inside else 2.0, "high": 3.0, "low_apart": apart[0], "high_apart": apart[1]}
        for kind in (ALGORITHM, PASS, SPEEDUP)
        for isa, machine in zip(in_core.VECTORS, ("here", "there"), strict=True)
        for place in range(10)
    ]
    return pd.DataFrame(rows)


def test_errors_and_coverage_are_told_of_times_and_of_speedups():
    told = report.validation(table())
    assert "Not met of what was asked: nothing." in told
    assert "| times of algorithms | 20 | 1.0 % | 1.0, 1.0 | 80 % | 100 % | 1.0 |" in told
    assert "| speedups out of cache, AVX512F | 10 | 1.0 points | 1.0, – | 80 % | 100 % | 1.0 |" in told
    assert "| speedups | 20 | 1.0 points | 1.0, 1.0 | 80 % | 100 % | 1.0 |" in told


def test_where_times_are_off_and_which_factor_another_machine_would_take_are_told():
    told = report.validation(table(off=np.exp(0.2) - 1, reach=0.1))
    assert "(median): here memory +22 %, there memory +22 %." in " ".join(told.split())
    assert f"| 0 % | {0.2 / 0.1 * validate.OTHER_MICROARCHITECTURE:.1f} |" in told


@pytest.mark.parametrize(
    ("made", "words"),
    (
        (table(off=0.08), "times of passes are off by 8.0 %, asked at most 7"),
        (table(off=0.06), "speedups out of cache, AVX512F are off by 6.0 points, asked at most 5"),
        (table(inside=10), "100 % of speedups in the bands, asked 70 to 90"),
    ),
)
def test_what_is_not_met_comes_first(made, words):
    assert words in report.validation(made).splitlines()[0]


def test_what_is_recorded_is_what_the_page_says_and_what_is_not_met_comes_first():
    made = validate.load()[0]
    told = in_core.RECORDED.with_name("validation.md").read_text()
    assert report.validation(made) == told
    assert told.startswith("Not met of what was asked: ")


def test_the_page_has_a_table_and_a_paragraph_a_machine():
    told = report.explanation(["zen2, sealed then: told"], "what is missed\n\nwhat validation says\n")
    assert "\nPredictions, not measurements: no claim is judged by them. what is missed\n" in told
    assert told.count("(model)") == 4 and "by its inputs alone" in told and told.count("/model.svg)") == 3
    for words in (
        "**Skylake-X (Intel Xeon W-2135, recalled).** In AVX512F memory limits both passes",
        "**Broadwell (",
        "**Zen 2 (",
        "28 %",
        "- zen2, sealed then: told",
        "what validation says",
    ):
        assert words in told
    for words in ("For the paper's 18 % ext_sum would have to take", "in the published shape it takes 1."):
        assert words in told


def test_a_band_that_is_too_wide_is_told(monkeypatch):
    monkeypatch.setattr(report, "BAND_TARGET", 1)
    assert ", wider than ± 1 |" in report.explanation([], "")


def test_what_was_chosen_is_told_as_the_model_has_it(monkeypatch):
    monkeypatch.setattr(report, "Parameters", lambda: Parameters(in_core=0.3, lone_store=4.5))
    told = " ".join(report.validation(table()).split())
    assert "loops lie 0.3 of the way" in told and "stores cost 4.5 times the copy loop's" in told


def test_the_runs_are_told():
    assert report.validation(table()).endswith("By runs here/one, there/one.\n")
