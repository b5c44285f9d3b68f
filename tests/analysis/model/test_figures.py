"""The figure of a prediction: never to be mistaken for a measurement."""

import dataclasses
import itertools

import matplotlib.style
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from analysis import style
from analysis.model import figures, forecast
from analysis.render import rendered
from harness.record.machines import load_machines
from harness.record.samples import load_run

MEASURED = {style.ALGORITHMS[name].colour for name in figures.STYLES}


@pytest.fixture(autouse=True)
def own_style():
    """As `render` draws: Matplotlib makes some of its labels when they are asked for."""
    with matplotlib.style.context(style.RC, after_reset=True):
        yield


def drawn(machine, run=None, note="a note"):
    """A figure that is not laid out yet, which takes most of the time."""
    figure, _ = figures.draw(load_machines()[machine], forecast.table(machine), run, [note])
    return figure


def renderer_of(figure):
    """What laid the figure out."""
    FigureCanvasAgg(figure).draw()
    return figure.canvas.get_renderer()


@pytest.mark.parametrize("machine", ("skylake-x", "broadwell", "zen2"))
def test_title_panels_and_legend_say_model_and_no_line_looks_measured(machine):
    figure = drawn(machine)
    assert "(model)" in figure.texts[0].get_text()
    assert any("PREDICTED, NOT MEASURED" in text.get_text() for text in figure.texts)
    assert all("(model)" in text.get_text() for text in figure.legends[0].get_texts())
    assert all("(model)" in axes.get_title() for axes in figure.axes[: len(figure.axes) // 2])
    for axes in figure.axes:
        lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
        assert lines
        assert all(line.get_linestyle() != "-" and line.get_color() not in MEASURED for line in lines)


def test_a_run_of_the_machine_is_drawn_over_it_and_notes_are_told(make_run):
    run = load_run(make_run(machine="zen2", isas=("avx2",), parts=("algorithms", "passes")))
    figure = drawn("zen2", run)
    said = "\n".join(text.get_text() for text in figure.texts)
    assert "a note" in said
    for axes in figure.axes:
        assert any(line.get_marker() not in ("None", "", None) for line in axes.lines)


def test_neither_slow_measurements_nor_a_long_note_are_cut_off(make_run):
    run = load_run(make_run(machine="skylake-x", isas=("avx512f", "avx2"), parts=("algorithms", "passes")))
    slow = run.samples["nanoseconds"].where(run.samples["isa"] != "avx2", 9 * run.samples["nanoseconds"])
    run = dataclasses.replace(run, samples=run.samples.assign(nanoseconds=slow))
    figure = drawn("skylake-x", run, "a long note " * 20)
    for axes in figure.axes:
        assert all(axes.get_ylim()[0] <= y <= axes.get_ylim()[1] for line in axes.lines for y in line.get_ydata())
    renderer = renderer_of(figure)
    assert all(text.get_window_extent(renderer).x1 <= figure.bbox.x1 for text in figure.texts)


def test_what_the_paper_claims_is_where_it_claims_it():
    texts = {text.get_text() for axes in drawn("skylake-x").axes for text in axes.texts}
    assert {"paper: up to 28 %", "paper: up to 18 %"} <= texts
    assert not any("paper" in text.get_text() for axes in drawn("zen2").axes for text in axes.texts)


def test_nothing_covers_anything_else():
    figure = drawn("skylake-x")
    renderer = renderer_of(figure)
    blocks = [text.get_window_extent(renderer) for text in figure.texts]
    blocks += [legend.get_window_extent(renderer) for legend in figure.legends]
    blocks += [axes.get_tightbbox(renderer) for axes in figure.axes]
    assert not any(Bbox.intersection(one, other) for one, other in itertools.combinations(blocks, 2))
    page = figure.bbox.padded(0.5)
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in blocks)


def test_the_same_inputs_give_the_same_bytes():
    first, second = (
        rendered(lambda: figures.draw(load_machines()["zen2"], forecast.table("zen2"), None, [])) for _ in range(2)
    )
    assert (first.svg, first.png, first.csv) == (second.svg, second.png, second.csv)
