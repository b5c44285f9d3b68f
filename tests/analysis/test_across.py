"""Machines side by side."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis import across
from analysis.render import render_machines
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows
from harness.record.samples import Run, load_run

MakeRun = Callable[..., Path]
PARTS = ("algorithms", "passes", "controls")


def only(body: Evidence, column: str, value: str) -> Evidence:
    """The same with only the rows that have this value."""
    run = body.newest
    return Evidence((dataclasses.replace(run, samples=run.samples[run.samples[column] == value]),))


@pytest.fixture
def two(make_run: MakeRun) -> list[Evidence]:
    small = {"isas": ("avx2",), "lengths": (4096, 1_000_000, 56_000_000), "parts": PARTS}
    return [Evidence((load_run(make_run(machine=name, **small)),)) for name in ("zen4-b", "zen4-a")]


def test_there_is_a_line_for_each_machine_and_isa(two: list[Evidence], full_run: Run) -> None:
    figure = across.draw([*two, Evidence((full_run,))])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "amd-epyc-9r14-25-17 AVX512F",
        "amd-epyc-9r14-25-17 AVX2",
        "amd-epyc-9r14-25-17 scalar",
        "zen4-a AVX2",
        "zen4-b AVX2",
    ]


def test_lengths_are_drawn_relative_to_the_last_level_cache(two: list[Evidence]) -> None:
    figure = across.draw(two)
    longest = max(line.get_xdata().max() for line in figure.axes[0].lines if line.get_marker() != "None")
    assert longest == pytest.approx(4 * 56_000_000 / (32 << 20))


def test_without_algorithms_nothing_is_drawn(two: list[Evidence]) -> None:
    without = only(two[0], "experiment", "passes")
    with pytest.raises(MissingRows):
        across.draw([without])


def test_the_same_runs_give_the_same_bytes(two: list[Evidence]) -> None:
    assert render_machines(two) == render_machines(two[::-1])
