"""What figures show, that nothing in them covers anything else, and that the same rows give the same bytes."""

import ast
import dataclasses
import functools
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import matplotlib.style
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import analysis
from analysis import figures, style
from analysis.render import Rendered, render, rendered
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows, UnknownFigure
from harness.record.files import csv_bytes
from harness.record.samples import Run, load_run
from harness.statistics.intervals import with_text

ROOT = Path(analysis.__file__).parents[1]
NAMES = [name for name in figures.names() if figures.experiment(name) != "runs"]
"""Drawn of a run alone."""
SAMPLED = [name for name in NAMES if figures.experiment(name) not in ("tuning", "accuracy", "conditions")]
"""Intervals drawn from rows, by ISA; tuning and accuracy leave what they found in run.json, and conditions are drawn
against time."""
MakeRun = Callable[..., Path]


def draw(name: str, run: Run) -> Figure:
    """A figure that is not laid out yet, which takes most of the time."""
    with matplotlib.style.context(style.RC, after_reset=True):
        return figures.load(name).draw(figures.subject(name, Evidence((run,))))


def laid_out(figure: Figure) -> Figure:
    with matplotlib.style.context(style.RC, after_reset=True):
        FigureCanvasAgg(figure).draw()
    return figure


Drawn = Callable[[str], Figure]
Filed = Callable[[str], tuple[Figure, Rendered]]


@pytest.fixture(scope="session")
def drawn(full_run: Run) -> Drawn:
    """drawn(name) is the figure of every row; each drawn once."""
    return functools.cache(lambda name: laid_out(draw(name, full_run)))


@pytest.fixture(scope="module")
def small(make_module_run: MakeRun) -> Run:
    """A run of few rows of every experiment, of AVX2."""
    return load_run(make_module_run(isas=("avx2",), clang_lengths=(4096,)))


@pytest.fixture(scope="module")
def filed(small: Run) -> Filed:
    """filed(name) is the figure of these rows, and its files; each drawn once."""

    @functools.cache
    def made(name: str) -> tuple[Figure, Rendered]:
        drawings: list[Figure] = []

        def drawing() -> tuple[Figure, pd.DataFrame]:
            drawings.append(draw(name, small))
            return drawings[0], figures.load(name).TABLE(figures.subject(name, Evidence((small,))))

        files = rendered(drawing)
        return laid_out(drawings[0]), files

    return made


def words(figure: Figure) -> str:
    texts = [*figure.texts, *(text for axes in figure.axes for text in [*axes.texts, axes.title])]
    return "\n".join(text.get_text() for text in texts)


def only(run: Run, **values: object) -> Run:
    """The run with only the rows that have these values."""
    samples = run.samples
    for field, value in values.items():
        samples = samples[samples[field] == value]
    return dataclasses.replace(run, samples=samples)


def test_every_file_in_the_folder_is_a_figure_with_a_caption_of_one_line() -> None:
    assert "speedup" in NAMES
    for name in NAMES:
        caption = figures.caption(name)
        assert caption.endswith(".") and "\n" not in caption
        assert ast.get_docstring(ast.parse(Path(figures.load(name).__file__ or "").read_text())) == caption


def test_an_unknown_figure_is_told_with_the_known_ones() -> None:
    with pytest.raises(
        UnknownFigure,
        match="no figure is called 'pie'; there are: accumulation, accuracy, advice",
    ):
        figures.load("pie")
    with pytest.raises(UnknownFigure):
        figures.load("../render")


@pytest.fixture(scope="module")
def smoke(make_module_run: MakeRun) -> Run:
    """A run of one process, of the protocol that claims nothing."""
    few = {"isas": ("avx2",), "processes": 1, "rounds": 1, "clang_lengths": (4096,)}
    return load_run(make_module_run(protocol="smoke", **few))


def table_of(name: str, run: Run) -> bytes:
    """The figure's table as it is written, without the pictures."""
    return csv_bytes(figures.load(name).TABLE(figures.subject(name, Evidence((run,)))))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_rows_give_the_same_bytes(name: str, small: Run, filed: Filed) -> None:
    run, (_, first) = small, filed(name)
    shuffled = dataclasses.replace(run, samples=run.samples.sample(frac=1, random_state=1))
    # A person's own settings, those that style.RC sets and others, neither show nor get lost.
    with mpl.rc_context({"font.size": 20, "svg.hashsalt": None, "axes.edgecolor": "red", "savefig.dpi": 50}):
        second = render(name, Evidence((run,)))
        assert mpl.rcParams["axes.edgecolor"] == "red"
    assert second.svg == first.svg
    assert second.png == first.png
    assert table_of(name, shuffled) == first.csv
    assert b"<dc:date>" not in first.svg
    assert b"Software" not in first.png and b"tEXt" not in first.png


def test_another_process_writes_the_same_bytes(make_run: MakeRun, tmp_path: Path) -> None:
    folder, target = make_run(isas=("avx2",)), tmp_path / "drawn"
    command = [sys.executable, "-m", "analysis", "figure", "speedup", str(folder)]
    command += ["--figures", str(target), "--tables", str(target)]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": "1"}, check=True)
    here = render("speedup", Evidence((load_run(folder),)))
    there = {path.name: path.read_bytes() for path in target.iterdir()}
    assert there == {"speedup.svg": here.svg, "speedup.png": here.png, "speedup.csv": here.csv}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_figure_covers_anything_else(name: str, drawn: Drawn, filed: Filed) -> None:
    for figure in (drawn(name), filed(name)[0]):
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        blocks = [("title or footer", text.get_window_extent(renderer)) for text in figure.texts]
        blocks += [("legend", legend.get_window_extent(renderer)) for legend in figure.legends]
        blocks += [("panel", axes.get_tightbbox(renderer)) for axes in figure.axes]
        for (one, box), (other, another) in itertools.combinations(blocks, 2):
            assert not Bbox.intersection(box, another), f"{one} covers {other}"
        page = figure.bbox.padded(0.5)
        for block, box in blocks:
            assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1, block
        for axes in figure.axes:
            # An annotation's own extent would count its leader.
            named = [text for text in [axes.title, *axes.texts] if text.get_text()]
            boxes = [Text.get_window_extent(text, renderer) for text in named]
            assert not any(Bbox.intersection(a, b) for a, b in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("name", [name for name in (*SAMPLED, "tuning") if name != "peers"])  # peers: the widest alone
def test_there_is_a_panel_for_each_isa_in_the_run_and_for_no_other(name: str, drawn: Drawn, filed: Filed) -> None:
    everything = words(drawn(name))
    assert all(isa in everything for isa in ("AVX512F", "AVX2", *(["scalar"] if name in SAMPLED else [])))
    figure, _ = filed(name)
    assert "AVX512F" not in words(figure)
    assert all(axes.has_data() for axes in figure.axes)


@pytest.mark.parametrize("name", SAMPLED)
def test_the_footer_says_what_the_numbers_rest_on(name: str, full_run: Run, drawn: Drawn) -> None:
    footer = words(drawn(name))
    assert "AMD EPYC 9R14 96-Core Processor" in footer
    assert f"run {full_run.name}, protocol quick" in footer
    # What always using one algorithm costs at worst has an interval for all lengths at once.
    confidence = "95.3 %" if name == "regret" else "98.4 %"
    assert "7 processes" in footer and f"{confidence} confidence" in footer and "% of samples disturbed" in footer
    assert "no claim" not in footer


@pytest.mark.parametrize("name", NAMES)
def test_a_smoke_run_claims_nothing(name: str, smoke: Run) -> None:
    text = words(draw(name, smoke))
    assert "smoke: no claim" in text
    assert ("no interval from one process" in text) == (name not in ("accuracy", "tuning"))


def test_variants_that_a_further_machine_published_are_drawn(full_run: Run) -> None:
    rows = [{**row, "published_for": [*row["published_for"], "another"]} for row in full_run.tuning]
    (legend,) = draw("tuning", dataclasses.replace(full_run, tuning=tuple(rows))).legends
    assert "published for another" in [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("algorithms", "algorithms"),
        ("three-pass", "algorithms"),
        ("speedup", "algorithms"),
        ("pass-bandwidth", "passes"),
        ("pass-breakdown", "breakdown"),
    ],
)
def test_a_figure_whose_rows_are_missing_is_not_drawn(name: str, missing: str, full_run: Run) -> None:
    samples = full_run.samples
    without = dataclasses.replace(full_run, samples=samples[samples["experiment"] != missing])
    with pytest.raises(MissingRows, match=f"no rows of the experiment '{missing}'"):
        render(name, Evidence((without,)))


def test_the_papers_number_is_named_as_the_papers_and_only_where_it_claims_it(drawn: Drawn) -> None:
    panels = {axes.get_title(): axes for axes in drawn("speedup").axes}
    said = {isa: [text.get_text() for text in axes.texts if "paper" in text.get_text()] for isa, axes in panels.items()}
    assert said == {
        "AVX512F": ["paper, Skylake-X: up to 28 %"],
        "AVX2": ["paper, Skylake-X: up to 18 %"],
        "scalar": [],
    }


def test_the_papers_number_is_not_drawn_over_lengths_in_cache(full_run: Run) -> None:
    samples = full_run.samples
    in_cache = dataclasses.replace(full_run, samples=samples[samples["elements"] <= 1_000_000])
    assert "paper" not in words(draw("speedup", in_cache))


def test_cache_boundaries_stand_where_the_input_fills_them(drawn: Drawn) -> None:
    axes = drawn("algorithms").axes[0]
    assert {text.get_text(): text.get_position()[0] for text in axes.texts} == {
        "L1": 8192,
        "L2": 262_144,
        "L3": 8_388_608,
    }


def test_the_breakdown_says_whether_its_length_is_out_of_cache(make_run: MakeRun) -> None:
    # 4 bytes for each element; the L3 has 32 MiB.
    for elements, title in (
        (8_388_608, "AVX2\n8.39M elements, in cache"),
        (9_000_000, "AVX2\n9M elements, out of cache"),
    ):
        run = load_run(make_run(isas=("avx2",), lengths=(elements,), parts=("breakdown",), rounds=1))
        assert draw("pass-breakdown", run).axes[0].get_title() == title


def test_limits_at_a_single_length_can_be_seen(make_run: MakeRun) -> None:
    run = load_run(make_run(isas=("avx2",), lengths=(3_200_000,), parts=("passes",), rounds=1))
    axes = draw("pass-bandwidth", run).axes[0]
    assert any(line.get_linestyle() == "--" and list(line.get_xdata()) == [0, 1] for line in axes.lines)
    low, high = axes.get_xlim()
    assert any(low < tick < high for tick in axes.get_xticks())


def test_an_algorithm_without_one_of_its_passes_has_no_bar(full_run: Run) -> None:
    run = only(full_run, isa="avx2", experiment="breakdown")
    without = dataclasses.replace(run, samples=run.samples[run.samples["pass"] != "max"])
    bars = [label.get_text() for label in draw("pass-breakdown", without).axes[0].get_xticklabels()]
    assert bars == ["Two-Pass"]
    with pytest.raises(MissingRows, match="has every pass"):
        draw("pass-breakdown", only(run, **{"pass": "max"}))


def test_an_algorithm_that_the_paper_does_not_have_is_drawn_too(full_run: Run) -> None:
    samples = with_text(only(full_run, isa="avx2").samples)
    renamed = samples.replace({"algorithm": {"three-pass-reload": "mine"}})
    algorithms = {**full_run.algorithms, "mine": ("max", "exp_store", "scale")}
    run = dataclasses.replace(full_run, algorithms=algorithms, samples=renamed)
    assert "mine" in [text.get_text() for text in draw("algorithms", run).legends[0].get_texts()]
    with pytest.raises(MissingRows, match="three-pass-reload"):
        draw("three-pass", run)


@pytest.mark.parametrize("name", SAMPLED)
def test_tables_are_tidy_and_name_their_units(name: str, full_run: Run) -> None:
    lines = table_of(name, only(full_run, isa="avx2")).decode().splitlines()
    header = lines[0].split(",")
    assert header[:2] == ["isa", "compiler"] and header[-2:] == ["confidence", "processes"]
    assert any(column.endswith("_median") for column in header)
    for column in header:
        if column.endswith(("_median", "_low", "_high")):
            assert any(
                unit in column
                for unit in ("nanoseconds", "percent", "gigabytes_per", "gigaelements_per", "core_cycles", "relative")
            )
    assert all(len(line.split(",")) == len(header) and "nan" not in line for line in lines[1:])
