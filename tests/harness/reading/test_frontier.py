"""Which algorithm is the fastest, of a run and of several, and how near the limit each is."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from harness.reading import frontier as room
from harness.reading.evidence import Evidence
from harness.reading.frontier import POINT, frontier, pooled_frontier, pooled_rising, rising
from harness.record.errors import MissingRows
from harness.statistics.ratios import in_rounds

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


def body_of(run, *times):
    """A body of evidence: the run with a frontier of these times, again and again."""
    runs = (dataclasses.replace(exact(run, its), name=f"quick-{place:012x}") for place, its in enumerate(times))
    return Evidence(tuple(runs))


@pytest.fixture(autouse=True)
def floor(monkeypatch):
    """A noise floor of 1 %."""
    monkeypatch.setattr(room, "floors", lambda _, elements: np.full(len(elements), 1.0))


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


def test_the_limit_is_the_fastest_loops_of_two_reads_and_a_write(full_run):
    table = frontier(exact(full_run)).set_index(["elements", "algorithm"])
    for value in ("limit_percent_median", "limit_percent_low", "limit_percent_high"):
        assert table.loc[(1 << 25, "two-pass-nt"), value] == pytest.approx(75)
        assert table.loc[(1024, "two-pass"), value] == pytest.approx(30)


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


def test_a_process_without_a_common_round_counts_by_its_medians():
    rows = [("a", 0, 0, 2.0), ("b", 0, 0, 1.0), ("a", 1, 0, 6.0), ("b", 1, 1, 2.0)]
    table = pd.DataFrame(rows, columns=["algorithm", "process", "round", "nanoseconds_per_element"])
    found = room.ratios_to(in_rounds(table, table["nanoseconds_per_element"], []), "b").query("algorithm == 'a'")
    found = found.set_index(["process", "round"])["log_ratio"]
    assert found.to_dict() == pytest.approx({(0, 0): np.log(2), (1, -1): np.log(3)})


def far(table):
    """Its rows of the longer length, by algorithm."""
    return table[table["elements"] == 1 << 25].set_index("algorithm")


def test_of_several_runs_ratios_are_pooled_and_intervals_hold_how_they_differ(full_run):
    body = body_of(full_run, TIMES | {"two-pass": (10.0, 6.0)}, TIMES | {"two-pass": (10.0, 6.6)}, TIMES)
    two_pass = far(pooled_frontier(body)).loc["two-pass"]
    assert two_pass["relative_time_median"] == pytest.approx(1.5 * 1.1 ** (1 / 3), rel=1e-3)
    assert two_pass["next_run_relative_time_low"] <= two_pass["relative_time_low"] < 1.5
    assert two_pass["next_run_relative_time_high"] >= two_pass["relative_time_high"] > 1.65
    assert (two_pass["runs"], two_pass["processes"], two_pass["fastest"]) == (3, 21, "two-pass-nt")
    assert two_pass["confidence"] == pytest.approx(0.975)  # two others beside the fastest


def test_a_process_without_a_sound_sample_of_a_loop_tells_no_share_of_the_limit(full_run):
    run = exact(full_run)
    rows = run.samples
    is_load = rows["experiment"].str.startswith("frontier") & (rows["pass"] == "load")

    def without(processes):
        flags = rows["flags"].mask(is_load & (rows["process"] < processes), "too-fast")
        return dataclasses.replace(run, samples=rows.assign(flags=flags))

    table, whole = frontier(without(1)), frontier(run)
    assert table["limit_percent_median"].tolist() == pytest.approx(whole["limit_percent_median"].tolist())
    assert (table["processes"] == 7).all()
    with pytest.raises(MissingRows, match="sound samples of all loops"):
        frontier(without(7))


def test_the_fastest_is_so_in_all_runs_together_and_one_run_does_not_decide(full_run):
    loud = TIMES | {"two-pass-nt": (12.0, 6.3)}
    table = far(pooled_frontier(body_of(full_run, loud, TIMES, TIMES, TIMES)))
    assert set(table["fastest"]) == {"two-pass-nt"}
    assert far(frontier(exact(full_run, loud)))["fastest"].iloc[0] == "two-pass"
    assert table.loc["two-pass-nt", "relative_time_median"] == table.loc["two-pass-nt", "relative_time_high"] == 1
    assert table["relative_time_median"].min() == 1
    assert table["is_tied"].to_dict() == {"three-pass-reload": True, "two-pass": True, "two-pass-nt": True}


def test_times_and_the_limit_are_pooled_too(full_run):
    twice = {name: tuple(2 * time for time in its) for name, its in TIMES.items()}
    nt = far(pooled_frontier(body_of(full_run, TIMES, twice))).loc["two-pass-nt"]
    alone = far(frontier(exact(full_run))).loc["two-pass-nt"]
    for value, factor in (("nanoseconds_per_element_median", 2**0.5), ("limit_percent_median", 0.5**0.5)):
        assert nt[value] == pytest.approx(factor * alone[value], rel=1e-3)


def test_a_run_alone_shows_its_own_frontier_and_nothing_of_runs(full_run):
    run = exact(full_run)
    table, own = pooled_frontier(Evidence((run,))), frontier(run)
    assert table[list(own)].equals(own)
    assert (table["runs"] == 1).all() and table[room.NEXT_RUN].isna().all(axis=None)


def test_a_run_alone_is_widened_by_how_much_others_differ(full_run):
    others = body_of(full_run, TIMES | {"two-pass": (10.0, 6.6)}, TIMES)
    run = exact(full_run)
    lent = far(pooled_frontier(Evidence((run,), lent=others.runs))).loc["two-pass"]
    assert lent["relative_time_low"] < far(frontier(run)).loc["two-pass", "relative_time_low"]
    assert lent["relative_time_median"] == pytest.approx(1.5, rel=1e-4) and lent["runs"] == 1


def test_lenders_without_a_frontier_lend_nothing(full_run):
    run = exact(full_run)
    without = dataclasses.replace(run, samples=run.samples[run.samples["experiment"] == "controls"])
    assert pooled_frontier(Evidence((run,), lent=(without, without)))[list(frontier(run))].equals(frontier(run))


def test_a_length_of_one_run_is_pooled_with_the_spread_of_others(full_run):
    first, second = body_of(full_run, TIMES, TIMES).runs
    near = second.samples[second.samples["elements"] < 1 << 25]
    body = Evidence((first, dataclasses.replace(second, samples=near)))
    runs = pooled_frontier(body).groupby("elements")["runs"].unique()
    assert [list(its) for its in runs] == [[2], [1]]


def test_what_rises_is_pooled_too(full_run):
    def risen(place, factor):
        uniform = dataclasses.replace(exact(full_run), name=f"quick-{place:012x}")
        rows = uniform.samples[uniform.samples["experiment"] == "frontier"]
        longer = rows.assign(experiment="frontier-rising", nanoseconds=(factor * rows["nanoseconds"]).astype("int64"))
        return dataclasses.replace(uniform, samples=pd.concat([uniform.samples, longer], ignore_index=True))

    runs = tuple(risen(place, factor) for place, factor in enumerate((1.0, 1.21)))
    table = far(pooled_rising(Evidence(runs)))
    assert table.loc["two-pass", "longer_percent_median"] == pytest.approx(10, abs=0.1)
    assert table.loc["two-pass", "longer_percent_low"] < 0 and table.loc["two-pass", "longer_percent_high"] > 21
    assert (table["runs"] == 2).all()
    alone = pooled_rising(Evidence(runs[:1]))
    assert alone.drop(columns="runs").equals(rising(runs[0]))
