"""Numbers as a person reads them."""

import pytest

from harness.reading.names import count, interval, spread, threads


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1"), (999, "999"), (1000, "1K"), (131_072, "131K"), (999_999, "1M"), (56_000_000, "56M"), (3e9, "3G")],
)
def test_counts_have_an_si_letter_and_three_digits(number: float, text: str) -> None:
    assert count(number) == text


def test_a_spread_of_equal_numbers_is_one_number() -> None:
    assert spread(7, 7, " processes") == "7 processes"
    assert spread(96.09375, 98.4375, " %") == "96.1 to 98.4 %"


def test_a_value_is_told_with_its_interval() -> None:
    assert interval((2, -1, 3.25)) == "+2.0 % [-1.0, +3.2]"
    assert interval([2, 1, 3], "", ".0f") == "2 [1, 3]"


def test_one_thread_is_no_threads() -> None:
    assert (threads(1), threads(2)) == ("1 thread", "2 threads")


def test_a_confidence_below_95_percent_is_not_rounded_up_to_it() -> None:
    assert spread(93.75, 93.75, " %") == "93.8 %"
