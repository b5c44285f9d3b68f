"""How exact results are."""

from dataclasses import replace

import pytest

from analysis.tables.accuracy import accuracy
from harness.record.errors import MissingRows
from harness.record.samples import Run


def test_other_libraries_stand_elsewhere(full_run: Run) -> None:
    assert set(accuracy(full_run)["accumulation"]) == {"folded", "lanes"}
    assert {row["accumulation"] for row in full_run.accuracy} == {"folded", "lanes", "library"}


def test_a_run_that_did_not_look_says_so(full_run: Run) -> None:
    with pytest.raises(MissingRows, match="accuracy was not looked at"):
        accuracy(replace(full_run, accuracy=()))
