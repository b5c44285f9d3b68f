"""Several threads: throughput, bandwidth and speedup, against answers derived by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from harness.statistics import teams


@pytest.fixture
def run_of(full_run):
    """run_of(rows) is a run of (experiment, algorithm, pass, variant, elements, threads, nanoseconds), 6 processes."""

    def make(rows):
        table = [
            (experiment, "gcc", "avx2", algorithm, name, variant, elements, threads, "paper", process, 0, place, 1,
             nanoseconds, 5000, 1, "")
            for place, (experiment, algorithm, name, variant, elements, threads, nanoseconds) in enumerate(rows)
            for process in range(6)
        ]  # fmt: skip
        return replace(full_run, samples=pd.DataFrame(table, columns=list(full_run.samples)))

    return make


def test_threads_with_vectors_of_their_own_move_as_much_as_all_of_them(run_of):
    run = run_of([("scaling", "two-pass", "", "u1k1", 1000, t, ns) for t, ns in ((1, 500), (2, 800))])
    table = teams.throughputs(run, "scaling", own_vectors=True).set_index("threads")
    assert table["gigaelements_per_second_median"].to_dict() == pytest.approx({1: 2.0, 2: 2.5})
    # Two-Pass moves 3 floats of 4 bytes for each element.
    assert table["effective_gigabytes_per_second_median"].to_dict() == pytest.approx({1: 24.0, 2: 30.0})


def test_threads_that_share_a_vector_move_it_once(run_of):
    run = run_of([("strong-scaling", "three-pass-reload", "", "u1k1", 1000, t, ns) for t, ns in ((1, 500), (2, 250))])
    table = teams.throughputs(run, "strong-scaling", own_vectors=False).set_index("threads")
    assert table["gigaelements_per_second_median"].to_dict() == pytest.approx({1: 2.0, 2: 4.0})
    assert table["effective_gigabytes_per_second_median"].to_dict() == pytest.approx({1: 40.0, 2: 80.0})


def test_of_several_loops_the_fastest_counts_at_each_number_of_threads(run_of):
    run = run_of([("scaling", "", "load", variant, 1000, 2, ns) for variant, ns in (("u1k1", 400), ("u4k1", 320))])
    (row,) = teams.throughputs(run, "scaling", own_vectors=True).to_dict("records")
    assert row["name"] == "load"
    assert row["effective_gigabytes_per_second_median"] == pytest.approx(25.0)


def test_saturation_begins_where_95_percent_are_reached():
    table = pd.DataFrame({"threads": [1, 2, 3, 4], "gigaelements_per_second_median": [50, 94, 96, 100]})
    assert teams.saturates_at(table) == 3
    assert teams.saturates_at(table.head(0)) is None


def test_speedups_are_formed_for_each_number_of_threads(run_of):
    times = {("two-pass", 1): 100, ("three-pass-reload", 1): 90, ("three-pass-recompute", 1): 130}
    times |= {("two-pass", 2): 50, ("three-pass-reload", 2): 60, ("three-pass-recompute", 2): 55}
    run = run_of([("class-counts", name, "", "u1k1", 21_841, t, ns) for (name, t), ns in times.items()])
    table = teams.team_speedups(run, "class-counts").set_index("threads")
    assert table["speedup_percent_median"].to_dict() == pytest.approx({1: -10, 2: 10})
    assert table["against"].to_dict() == {1: "three-pass-reload", 2: "three-pass-recompute"}
