"""What every figure shares."""

from dataclasses import replace

import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis import panels, style
from harness.record.run import plain
from harness.record.samples import Run
from tests.planted import run_that_says

LOOK = style.Style(style.GREEN, "o", "-")


def test_an_interval_reaches_to_either_side_of_its_median() -> None:
    row = pd.Series({"time_median": 3.0, "time_low": 2.5, "time_high": 4.0})
    middle, spread = panels.error(row, "time")
    assert (middle, spread.tolist()) == (3.0, [[0.5], [1.0]])
    _, spread = panels.error(pd.DataFrame([row, row]), "time")
    assert spread.tolist() == [[0.5, 0.5], [1.0, 1.0]]


def test_what_shares_a_row_stands_evenly_about_its_middle() -> None:
    assert [panels.beside(rank, 3, 0.5) for rank in range(3)] == [-0.5, 0, 0.5]
    assert panels.beside(0, 1, 0.5) == 0


def test_there_is_a_panel_for_each_isa_widest_vectors_first() -> None:
    table = pd.DataFrame({"isa": ["scalar", "avx2", "avx2"], "elements": [1, 2, 3]})
    figure, grid = panels.isa_panels(table, 2.0, "none")
    assert [(axes.get_title(), isa, list(rows["elements"])) for axes, isa, rows in grid] == [
        ("AVX2", "avx2", [2, 3]),
        ("scalar", "scalar", [1]),
    ]
    assert len(figure.axes) == 2


def test_caches_are_marked_where_they_fall_among_the_lengths(full_run: Run) -> None:
    axes = Figure().subplots()
    panels.length_axis(axes, pd.Series([8000, 1_000_000]), full_run.machine)
    assert [text.get_text() for text in axes.texts] == ["L1", "L2"]
    assert panels.cache_boundaries(replace(full_run.machine, caches=())) == {}


def test_one_compiler_needs_no_legend_and_of_several_the_first_is_a_line() -> None:
    assert panels.compiler_handles(["gcc"]) == []
    first, second = panels.compiler_handles(["gcc", "clang"])
    assert (first.get_linestyle(), first.get_fillstyle()) == ("-", "full")
    assert (second.get_linestyle(), second.get_fillstyle()) == ("None", "none")


def test_a_frame_makes_room_for_itself() -> None:
    figure, _ = panels.grid(1, 1, 2.0, "none")
    notes = ["one", "two"]
    panels.surround(figure, panels.Frame("title", [panels.handle("label", LOOK)], notes))
    assert figure.get_figheight() == pytest.approx(
        2.0 + panels.TITLE + 2 * panels.FOOTER_LINE + panels.LEGEND_LINE + 2 * panels.GAP
    )
    assert [text.get_text() for text in figure.texts] == ["title", "one\ntwo"]


def test_the_controls_are_told_in_few_words(full_run: Run) -> None:
    assert panels.null_test(full_run).startswith("null test passed, noise floor ")
    assert panels.null_test(replace(full_run, controls={})) == "no null test"
    machine = plain(full_run.machine) | {"emulator": "QEMU"}
    assert panels.null_test(run_that_says(full_run, machine=machine)) == "EMULATED (QEMU): NOTHING IS DECIDED"


def test_the_audit_is_one_line(full_run: Run) -> None:
    assert panels.audit_line(full_run) == "disturbs: hypervisor; unknown: turbo; in order: 1"
