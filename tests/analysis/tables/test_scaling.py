"""Several threads: throughput and bandwidth, against answers derived by hand."""

import pandas as pd
import pytest

from analysis.tables.scaling import saturates_at, scaling
from tests.planted import run_with_times


def test_threads_with_vectors_of_their_own_move_as_much_as_all_of_them(full_run):
    run = run_with_times(full_run, [("scaling", "two-pass", "", "u1k1", 1000, t, ns) for t, ns in ((1, 500), (2, 800))])
    table = scaling(run).set_index("threads")
    assert table["gigaelements_per_second_median"].to_dict() == pytest.approx({1: 2.0, 2: 2.5})
    # Two-Pass moves 3 floats of 4 bytes for each element.
    assert table["effective_gigabytes_per_second_median"].to_dict() == pytest.approx({1: 24.0, 2: 30.0})


def test_threads_that_share_a_vector_move_it_once(full_run):
    own = ("scaling", "three-pass-reload", "", "u1k1", 1000, 1, 500)
    shared = [("strong-scaling", "three-pass-reload", "", "u1k1", 1000, t, ns) for t, ns in ((1, 500), (2, 250))]
    table = scaling(run_with_times(full_run, [own, *shared]))
    table = table[table["vectors"] == "shared"].set_index("threads")
    assert table["gigaelements_per_second_median"].to_dict() == pytest.approx({1: 2.0, 2: 4.0})
    assert table["effective_gigabytes_per_second_median"].to_dict() == pytest.approx({1: 40.0, 2: 80.0})


def test_of_several_loops_the_fastest_counts_at_each_number_of_threads(full_run):
    loops = [("scaling", "", "load", variant, 1000, 2, ns) for variant, ns in (("u1k1", 400), ("u4k1", 320))]
    run = run_with_times(full_run, loops)
    (row,) = scaling(run).to_dict("records")
    assert row["name"] == "load"
    assert row["effective_gigabytes_per_second_median"] == pytest.approx(25.0)


def test_saturation_begins_where_95_percent_are_reached():
    table = pd.DataFrame({"threads": [1, 2, 3, 4], "gigaelements_per_second_median": [50, 94, 96, 100]})
    assert saturates_at(table) == 3
    assert saturates_at(table.head(0)) is None
