"""Known answers: what a run's controls say about its other numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.record.samples import Run
from harness.statistics import controls

ISAS, LENGTHS, PROCESSES = ("avx2", "avx512f"), (4096, 1 << 25), 8


@pytest.fixture
def run_of(full_run):
    """run_of(percent) is a run whose controls take exactly so many percent more than Two-Pass, by (control, ISA)."""

    def make(percent) -> Run:
        table = [
            ("controls", "gcc", isa, name, "", "u1k1", elements, 1, "paper", process, turn, place, 1,
             round(1e9 * (1 + percent(name, isa, elements, process) / 100)), 1, 1, "")
            for isa in ISAS
            for elements in LENGTHS
            for process in range(PROCESSES)
            for turn in range(2)
            for place, name in enumerate(("two-pass", *full_run.information["controls"]))
        ]  # fmt: skip
        return replace(full_run, samples=pd.DataFrame(table, columns=list(full_run.samples)))

    return make


def planted(name):
    """What a control's name says was planted."""
    return float(name.split("-")[3]) if "plus" in name else 0.0


def spread(process):
    """Half a percent to either side, none in the middle."""
    return (process - 3.5) / 7


def test_differences_are_what_was_planted(run_of):
    found = controls.differences(run_of(lambda name, isa, n, process: planted(name)))
    assert len(found) == len(ISAS) * len(LENGTHS) * 5
    assert found["difference_percent_median"].tolist() == pytest.approx(found["planted_percent"].tolist(), abs=1e-6)
    assert set(found["kind"]) == {"again", "moved", "planted"}
    assert set(found["confidence"]) == {1 - 2**-7}  # the smallest and the largest of eight


def with_noise(name, isa, elements, process):
    return planted(name) + spread(process if name != "two-pass" else 3.5)


def test_a_run_whose_answers_are_right_passes(run_of):
    verdict = controls.judge(run_of(with_noise))
    assert verdict.faults == ()
    assert verdict.unresolved == {}
    assert verdict.doubt("avx2") == ""
    assert verdict.told == "0 of 4 differences of Two-Pass to itself, 0 of 12 planted ones missed"


def test_the_floor_is_the_largest_difference_that_is_none(run_of):
    def percent(name, isa, elements, process):
        moved = 0.7 if (name, isa, elements) == ("two-pass-moved", "avx2", 4096) else 0.0
        return with_noise(name, isa, elements, process) + moved

    verdict = controls.judge(run_of(percent))
    assert verdict.floor == pytest.approx(0.7, abs=0.01)
    assert verdict.floor_is_of == "two-pass-moved, AVX2, 4.1K elements"
    assert verdict.faults == ()  # a copy elsewhere may differ; it only raises the floor


def test_false_alarms_beyond_chance_are_a_fault(run_of):
    def percent(name, isa, elements, process):
        return with_noise(name, isa, elements, process) + (2 if name == "two-pass-again" else 0)

    verdict = controls.judge(run_of(percent))
    assert len(verdict.faults) == 1
    assert "4 of 4 comparisons of an algorithm with itself show a difference" in verdict.faults[0]
    assert verdict.doubt("avx512f").startswith("null test failed: 4 of 4")


def test_one_false_alarm_of_many_is_chance(run_of):
    def percent(name, isa, elements, process):
        wrong = (name, isa, elements) == ("two-pass-again", "avx2", 4096)
        return with_noise(name, isa, elements, process) + (0.6 if wrong else 0)

    verdict = controls.judge(run_of(percent))
    assert verdict.told.startswith("1 of 4")
    assert verdict.faults == ()  # 1 - (1 - 0.0078)^4 = 3 %


def test_planted_work_that_is_missed_beyond_chance_is_a_fault(run_of):
    verdict = controls.judge(run_of(lambda name, isa, n, process: 0.2 * with_noise(name, isa, n, process)))
    assert verdict.faults
    assert "planted differences lie outside their intervals" in verdict.faults[0]


def test_an_isa_in_which_five_percent_cannot_be_seen_decides_nothing(run_of):
    def percent(name, isa, elements, process):
        return planted(name) + (20 * spread(process) if isa == "avx2" and name != "two-pass" else spread(process))

    verdict = controls.judge(run_of(percent))
    assert verdict.faults == ()
    assert set(verdict.unresolved) == {"avx2"}
    assert verdict.doubt("avx2") == "a planted 5 % was not seen at 4.1K, 33.6M elements"
    assert verdict.doubt("avx512f") == ""


def test_a_run_without_controls_has_no_null_test(full_run):
    information = {**full_run.information, "controls": {}}
    verdict = controls.judge(replace(full_run, information=information))
    assert verdict.faults == ("the run has no null test",)
    assert np.isnan(verdict.floor_percent)
    assert verdict.floor == 0
