"""Which algorithm is the fastest, ties, what one algorithm costs everywhere, and how near the limit each is."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from harness.reading import frontier as room
from harness.reading.frontier import POINT, advice, frontier, nearest, regrets, rising
from harness.record.errors import MissingRows

# Nanoseconds for an element at two lengths; the loops take 1 + 2 of them.
TIMES = {"two-pass": (10.0, 6.0), "two-pass-nt": (12.0, 4.0), "three-pass-reload": (10.02, 8.0)}
LOOPS = {"load": 1.0, "copy": 3.0, "copy_nt": 2.0}


def exact(run, times=TIMES, processes=7):
    """The run with a frontier of one ISA without noise, but for a constant factor of each process."""
    rows, lengths = [], (1024, 1 << 25)
    template = run.samples[(run.samples["experiment"] == "frontier") & (run.samples["isa"] == "avx2")].iloc[0]
    for process in range(processes):
        for place, elements in enumerate(lengths):
            contenders = [(name, "", its[place]) for name, its in times.items()]
            contenders += [("", name, time) for name, time in LOOPS.items()]
            rows += [
                {
                    **template,
                    **{"algorithm": algorithm, "pass": name, "elements": elements, "process": process, "round": 0},
                    **{"calls": 1, "nanoseconds": round(1e4 * time * elements * (1 + process / 100)), "flags": ""},
                }
                for algorithm, name, time in contenders
            ]
    others = run.samples[~run.samples["experiment"].str.startswith("frontier")]
    return dataclasses.replace(run, samples=pd.concat([others, pd.DataFrame(rows)], ignore_index=True))


@pytest.fixture(autouse=True)
def floor(monkeypatch):
    """A noise floor of 1 %."""
    verdict = room.verdict
    monkeypatch.setattr(room, "verdict", lambda run: dataclasses.replace(verdict(run), floor_percent=1.0))


def test_every_algorithm_is_held_against_the_fastest_at_its_length(full_run):
    table = frontier(exact(full_run)).set_index(["elements", "algorithm"])
    assert table.loc[(1024, "two-pass-nt"), "relative_time_median"] == pytest.approx(1.2)
    assert table.loc[(1 << 25, "two-pass"), "relative_time_median"] == pytest.approx(1.5)
    assert table.loc[(1 << 25, "two-pass"), "fastest"] == "two-pass-nt"
    assert set(table[table["origin"] == "later"].reset_index()["algorithm"]) == {"two-pass-nt"}
    assert (table["processes"] == 7).all() and table["confidence"].max() == pytest.approx(1 - 2**-6)


def test_the_fastest_is_so_within_rounds_though_disturbances_left_it_only_slow_ones(full_run):
    run = exact(full_run)
    asked = run.samples["experiment"].str.startswith("frontier")
    slow = run.samples[asked].assign(round=1, nanoseconds=10 * run.samples[asked]["nanoseconds"])
    lost = asked & (run.samples["algorithm"] == "two-pass-nt")
    quick = run.samples.assign(flags=run.samples["flags"].where(~lost, "throughput"))
    table = frontier(dataclasses.replace(run, samples=pd.concat([quick, slow], ignore_index=True)))
    far = table[table["elements"] == 1 << 25].set_index("algorithm")
    assert far["nanoseconds_per_element_median"].idxmin() == "two-pass"
    assert set(far["fastest"]) == {"two-pass-nt"}
    assert far.loc["two-pass", "relative_time_median"] == pytest.approx(1.5)


def test_what_no_more_than_the_noise_floor_tells_apart_is_tied(full_run):
    table = advice(exact(full_run)).set_index("elements")
    assert table.loc[1024, ["fastest", "ties"]].tolist() == ["two-pass", "three-pass-reload"]
    assert table.loc[1 << 25, ["fastest", "ties"]].tolist() == ["two-pass-nt", ""]
    assert table.loc[1 << 25, "papers_best"] == "two-pass"


def test_one_process_tells_nothing_apart(full_run):
    table = advice(exact(full_run, processes=1)).set_index("elements")
    assert table.loc[1 << 25, "ties"] == "two-pass three-pass-reload"


def test_the_limit_is_the_fastest_loops_of_two_reads_and_a_write(full_run):
    table = frontier(exact(full_run)).set_index(["elements", "algorithm"])
    for value in ("limit_percent_median", "limit_percent_low", "limit_percent_high"):
        assert table.loc[(1 << 25, "two-pass-nt"), value] == pytest.approx(75)
        assert table.loc[(1024, "two-pass"), value] == pytest.approx(30)


def test_the_regret_of_one_algorithm_is_its_worst_and_its_geometric_mean(full_run):
    table = regrets(exact(full_run)).set_index("algorithm")
    assert table.loc["two-pass", "worst_percent_median"] == pytest.approx(50)
    assert table.loc["two-pass", "worst_elements"] == 1 << 25
    assert table.loc["two-pass", "mean_percent"] == pytest.approx(100 * (1.5**0.5 - 1))
    assert table.loc["two-pass-nt", "mean_percent"] == pytest.approx(100 * (1.2**0.5 - 1))


def test_each_point_has_one_row_of_each_algorithm_and_one_fastest(full_run):
    table = frontier(full_run)
    assert not table.duplicated([*POINT, "algorithm"]).any()
    assert (table.groupby(POINT)["fastest"].nunique() == 1).all()
    assert set(table["output"]) == {"cold", "warm"} and set(table["threads"]) == {1, 2}
    assert (table[table["algorithm"] == table["fastest"]]["relative_time_median"] == 1).all()


def test_rows_of_another_input_are_no_frontier_and_tell_how_much_longer_it_takes(full_run):
    uniform = exact(full_run)
    rows = uniform.samples[uniform.samples["experiment"] == "frontier"]
    slower = rows["nanoseconds"].where(rows["algorithm"] != "two-pass-nt", 2 * rows["nanoseconds"])
    more = rows.assign(experiment="frontier-rising", nanoseconds=slower)
    both = dataclasses.replace(uniform, samples=pd.concat([uniform.samples, more], ignore_index=True))
    pd.testing.assert_frame_equal(frontier(both), frontier(uniform))
    table = rising(both).set_index(["elements", "algorithm"])
    for value in ("longer_percent_median", "longer_percent_low", "longer_percent_high"):
        assert table.loc[(1 << 25, "two-pass-nt"), value] == pytest.approx(100)
        assert table.loc[(1024, "two-pass"), value] == pytest.approx(0)
    assert set(table.index.get_level_values("algorithm")) == set(TIMES) and (table["processes"] == 7).all()
    with pytest.raises(MissingRows, match="no rows of the experiment 'frontier-rising'"):
        rising(uniform)
    apart = dataclasses.replace(both, samples=pd.concat([uniform.samples, more.assign(elements=77)]))
    with pytest.raises(MissingRows, match="no length was measured with both inputs"):
        rising(apart)


def test_a_run_without_a_frontier_says_so(full_run):
    rows = full_run.samples
    without = dataclasses.replace(full_run, samples=rows[~rows["experiment"].str.startswith("frontier")])
    with pytest.raises(MissingRows, match="no rows of the experiment 'frontier'"):
        frontier(without)


@pytest.mark.parametrize(
    ("elements", "told_by"), [(1024, (1024,)), (2000, (1024, 16384)), (3, (1024,)), (10**9, (1 << 25,))]
)
def test_a_length_between_two_is_told_by_both(elements, told_by):
    assert nearest([1 << 25, 1024, 16384], elements) == told_by


def test_advice_for_a_length_says_what_to_use_for_each_fate_of_the_output(full_run):
    run = exact(full_run)
    (line,) = room.advised(run, 1 << 25, ["cold"], None, 1)
    assert line == (
        "AVX2, cold output, 33,554,432 elements: use Two-Pass, past the caches; the paper's best, Two-Pass, takes "
        "50.0 % [50.0, 50.0] longer"
    )
    between = room.advised(run, 5000, ["cold"], "avx2", 1)
    assert [text.split(": ")[0] for text in between] == [
        f"AVX2, cold output, {elements} elements" for elements in ("1,024", "33,554,432")
    ]
    assert "as fast: Three-Pass, reloading" in between[0]
    with pytest.raises(MissingRows, match="no rows of the frontier of AVX2, warm output"):
        room.advised(run, 1024, ["warm"], "avx2", 1)
    (*_, doubt) = room.advised(dataclasses.replace(run, controls={}), 1024, ["cold"], None, 1)
    assert doubt == "nothing is decided: the run has no null test"


def test_a_process_without_a_common_round_counts_by_its_medians():
    rows = [("a", 0, 0, 2.0), ("b", 0, 0, 1.0), ("a", 1, 0, 6.0), ("b", 1, 1, 2.0)]
    table = pd.DataFrame(rows, columns=["algorithm", "process", "round", "nanoseconds_per_element"])
    found = room.ratios_to(table, "b").query("algorithm == 'a'").set_index(["process", "round"])["log_ratio"]
    assert found.to_dict() == pytest.approx({(0, 0): np.log(2), (1, -1): np.log(3)})
