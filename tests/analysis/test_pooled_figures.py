"""Figures of several runs together."""

from dataclasses import replace

import matplotlib.style
import pytest

from analysis import figures, style
from analysis.figures.pooled import rising
from harness.reading.evidence import Evidence
from harness.record.samples import load_run
from tests.planted import body_of_evidence


@pytest.fixture(scope="module")
def body(make_module_run):
    run = load_run(make_module_run(isas=("avx2",), processes=8, parts=("algorithms", "controls")))
    return Evidence.of(body_of_evidence(run, (0, 3, 6)))


def drawn(name, body):
    with matplotlib.style.context(style.RC, after_reset=True):
        return figures.load(name).draw(figures.subject(name, body))


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_speedup_has_a_line_for_all_runs_and_a_thin_one_for_each(body):
    figure = drawn("speedup", body)
    assert legend(figure)[:2] == ["3 runs pooled", "each run"]
    thin = [line for line in figure.axes[0].lines if line.get_linewidth() == 0.6 and len(line.get_xdata()) == 3]
    assert len(thin) == 3
    assert "3 runs 2026-01-01 00:00 to 2026-02-20 00:00: " in figure.texts[-1].get_text()


def test_runs_are_drawn_against_each_other_with_the_share_of_points_at_which_two_agree(body):
    figure = drawn("repeatability", body)
    assert [axes.get_title() for axes in figure.axes] == ["AVX2", "pairs that agree, %"]
    assert legend(figure) == [f"{place}: {run.name}" for place, run in enumerate(body.runs, 1)]
    # Below the diagonal, and above it over processes alone.
    shares = {text.get_position(): text.get_text() for text in figure.axes[-1].texts}
    assert len(shares) == 6 and {shares[0, 1], shares[0, 2], shares[1, 2]} == {"100"}
    assert "all runs agree at 3 of 3 points" in figure.texts[-1].get_text()


def test_a_run_of_other_lengths_alone_has_no_empty_place_among_those_that_are_compared(body):
    first = body.runs[0]
    elsewhere = replace(first, name="elsewhere", samples=first.samples.assign(elements=first.samples["elements"] + 1))
    figure = drawn("repeatability", replace(body, runs=(*body.runs, elsewhere)))
    assert legend(figure) == [f"{place}: {run.name}" for place, run in enumerate(body.runs, 1)]


def test_a_run_alone_is_not_drawn_against_others(body):
    assert "runs" in body.parts and "runs" not in Evidence(body.runs[:1]).parts


def test_intervals_that_reach_far_stand_on_an_axis_of_ratios(full_run, monkeypatch):
    evidence = Evidence((full_run,))
    near = rising.TABLE(evidence)
    far = near.assign(longer_percent_high=600.0)
    for shown, scale in ((near, "linear"), (far, "function")):
        monkeypatch.setattr(rising, "TABLE", lambda _, shown=shown: shown)
        panels = [axes for axes in drawn("rising", evidence).axes if axes.get_xlabel()]
        assert panels and {axes.get_xscale() for axes in panels} == {scale}
