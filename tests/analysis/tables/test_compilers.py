"""Compilers beside the primary one."""

from dataclasses import replace

import pytest

from analysis.tables.compilers import relative_times
from harness.record.errors import MissingRows
from harness.record.samples import Run


def test_compilers_are_compared_process_by_process_at_the_lengths_that_both_measured(full_run: Run) -> None:
    table = relative_times(full_run)
    assert set(table["elements"]) == {10_000, 1_000_000, 16_777_216}
    assert set(table["compiler"]) == {"clang"} and set(table["relative_to"]) == {"gcc"}
    assert table["relative_time_median"].to_numpy() == pytest.approx(1.03, abs=0.04)


def test_the_primary_compiler_is_the_one_that_the_run_names(full_run: Run) -> None:
    table = relative_times(replace(full_run, primary_compiler="clang"))
    assert set(table["compiler"]) == {"gcc"} and set(table["relative_to"]) == {"clang"}


def test_with_one_compiler_there_is_no_table(full_run: Run) -> None:
    samples = full_run.samples
    with pytest.raises(MissingRows, match="two compilers"):
        relative_times(replace(full_run, samples=samples[samples["compiler"] == "gcc"]))
