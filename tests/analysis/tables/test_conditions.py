"""What memory and the last-level cache gave while a run was measured."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.figures.conditions import parts
from analysis.tables.conditions import GAVE, conditions, given, is_in, levels, looks
from harness.record.errors import MissingRows
from harness.record.samples import Run


def test_bandwidth_is_what_a_loop_moves_in_its_time(full_run: Run) -> None:
    rows = full_run.samples[full_run.samples["experiment"] == "conditions"]
    (one,) = rows[(rows["pass"] == "copy") & (rows["elements"] == 1 << 25)].head(1).to_dict("records")
    found = looks(full_run).set_index(["process", "round", "level", "loop"])[GAVE]
    told = found[one["process"], one["round"], "memory", "copy"]
    assert told == pytest.approx(8 * (1 << 25) * one["calls"] / one["nanoseconds"])


def test_a_row_is_what_was_found_when_its_group_ended(full_run: Run) -> None:
    table, found = conditions(full_run), looks(full_run)
    assert len(table) == len(full_run.groups)
    assert table["started"].is_monotonic_increasing
    assert str(table["started"].iloc[0]) == "2026-01-01 00:00:40+00:00"
    for row, told in zip(full_run.groups, table.to_dict("records"), strict=True):
        after = found[(found["process"] == row["process"]) & (found["round"] == row["after"])]
        for _, one in after.iterrows():
            assert told[f"{one['level']}_{one['loop']}_{GAVE}"] == one[GAVE]
        assert told["disturbed_percent"] == pytest.approx(100 * row["disturbed"] / row["samples"])
        assert told["clock_relative"] == pytest.approx(1)
        assert told["throughput_relative"] == pytest.approx(1)


def test_over_the_run_it_is_the_median_with_what_most_looks_found(full_run: Run) -> None:
    table, found = given(full_run), looks(full_run)
    assert levels(full_run) == ["memory", "L3"]
    loads = found[(found["level"] == "L3") & (found["loop"] == "load")][GAVE]
    assert table.loc[("L3", "load"), "median"] == pytest.approx(np.median(loads))
    assert (table["low"] < table["median"]).all() and (table["median"] < table["high"]).all()


def test_a_run_from_before_there_were_groups_says_that_it_did_not_look(full_run: Run) -> None:
    for run in (
        dataclasses.replace(full_run, groups=()),
        dataclasses.replace(full_run, samples=full_run.samples[full_run.samples["experiment"] == "passes"]),
    ):
        with pytest.raises(MissingRows, match="did not look at the conditions"):
            conditions(run)
    assert is_in(full_run) and not is_in(dataclasses.replace(full_run, groups=()))


def in_sessions(run: Run, *gaps: float) -> Run:
    """The run, gone on with after these gaps (seconds)."""
    groups = [dict(row) for row in run.groups]
    for session, gap in enumerate(gaps, start=1):
        for row in groups[session * len(groups) // (len(gaps) + 1) :]:
            row["session"] = session
            row["started"] += gap
    return dataclasses.replace(run, groups=tuple(groups))


@pytest.mark.parametrize(
    ("gaps", "count"), [((), 1), ((1.0,), 1), ((3600.0,), 2), ((1.0, 7200.0), 2), ((900.0,) * 9, 5)]
)
def test_the_time_between_sessions_is_left_out_where_it_is_long(
    full_run: Run, gaps: tuple[float, ...], count: int
) -> None:
    table = conditions(in_sessions(full_run, *gaps))
    found = list(parts(table))
    assert len(found) == count
    assert pd.concat(found).equals(table)
