"""The table of all machines."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.tables.machines import machine
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows
from harness.record.samples import load_run

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


def test_the_table_tells_for_each_machine_where_two_pass_begins_to_win(two: list[Evidence]) -> None:
    (row,) = machine(two[0])
    assert row["machine"] == "zen4-b"
    assert row["best_at_elements"] == 56_000_000
    assert row["wins_from_elements"] == 56_000_000
    assert row["best_speedup_percent_low"] <= row["best_speedup_percent"] <= row["best_speedup_percent_high"]
    assert 0 < row["ext_sum_gigabytes_per_second"] <= 1.05 * row["load_gigabytes_per_second"]


def test_a_machine_without_passes_has_no_bandwidth(two: list[Evidence]) -> None:
    without = only(two[0], "experiment", "algorithms")
    assert "load_gigabytes_per_second" not in machine(without)[0]


def test_of_a_run_that_has_nothing_to_compare_there_is_no_row(two: list[Evidence]) -> None:
    with pytest.raises(MissingRows, match="no round has both"):
        machine(only(two[0], "algorithm", "two-pass"))
