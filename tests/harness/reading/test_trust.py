"""What a run's known answers say about its other numbers."""

from dataclasses import replace

import numpy as np
import pytest

from harness.reading.trust import verdict
from tests.planted import planted, run_with_controls


def spread(process):
    """Half a percent to either side, none in the middle."""
    return (process - 3.5) / 7


def with_noise(name, isa, elements, process):
    return planted(name) + spread(process if name != "two-pass" else 3.5)


def test_a_run_whose_answers_are_right_passes(full_run):
    found = verdict(run_with_controls(full_run, with_noise))
    assert found.faults == ()
    assert found.unresolved == {}
    assert found.doubt("avx2") == ""
    assert found.told == "0 of 4 null intervals of Two-Pass and 0 of 12 planted ones are wrong"


def test_the_floor_is_the_largest_difference_that_is_none(full_run):
    def percent(name, isa, elements, process):
        moved = 0.7 if (name, isa, elements) == ("two-pass-moved", "avx2", 4096) else 0.0
        return with_noise(name, isa, elements, process) + moved

    found = verdict(run_with_controls(full_run, percent))
    assert found.floor == pytest.approx(0.7, abs=0.01)
    assert found.floor_is_of == "two-pass-moved, AVX2, 4.1K elements"
    assert found.faults == ()  # a copy elsewhere may differ; it only raises the floor


def test_false_alarms_beyond_chance_are_a_fault(full_run):
    def percent(name, isa, elements, process):
        return with_noise(name, isa, elements, process) + (2 if name == "two-pass-again" else 0)

    found = verdict(run_with_controls(full_run, percent))
    assert len(found.faults) == 1
    assert "4 of 4 comparisons of an algorithm with itself show a difference" in found.faults[0]
    assert found.doubt("avx512f").startswith("null test failed: 4 of 4")


def test_one_false_alarm_of_many_is_chance(full_run):
    def percent(name, isa, elements, process):
        wrong = (name, isa, elements) == ("two-pass-again", "avx2", 4096)
        return with_noise(name, isa, elements, process) + (0.6 if wrong else 0)

    found = verdict(run_with_controls(full_run, percent))
    assert found.told.startswith("1 of 4")
    assert found.faults == ()  # 1 - (1 - 0.0078)^4 = 3 %


def test_what_one_disturbed_algorithm_shifts_together_counts_as_one_error(full_run):
    def percent(name, isa, elements, process):
        shifted = (isa, elements) == ("avx2", 4096) and name != "two-pass"
        return with_noise(name, isa, elements, process) - (3 if shifted else 0)

    found = verdict(run_with_controls(full_run, percent))
    assert "3 of 12 planted ones are wrong" in found.told
    assert found.faults == ()


def test_without_a_known_answer_out_of_cache_nothing_is_decided(full_run):
    rows = full_run.samples
    near = rows[(rows["experiment"] != "controls") | (rows["elements"] < 10**6)]
    assert set(verdict(replace(full_run, samples=near)).unresolved.values()) == {"no null test out of cache"}


def test_planted_work_that_is_missed_beyond_chance_is_a_fault(full_run):
    found = verdict(run_with_controls(full_run, lambda name, isa, n, process: 0.2 * with_noise(name, isa, n, process)))
    assert found.faults
    assert "planted differences lie outside their intervals" in found.faults[0]


def test_an_isa_in_which_five_percent_cannot_be_seen_decides_nothing(full_run):
    def percent(name, isa, elements, process):
        return planted(name) + (20 * spread(process) if isa == "avx2" and name != "two-pass" else spread(process))

    found = verdict(run_with_controls(full_run, percent))
    assert found.faults == ()
    assert set(found.unresolved) == {"avx2"}
    assert found.doubt("avx2") == "a planted 5 % was not seen at 4.1K, 33.6M elements"
    assert found.doubt("avx512f") == ""


def test_a_run_without_controls_has_no_null_test(full_run):
    found = verdict(replace(full_run, controls={}))
    assert found.faults == ("the run has no null test",)
    assert np.isnan(found.floor_percent)
    assert found.floor == 0
