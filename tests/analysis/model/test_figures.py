"""Figures of predictions: never to be mistaken for measurements."""

import itertools

import matplotlib.style
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from analysis import style
from analysis.model import figures
from analysis.render import rendered
from harness.record.samples import load_run

MEASURED = {look.colour for look in style.ALGORITHMS.values()}


@pytest.fixture(autouse=True)
def own_style():
    """As `render` draws: Matplotlib makes some of its labels when they are asked for."""
    with matplotlib.style.context(style.RC, after_reset=True):
        yield


def drawn(name, machine, run=None):
    figure, table = figures.draw(name, machine, run)
    FigureCanvasAgg(figure).draw()
    return figure, table


@pytest.mark.parametrize("machine", ("skylake-x", "broadwell", "zen2"))
@pytest.mark.parametrize("name", figures.FIGURES)
def test_title_panels_and_legend_say_model_and_no_line_looks_measured(name, machine):
    figure, _ = drawn(name, machine)
    assert "(model)" in figure.texts[0].get_text()
    assert any("PREDICTED, NOT MEASURED" in text.get_text() for text in figure.texts)
    assert all("(model)" in text.get_text() for text in figure.legends[0].get_texts())
    for axes in figure.axes:
        assert "(model)" in axes.get_title()
        lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
        assert lines
        assert all(line.get_linestyle() != "-" and line.get_color() not in MEASURED for line in lines)


@pytest.mark.parametrize("name", figures.FIGURES)
def test_a_run_of_the_machine_is_drawn_over_it_and_the_error_is_told(name, make_run):
    run = load_run(make_run(machine="zen2", isas=("avx2",), parts=("algorithms", "passes")))
    figure, _ = drawn(name, "zen2", run)
    said = "\n".join(text.get_text() for text in figure.texts)
    assert f"measured: run {run.name}; the model's median error is " in said
    assert any(line.get_marker() not in ("None", "", None) for axes in figure.axes for line in axes.lines)


def test_all_machines_are_side_by_side_with_those_that_were_measured(make_run):
    run = load_run(make_run(isas=("avx2",), parts=("algorithms",)))
    figure, table = figures.draw_machines([run])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "skylake-x AVX512F (model)" in labels
    assert f"{run.machine.name} AVX2, measured" in labels
    assert set(table["machine"]) == {"skylake-x", "broadwell", "zen2"}


@pytest.mark.parametrize("name", figures.FIGURES)
def test_nothing_covers_anything_else(name):
    figure, _ = drawn(name, "skylake-x")
    renderer = figure.canvas.get_renderer()
    blocks = [text.get_window_extent(renderer) for text in figure.texts]
    blocks += [legend.get_window_extent(renderer) for legend in figure.legends]
    blocks += [axes.get_tightbbox(renderer) for axes in figure.axes]
    assert not any(Bbox.intersection(one, other) for one, other in itertools.combinations(blocks, 2))
    page = figure.bbox.padded(0.5)
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in blocks)


def test_the_same_inputs_give_the_same_bytes():
    first, second = (rendered(lambda: figures.draw("speedup", "zen2", None)) for _ in range(2))
    assert (first.svg, first.png, first.csv) == (second.svg, second.png, second.csv)
