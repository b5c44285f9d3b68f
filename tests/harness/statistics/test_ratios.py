"""Ratios and speedups, against answers derived by hand and by simulation."""

import numpy as np
import pandas as pd
import pytest

from harness.statistics.ratios import folding_costs, log_ratios, of_calls, speedups, team_speedups
from tests.planted import run_with_times

RECOMPUTE, RELOAD = "three-pass-recompute", "three-pass-reload"


def rows(algorithm: str, nanoseconds: list[list[float]], elements: int = 1000, calls: int = 1) -> pd.DataFrame:
    """Samples of an algorithm: nanoseconds[process][round]."""
    table = [
        ("avx2", "gcc", algorithm, elements, 1, process, turn, calls, value, 5000)
        for process, values in enumerate(nanoseconds)
        for turn, value in enumerate(values)
    ]
    columns = ["isa", "compiler", "algorithm", "elements", "threads", "process", "round", "calls", "nanoseconds"]
    return pd.DataFrame(table, columns=[*columns, "clock_nanoseconds"])


def test_a_disturbance_that_both_contenders_of_a_round_feel_leaves_their_ratio_alone() -> None:
    slow = [[100.0, 300.0, 170.0]] * 6
    fast = [[50.0, 150.0, 85.0]] * 6
    ratios = log_ratios(of_calls(pd.concat([rows("a", slow), rows("b", fast)])), {"a": "b"})
    assert len(ratios) == 18
    assert ratios["log_ratio"].to_numpy() == pytest.approx(np.log(2))


def test_a_round_without_one_of_the_contenders_gives_no_ratio() -> None:
    ratios = log_ratios(of_calls(pd.concat([rows("a", [[4.0, 4.0]]), rows("b", [[2.0]])])), {"a": "b"})
    assert ratios["round"].tolist() == [0]


def test_ratios_are_taken_by_call() -> None:
    # 800 ns in 4 calls against 100 ns in 1 call.
    both = pd.concat([rows("a", [[800.0]], calls=4), rows("b", [[100.0]])])
    assert log_ratios(of_calls(both), {"a": "b"})["log_ratio"].to_numpy() == pytest.approx(np.log(2))


def test_the_speedup_is_over_the_better_rival_with_that_rivals_interval() -> None:
    # Ratios to 100: reload 1.15 ... 1.20 by process, recompute 1.30; the median of the former is 1.175.
    reload = [[100.0 * ratio] for ratio in (1.15, 1.16, 1.17, 1.18, 1.19, 1.20)]
    table = pd.concat([rows("two-pass", [[100.0]] * 6), rows(RELOAD, reload), rows(RECOMPUTE, [[130.0]] * 6)])
    found = speedups(table).iloc[0]
    assert found["against"] == RELOAD
    assert found["speedup_percent_low"] == pytest.approx(15)
    assert found["speedup_percent_high"] == pytest.approx(20)
    # Between the two middle ratios, on the scale of logarithms.
    assert found["speedup_percent_median"] == pytest.approx(100 * (np.sqrt(1.17 * 1.18) - 1))
    assert found["confidence"] == pytest.approx(0.96875)


def test_without_a_common_round_there_is_no_speedup() -> None:
    assert speedups(rows("two-pass", [[1.0]])).empty


def simulated(replicas: int, planted: float, seed: int) -> pd.DataFrame:
    """Two equal rivals and a contender that is faster by `planted`; every length is one replica of 7 processes."""
    random = np.random.default_rng(seed)
    shape = (replicas, 7, 5)
    index = pd.MultiIndex.from_product(
        [range(1, replicas + 1), range(7), range(5)], names=["elements", "process", "round"]
    )
    tables = []
    for name, time in (("two-pass", 1e6), (RECOMPUTE, 1e6 * (1 + planted)), (RELOAD, 1e6 * (1 + planted))):
        # 1 % between processes (skewed), 3 % between samples.
        noise = 0.01 * (random.exponential(size=shape[:2])[..., None] - np.log(2)) + 0.03 * random.standard_normal(
            shape
        )
        tables.append(pd.DataFrame({"nanoseconds": (time * np.exp(noise)).ravel()}, index=index).assign(algorithm=name))
    return pd.concat(tables).reset_index().assign(isa="avx2", compiler="gcc", threads=1, calls=1)


def test_equal_contenders_are_rarely_told_apart() -> None:
    table = simulated(300, planted=0.0, seed=1)
    found = speedups(table[table["algorithm"] != RELOAD])
    told_apart = ((found["speedup_percent_low"] > 0) | (found["speedup_percent_high"] < 0)).mean()
    # At most 1 - 98.4 %, give or take four standard errors of 300 trials.
    assert told_apart < 0.016 + 4 * np.sqrt(0.016 * 0.984 / 300)


def test_a_planted_difference_is_found() -> None:
    found = speedups(simulated(100, planted=0.08, seed=2))
    assert (found["speedup_percent_low"] > 0).mean() > 0.95
    assert found["speedup_percent_median"].median() == pytest.approx(8, abs=1)


def test_two_equal_rivals_bias_the_speedup_less_than_the_better_of_each_round_would() -> None:
    table = simulated(200, planted=0.0, seed=3)
    found = speedups(table)["speedup_percent_median"].mean()
    by_round = table.pivot_table(index=["elements", "process", "round"], columns="algorithm", values="nanoseconds")
    naive = 100 * (by_round[[RECOMPUTE, RELOAD]].min(axis=1) / by_round["two-pass"] - 1).mean()
    assert naive < -1.5
    assert -0.8 < found < 0.1


def test_speedups_are_formed_for_each_number_of_threads(full_run):
    times = {("two-pass", 1): 100, ("three-pass-reload", 1): 90, ("three-pass-recompute", 1): 130}
    times |= {("two-pass", 2): 50, ("three-pass-reload", 2): 60, ("three-pass-recompute", 2): 55}
    rows = [("class-counts", name, "", "u1k1", 21_841, t, ns) for (name, t), ns in times.items()]
    run = run_with_times(full_run, rows)
    table = team_speedups(run, "class-counts").set_index("threads")
    assert table["speedup_percent_median"].to_dict() == pytest.approx({1: -10, 2: 10})
    assert table["against"].to_dict() == {1: "three-pass-reload", 2: "three-pass-recompute"}


def test_folding_costs_what_a_pass_takes_longer_than_its_twin(full_run):
    times = {"ext_sum": 1050, "ext_sum_lanes": 1000, "exp_sum": 990, "exp_sum_lanes": 1000}
    run = run_with_times(full_run, [("accumulation", "", name, "u1k1", 4096, 1, ns) for name, ns in times.items()])
    table = folding_costs(run).set_index("pass")
    assert table["cost_percent_median"].to_dict() == pytest.approx({"ext_sum": 5, "exp_sum": -1})
