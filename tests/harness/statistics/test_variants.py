"""Which variant is chosen, and what the choice may cost."""

import math
import random

import pytest

from harness.record.run import Skipped
from harness.statistics import variants
from harness.statistics.variants import Favoured

NOBODY = Favoured({})
LENGTHS = (4096, 1 << 20)


def rows_of(scores, first=None, lengths=LENGTHS):
    """Rows of the process that looks at all variants, and of one for each of the `scores`: nanoseconds by variant, or a
    tuple of them, one for each length."""
    everything = [first or scores[0], *scores]
    return [
        {
            **{"compiler": "gcc", "isa": "avx2", "algorithm": "two-pass", "pass": "ext_sum"},
            **{"process": process, "variant": name, "elements": n},
            "nanoseconds": its[place] if isinstance(its, tuple) else its * n,
        }
        for process, times in enumerate(everything)
        for name, its in times.items()
        for place, n in enumerate(lengths)
    ]


def chosen(rows, order, favoured=NOBODY):
    """The chosen variant, and by what."""
    (row,) = [row for row in variants.table(rows, order, favoured) if row["chosen"] and row["elements"] is None]
    return row["variant"], row["chosen_by"]


def test_the_smallest_geometric_mean_over_the_lengths_wins():
    times = {"a": (10.0, 1000.0), "b": (14.0, 600.0), "c": (8.0, 1200.0)}
    assert chosen(rows_of([times] * 6), "abc") == ("b", "time")  # 100, 91.7 and 98


def test_equal_variants_are_decided_by_the_table_of_kernels():
    for seed in range(5):
        chance = random.Random(seed)
        scores = [{name: 100 * (1 + 0.001 * chance.gauss(0, 1)) for name in "cab"} for _ in range(6)]
        assert chosen(rows_of(scores), "abc")[0] == "a"
    scores = [{"a": 100.2, "b": 100.0, "c": 100.6}] * 6
    assert chosen(rows_of(scores), "cab") == ("a", "table"), "c is no longer equal"


def test_the_choice_of_an_earlier_run_stays_until_it_is_a_percent_behind():
    for behind, expected in ((0.9, ("c", "earlier")), (1.1, ("a", "time"))):
        scores = [{"a": 100.0, "b": 100.1, "c": 100 + behind}] * 6
        assert chosen(rows_of(scores), "abc", Favoured({}, earlier=("c",))) == expected
    scores = [{"a": 100.0, "b": 99.9, "c": 99.8}] * 6
    assert chosen(rows_of(scores), "abc", Favoured({}, earlier=("c",))) == ("c", "time"), "it is the fastest anyway"
    assert chosen(rows_of(scores), "abc", Favoured({}, earlier=("x", "b"))) == ("b", "earlier")


def test_what_is_wanted_is_chosen_whatever_it_takes():
    favoured = Favoured({"c": ["zen2"]}, wanted="c", earlier=("b",))
    assert chosen(rows_of([{"a": 100.0, "b": 100.0, "c": 300.0}] * 6), "abc", favoured) == ("c", "paper")


def test_finalists_are_near_the_best_or_favoured():
    first = {"a": 100.0, "b": 104.9, "c": 105.2, "d": 101.0, "e": 300.0, "f": 250.0, "g": 400.0}
    favoured = Favoured({"e": ["zen2"], "y": ["broadwell"]}, wanted="f", earlier=("g", "x"))
    rows = rows_of([], first)
    assert variants.finalists(rows, NOBODY, 6) == ["a", "d", "b"]
    assert variants.finalists(rows, NOBODY, 2) == ["a", "d"]
    assert variants.finalists(rows, favoured, 2) == ["a", "d", "f", "g", "e"]


def test_favoured_variants_are_tried_first_and_then_those_in_the_middle():
    names = [f"u{k}k1" for k in range(1, 10)]
    order = variants.by_promise(names, Favoured({"u9k1": ["broadwell"]}, "u2k1", ("u7k1", "u9k1", "gone")))
    assert order[:5] == ["u2k1", "u7k1", "u9k1", "u5k1", "u4k1"]
    assert sorted(order) == names


def test_intervals_are_of_differences_within_processes():
    # Every process is slower than the one before, and b always takes 3 % more than a, but once 4 %.
    scores = [{"a": 100.0 + 10 * p, "b": (100.0 + 10 * p) * (1.04 if p == 5 else 1.03)} for p in range(6)]
    by = {(row["variant"], row["elements"]): row for row in variants.table(rows_of(scores), "ab", NOBODY)}
    assert set(by) == {(name, n) for name in "ab" for n in (None, *LENGTHS)}
    told = by["b", None]
    assert told["relative_percent_median"] == pytest.approx(3.0)
    assert told["relative_percent_low"] == pytest.approx(3.0)
    assert told["relative_percent_high"] == pytest.approx(4.0)
    assert by["a", 4096]["nanoseconds_low"] == pytest.approx(100 * 4096)
    assert by["a", 4096]["nanoseconds_high"] == pytest.approx(150 * 4096)
    assert by["a", None]["nanoseconds_median"] == pytest.approx(125 * math.sqrt(4096 * (1 << 20)), rel=1e-3)
    assert {row["processes"] for row in by.values()} == {6}


def test_what_was_no_finalist_has_one_row_of_the_first_look():
    rows = variants.table(rows_of([{"a": 90.0}] * 6, {"a": 100.0, "b": 150.0, "c": 120.0}), "abcd", NOBODY)
    assert [(row["variant"], row["elements"]) for row in rows] == [
        *(("a", n) for n in (None, *LENGTHS)), ("c", None), ("b", None)
    ]  # fmt: skip
    assert [row["finalist"] for row in rows] == [True] * 3 + [False] * 2
    assert [row["processes"] for row in rows] == [6] * 3 + [1] * 2
    assert rows[-1]["relative_percent_median"] == pytest.approx(50.0), "against the chosen one, in the same process"
    assert all(row["available"] == 4 for row in rows)


def test_where_there_was_time_for_one_process_it_decides():
    rows = variants.table(rows_of([], {"a": 100.0, "b": 150.0}), "ab", NOBODY)
    assert [(row["variant"], row["finalist"], row["processes"]) for row in rows[::3]] == [
        ("a", True, 1),
        ("b", True, 1),
    ]
    assert "available" not in rows[0]


def test_a_process_that_was_cut_short_is_left_out():
    whole = rows_of([{"a": 100.0, "b": 101.0}] * 5 + [{"a": 50.0, "b": 10.0}])
    cut = [row for row in whole if (row["process"], row["variant"], row["elements"]) != (6, "b", LENGTHS[1])]
    assert len(cut) == len(whole) - 1
    rows = variants.table(cut, "ab", NOBODY)
    assert {row["processes"] for row in rows} == {5}
    assert rows[0]["nanoseconds_low"] == pytest.approx(rows[0]["nanoseconds_high"])


def test_the_regret_is_what_the_best_may_take_less():
    scores = [{"a": 100.0, "b": 100.0 - its} for its in (0.2, 0.3, 0.4, 0.5, 0.6, 1.0)]
    rows = variants.table(rows_of(scores), "ab", Favoured({}, earlier=("a",)))
    median, low, high = variants.regret(rows)
    assert (low, high) == pytest.approx((0.2, 1.0), rel=0.02)
    assert median == pytest.approx(0.45, rel=0.02)
    sure = variants.table(rows_of([{"a": 100.0, "b": 120.0}] * 6), "ab", NOBODY)
    assert variants.regret(sure) == (0.0, 0.0, 0.0)


def test_passes_of_which_not_every_variant_was_tried_are_told():
    for first, how in (({"a": 1.0, "b": 2.0}, "the best of 2"), ({"a": 1.0}, "which no other was tried against")):
        rows = variants.table(rows_of([{"a": 1.0}] * 2, first), "abc", NOBODY)
        what = f"tuning of {3 - len(first)} of 3 variants of gcc avx2 ext_sum"
        assert variants.narrowed(rows) == [Skipped(what, f"too little time; measured is a, {how}")]
    assert variants.narrowed(variants.table(rows_of([{"a": 1.0}] * 2), "a", NOBODY)) == []
