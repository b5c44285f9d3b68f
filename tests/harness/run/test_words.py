"""Plans and times in words."""

import pytest

from harness.record import configuration
from harness.run import words
from tests.harness.machine.test_detection import ZEN2
from tests.harness.run.test_plan import GIB, made


def test_the_plan_is_told_in_words():
    planned = made(configuration.load(overrides={"protocol": "quick"}), ZEN2, ["gcc"], ["scalar", "avx2"], GIB // 4)
    planned = planned.skip("ISA avx512f", "not there")
    text = words.text(planned)
    assert "Protocol quick on AMD Ryzen 9 3900X" in text
    assert "about" in text.splitlines()[0]
    assert "8 to 12 processes one after the other, until every ratio is known to ±2 %" in text
    assert "skipped: ISA avx512f: not there" in text
    assert "gcc scalar" in text


@pytest.mark.parametrize(("seconds", "told"), [(3.2, "3 s"), (89, "89 s"), (300, "5 min"), (7200, "2.0 h")])
def test_durations_are_told_as_a_person_would(seconds, told):
    assert words.duration(seconds) == told
