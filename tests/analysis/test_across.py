"""Machines side by side."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis import across
from analysis.render import render_machines
from harness.record.errors import MissingRows
from harness.record.samples import Run, load_run

MakeRun = Callable[..., Path]
PARTS = ("algorithms", "passes", "controls")


@pytest.fixture
def two(make_run: MakeRun) -> list[Run]:
    small = {"isas": ("avx2",), "lengths": (4096, 1_000_000, 56_000_000), "parts": PARTS}
    return [load_run(make_run(machine=name, **small)) for name in ("zen4-b", "zen4-a")]


def test_there_is_a_line_for_each_machine_and_isa(two: list[Run], full_run: Run) -> None:
    figure, _ = across.draw([*two, full_run])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "amd-epyc-9r14-25-17 AVX512F",
        "amd-epyc-9r14-25-17 AVX2",
        "amd-epyc-9r14-25-17 scalar",
        "zen4-a AVX2",
        "zen4-b AVX2",
    ]


def test_lengths_are_drawn_relative_to_the_last_level_cache(two: list[Run]) -> None:
    figure, _ = across.draw(two)
    longest = max(line.get_xdata().max() for line in figure.axes[0].lines if line.get_marker() != "None")
    assert longest == pytest.approx(4 * 56_000_000 / (32 << 20))


def test_the_table_tells_for_each_machine_where_two_pass_begins_to_win(two: list[Run]) -> None:
    table = across.table(two)
    assert list(table["machine"]) == ["zen4-a", "zen4-b"]
    row = table.iloc[0]
    assert row["best_at_elements"] == 56_000_000
    assert row["wins_from_elements"] == 56_000_000
    assert row["best_speedup_percent_low"] <= row["best_speedup_percent"] <= row["best_speedup_percent_high"]
    assert 0 < row["ext_sum_gigabytes_per_second"] <= 1.05 * row["load_gigabytes_per_second"]


@pytest.mark.parametrize(
    ("low", "expected"),
    [([1, 1, 1], 10), ([-1, 1, 1], 20), ([1, -1, 1], 30), ([1, 1, -1], None), ([1, 1, 0], None)],
)
def test_a_win_counts_from_where_it_lasts(low: list[float], expected: int | None) -> None:
    rows = pd.DataFrame({"elements": [10, 20, 30], "speedup_percent_low": low, "processes": 6})
    assert across.wins_from(rows, 0.0) == expected


def test_one_process_shows_no_win() -> None:
    assert across.wins_from(pd.DataFrame({"elements": [10], "speedup_percent_low": [5.0], "processes": 1}), 0.0) is None


def test_a_machine_without_passes_has_no_bandwidth(two: list[Run]) -> None:
    without = dataclasses.replace(two[0], samples=two[0].samples[two[0].samples["experiment"] == "algorithms"])
    assert "load_gigabytes_per_second" not in across.table([without])


def test_without_algorithms_nothing_is_drawn(two: list[Run]) -> None:
    without = dataclasses.replace(two[0], samples=two[0].samples[two[0].samples["experiment"] == "passes"])
    with pytest.raises(MissingRows):
        across.draw([without])


def test_the_same_runs_give_the_same_bytes(two: list[Run]) -> None:
    assert render_machines(two) == render_machines(two[::-1])
