"""Differences whose answer is known."""

import pytest

from harness.statistics import controls
from tests.planted import ISAS, LENGTHS, planted, run_with_controls


def test_differences_are_what_was_planted(full_run):
    found = controls.differences(run_with_controls(full_run, lambda name, isa, n, process: planted(name)))
    assert len(found) == len(ISAS) * len(LENGTHS) * 5
    assert found["difference_percent_median"].tolist() == pytest.approx(found["planted_percent"].tolist(), abs=1e-6)
    assert set(found["kind"]) == {"again", "moved", "planted"}
    assert set(found["confidence"]) == {1 - 2**-7}  # the smallest and the largest of eight
