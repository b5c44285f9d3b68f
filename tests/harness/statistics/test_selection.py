"""Which rows count."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.record.errors import MissingRows
from harness.record.samples import Run
from harness.statistics import selection


@pytest.fixture
def run(full_run: Run) -> Run:
    samples = full_run.samples
    return replace(full_run, samples=samples[(samples["isa"] == "avx2") & (samples["experiment"] == "algorithms")])


def test_of_a_process_that_was_disturbed_all_the_time_every_row_counts(run: Run) -> None:
    calm = run.samples[run.samples["flags"] == ""]
    disturbed = replace(run, samples=calm.assign(flags="steal"))
    assert len(selection.algorithm_rows(disturbed)) == len(calm)


def test_disturbed_rounds_do_not_count(run: Run) -> None:
    found = selection.algorithm_rows(run)
    assert 0 < len(found) < len(run.samples)
    assert (found["flags"] == "").all()


def test_one_disturbed_sample_takes_its_round_with_it_and_no_other(run: Run) -> None:
    calm = run.samples.assign(flags="")
    first = calm.iloc[0]
    one = replace(run, samples=calm.assign(flags=calm["flags"].where(calm.index != first.name, "clock")))
    same = [calm[name] == first[name] for name in (*selection.POINT, "process", "round")]
    assert set(calm.index) - set(selection.algorithm_rows(one).index) == set(calm[np.logical_and.reduce(same)].index)


def test_a_process_that_was_disturbed_all_the_time_does_not_vanish_beside_calm_ones(run: Run) -> None:
    is_loud = run.samples["process"] == 0
    rows = run.samples.assign(flags=run.samples["flags"].astype(str).where(~is_loud, "clock"))
    found = selection.algorithm_rows(replace(run, samples=rows))
    assert len(found[found["process"] == 0]) == is_loud.sum() > 0
    assert (found[found["process"] > 0]["flags"] == "").all()


def test_a_sample_that_is_too_fast_never_counts(run: Run) -> None:
    fast = replace(run, samples=run.samples.assign(flags="steal;too-fast"))
    assert selection.algorithm_rows(fast).empty


def test_missing_rows_are_told_with_those_that_there_are(run: Run) -> None:
    with pytest.raises(MissingRows, match=r"no rows of the experiment 'passes' \(the run has: algorithms\)"):
        selection.pass_rows(run)


def test_the_primary_compiler_comes_first_and_then_those_with_the_most_lengths(full_run: Run) -> None:
    lengths = {"gcc": 2, "clang": 1, "zig": 3}
    rows = pd.DataFrame(
        [(name, n) for name, count in lengths.items() for n in range(count)], columns=["compiler", "elements"]
    )
    assert selection.compilers(rows, replace(full_run, primary_compiler="clang")) == ["clang", "zig", "gcc"]
    assert set(selection.of_primary(rows, full_run)["compiler"]) == {"gcc"}
