"""Where Two-Pass wins, and by how much."""

import dataclasses
import gc
import pickle
import weakref

import pandas as pd
import pytest

from analysis.tables.speedups import largest, speedups, wins_from
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows
from harness.record.samples import Run


@pytest.mark.parametrize(
    ("low", "expected"),
    [([1, 1, 1], 10), ([-1, 1, 1], 20), ([1, -1, 1], 30), ([1, 1, -1], None), ([1, 1, 0], None)],
)
def test_a_win_counts_from_where_it_lasts(low: list[float], expected: int | None) -> None:
    rows = pd.DataFrame({"elements": [10, 20, 30], "speedup_percent_low": low, "processes": 6})
    assert wins_from(rows, 0.0) == expected


def test_one_process_shows_no_win() -> None:
    assert wins_from(pd.DataFrame({"elements": [10], "speedup_percent_low": [5.0], "processes": 1}), 0.0) is None


def test_the_largest_is_over_the_lengths_out_of_cache_or_over_all_where_none_is(full_run: Run) -> None:
    held = full_run.samples["elements"]
    lengths = held[(full_run.samples["experiment"] == "algorithms") & (full_run.samples["isa"] == "avx2")]
    far = lengths[full_run.machine.is_out_of_cache(lengths)].nunique()
    assert largest(Evidence((full_run,))).loc["avx2", "of"] == f"{far} out-of-cache lengths"
    near = dataclasses.replace(full_run, samples=full_run.samples[held <= 1_000_000])
    found = largest(Evidence((near,))).loc["avx2"]
    assert not found["is_out_of_cache"]
    assert found["of"] == f"{lengths[lengths <= 1_000_000].nunique()} lengths"


def test_without_a_rival_there_is_no_speedup(full_run: Run) -> None:
    samples = full_run.samples
    with pytest.raises(MissingRows, match="no round has both Two-Pass and a Three-Pass"):
        speedups(dataclasses.replace(full_run, samples=samples[samples["algorithm"] == "two-pass"]))


def test_a_table_is_made_once(full_run: Run) -> None:
    assert speedups(full_run) is speedups(full_run)
    assert speedups(dataclasses.replace(full_run)) is not speedups(full_run)


def test_a_run_that_nobody_needs_is_given_up_at_once_with_what_was_made_of_it(full_run: Run) -> None:
    runs = [dataclasses.replace(full_run, name=name) for name in ("one", "other")]
    assert len(largest(Evidence(tuple(runs)))) > 0
    known = [weakref.ref(run) for run in runs]
    gc.disable()
    try:
        del runs
        assert [run() for run in known] == [None, None]
    finally:
        gc.enable()


def test_what_was_made_of_a_run_goes_with_it_to_another_process(full_run: Run) -> None:
    own = dataclasses.replace(full_run)
    made = speedups(own)
    sent = pickle.loads(pickle.dumps(own))
    assert len(sent.made) == len(own.made) > 0
    assert speedups(sent) is speedups(sent) and len(sent.made) == len(own.made)
    pd.testing.assert_frame_equal(speedups(sent), made)
