"""Other libraries beside our algorithms: times, ratios within rounds, and errors."""

import pytest

from analysis.tables import peers
from harness.record.errors import MissingRows
from harness.record.samples import load_run
from tests.synthetic import PEERS, algorithm_time


def of(table, name, elements, threads=1):
    return table[(table["name"] == name) & (table["elements"] == elements) & (table["threads"] == threads)].iloc[0]


@pytest.fixture
def run(make_run):
    return load_run(make_run(parts=("algorithms", "peers", "peer-overhead"), isas=("avx2", "avx512f")))


def test_two_pass_is_faster_by_the_ratio_of_the_times(run):
    table = peers.compared(run)
    for name, (call, each) in PEERS.items():
        for elements in (1000, 1 << 25):
            ratio = (call / elements + each) / algorithm_time("two-pass", "avx2", elements)
            row = of(table, name, elements)
            assert row["two_pass_speedup_percent_median"] == pytest.approx(100 * (ratio - 1), rel=0.03, abs=3)
            assert row["two_pass_speedup_percent_low"] <= row["two_pass_speedup_percent_high"]


def test_every_algorithm_and_library_has_a_row_at_each_length_and_number_of_threads(run):
    table = peers.compared(run)
    names = {*run.algorithms, *PEERS}
    points = {(1000, 1), (1000, 2), (1 << 25, 1), (1 << 25, 2), (1, 1)}
    rows = set(table[["name", "elements", "threads"]].itertuples(index=False, name=None))
    assert rows == {(name, *point) for name in names for point in points}
    assert set(table["isa"]) == {"avx2"}


def test_what_allocates_and_which_version_it_is_stands_in_the_table(run):
    table = peers.compared(run)
    assert of(table, "scipy", 1000)["output"] == "allocated"
    assert of(table, "numpy", 1000)["version"] == "1.0"
    assert of(table, "two-pass", 1000)["title"] == "this project"


def test_the_error_stands_beside_the_time_where_it_is_known_at_that_length(run):
    table = peers.compared(run)
    assert of(table, "torch", 1000)["largest_relative_error"] == pytest.approx(1e-7 * 1000**0.5)
    assert of(table, "two-pass", 1000)["largest_relative_error"] == pytest.approx(4e-7)
    assert table[table["elements"] == 1 << 25]["largest_relative_error"].isna().all()


def test_a_run_without_peers_says_so(make_run):
    with pytest.raises(MissingRows, match="no rows of the experiment 'peers'"):
        peers.compared(load_run(make_run(parts=("algorithms",))))
