"""How series look."""

from analysis import style
from analysis.page.charts import SHAPES


def test_algorithms_that_the_paper_does_not_have_share_out_other_looks_in_their_order() -> None:
    looks = style.algorithms(["two-pass", "one", "other"])
    assert looks["two-pass"] == style.ALGORITHMS["two-pass"]
    assert (looks["one"], looks["other"]) == style.OTHERS[:2]


def test_marks_alone_tell_algorithms_of_one_colour_apart_in_print_and_on_the_page() -> None:
    looks = {(look.colour, look.marker) for look in style.ALGORITHMS.values()}
    assert len(looks) == len(style.ALGORITHMS)
    assert {look.marker for look in (*style.ALGORITHMS.values(), *style.OTHERS)} <= set(SHAPES)


def test_no_series_is_without_a_look_however_many_there_are() -> None:
    own = style.Style(style.GREEN, "o", "none")
    looks = style.series(range(2 + len(style.OTHERS)), [own])
    assert (looks[0], looks[1]) == (own, style.OTHERS[0].points)
    assert looks[1 + len(style.OTHERS)] == own


def test_a_look_without_its_line_keeps_colour_and_marker() -> None:
    look = style.ALGORITHMS["two-pass"]
    assert look.line == {"color": style.GREEN, "marker": "o", "linestyle": "-"}
    assert look.points.line == {"color": style.GREEN, "marker": "o", "linestyle": "none"}


def test_dollars_are_no_mathematics() -> None:
    assert style.plain("$x$") == r"\$x\$"
