"""What a run says of itself, in words."""

from dataclasses import replace

import pytest

from analysis.page import facts
from harness.record.run import Session
from harness.record.samples import Run


def test_how_long_a_run_took_does_not_hold_the_night_between_its_sessions(full_run: Run) -> None:
    run = replace(
        full_run,
        started="2026-01-01T20:00:00+00:00",
        ended="2026-01-02T08:05:00+00:00",
        sessions=(Session("2026-01-01T20:00:00+00:00", ()), Session("2026-01-02T08:00:00+00:00", ())),
        groups=({"session": 0, "started": 60.0, "seconds": 540.0}, {"session": 1, "started": 43_260.0, "seconds": 5.0}),
    )
    assert facts.minutes(run) == pytest.approx(10 + 5)
    assert facts.minutes(replace(run, groups=())) == pytest.approx(12 * 60 + 5), "where it is not known when it stopped"


@pytest.mark.parametrize(
    ("number", "told"), [(512, "512 B"), (48 << 10, "48 KiB"), (1023 << 20, "1023 MiB"), (33 << 30, "33 GiB")]
)
def test_a_number_of_bytes_has_a_unit_that_keeps_it_short(number: int, told: str) -> None:
    assert facts.size(number) == told
    assert facts.size("unknown") == "unknown"
