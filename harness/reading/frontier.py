"""Which algorithm is the fastest where, by the experiments of the kind `frontier` in a run; for figures and for advice.

An algorithm is called faster than another only beyond the run's noise floor; otherwise the two are tied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from harness.experiments.base import RISING, UNIFORM
from harness.experiments.frontier import LEAST_TRAFFIC
from harness.reading import names
from harness.reading.trust import verdict
from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once
from harness.statistics import selection
from harness.statistics.intervals import TARGET_CONFIDENCE, bounds, intervals
from harness.statistics.ratios import percents

OUTPUTS = {"paper": "cold", "reused": "warm"}
"""What the cache states of these experiments mean for the output, whose input was just read."""
CASE = ["isa", "compiler", "output", "threads"]
POINT = [*CASE, "elements"]


def measured(run: Run, given: str) -> list[str]:
    """The experiments of the kind that the run has rows of, of this input."""
    held = set(run.samples["experiment"].unique())
    asked = {name: its for name, its in run.protocol.experiments.items() if its.contenders == "frontier"}
    return [name for name, its in asked.items() if (its.input or UNIFORM) == given and name in held]


def frontier_rows(run: Run, given: str = UNIFORM) -> pd.DataFrame:
    """Samples of one input by the primary compiler, each contender undisturbed on its own, with `output` and the
    nanoseconds per element. Raises MissingRows."""
    wanted = measured(run, given) or ["frontier" if given == UNIFORM else f"frontier-{given}"]
    rows = pd.concat([selection.team_rows(run, name, selection.CONTENDER) for name in wanted])
    rows = selection.of_primary(rows, run)
    each = rows["nanoseconds"] / rows["calls"] / rows["elements"]
    return rows.assign(output=rows["cache_state"].map(OUTPUTS), nanoseconds_per_element=each)


@made_once
def frontier(run: Run) -> pd.DataFrame:
    """Every algorithm against the fastest at each point: the one that takes least beside another, within rounds.

    Returns one row for each (isa, compiler, output, threads, elements, algorithm): origin (paper or later), fastest
    (its name), nanoseconds_per_element_median, _low, _high; relative_time_median, _low, _high (its time over the
    fastest's, within rounds; of all algorithms at once, as in `largest_speedups`); is_tied (by no more than the noise
    floor slower than the fastest, which is tied with itself); limit_percent_median, _low, _high (what the fastest loops
    of the least traffic take of its time); confidence, processes. Raises MissingRows.
    """
    floor = 1 + verdict(run).floor / 100
    tables = [
        _point(rows).assign(**dict(zip(POINT, key, strict=True))) for key, rows in frontier_rows(run).groupby(POINT)
    ]
    table = pd.concat(tables, ignore_index=True)
    table["origin"] = table["algorithm"].map(run.origin_of)
    table["is_tied"] = (table["relative_time_low"] <= floor) | (table["processes"] < 2)
    order = {name: place for place, name in enumerate(run.algorithms)}
    table = table.sort_values(
        [*POINT, "algorithm"], key=lambda column: column.map(order) if column.name == "algorithm" else column
    )
    values = [*bounds("nanoseconds_per_element"), *bounds("relative_time"), "is_tied", *bounds("limit_percent")]
    return table[[*POINT, "algorithm", "origin", "fastest", *values, "confidence", "processes"]].reset_index(drop=True)


@made_once
def rising(run: Run) -> pd.DataFrame:
    """How much longer each algorithm takes where x rises than where it is uniform, as far as both were measured.

    Returns one row for each (isa, compiler, output, threads, elements, algorithm): origin (paper or later);
    longer_percent_median, _low, _high (of the medians of each process); confidence, processes. Raises MissingRows.
    """
    key = [*POINT, "algorithm", "process"]
    rises, uniform = (frontier_rows(run, given).groupby(key)["nanoseconds_per_element"] for given in (RISING, UNIFORM))
    logs = np.log(rises.median() / uniform.median()).dropna().rename("log_ratio").reset_index()
    if logs.empty:
        raise MissingRows(f"{run.folder}: no length was measured with both inputs")
    table = percents(logs[logs["algorithm"] != ""], [*POINT, "algorithm"], "longer")
    table["origin"] = table["algorithm"].map(run.origin_of)
    return table[[*POINT, "algorithm", "origin", *bounds("longer_percent"), "confidence", "processes"]]


def _point(rows: pd.DataFrame) -> pd.DataFrame:
    """`frontier` of the rows of one point, without what the run says of algorithms."""
    whole = rows[rows["algorithm"] != ""]
    times = intervals(whole, ["algorithm"], "nanoseconds_per_element").drop(columns=["confidence", "processes"])
    # By ratios: medians of times, each over the rounds of its own that were calm, may say otherwise on a loud machine.
    shortest = times.loc[times["nanoseconds_per_element_median"].idxmin(), "algorithm"]
    by_process = ratios_to(whole, shortest).groupby(["algorithm", "process"])["log_ratio"].median()
    fastest = by_process.groupby("algorithm").median().idxmin()
    target = 1 - (1 - TARGET_CONFIDENCE) / max(1, len(times) - 1)
    ratios = percents(ratios_to(whole, fastest), ["algorithm"], "over", target)
    for bound in ("median", "low", "high"):
        ratios[f"relative_time_{bound}"] = 1 + ratios[f"over_percent_{bound}"] / 100
    limits = intervals(limit_shares(rows), ["algorithm"], "limit_percent").drop(columns=["confidence", "processes"])
    columns = ["algorithm", *bounds("relative_time"), "confidence", "processes"]
    return times.merge(ratios[columns], on="algorithm").merge(limits, on="algorithm").assign(fastest=fastest)


def ratios_to(rows: pd.DataFrame, fastest: str) -> pd.DataFrame:
    """log(t / t_fastest) within each round, as in `log_ratios`, of all algorithms at once: algorithm, process, round,
    log_ratio. Of a process in which disturbances left two no round in common, the ratio of their medians, as round -1.
    `rows` are of one point."""
    logs = rows.assign(log=np.log(rows["nanoseconds_per_element"]))
    rounds = logs.pivot_table(index=["process", "round"], columns="algorithm", values="log", aggfunc="mean")
    medians = rounds.groupby("process").median().assign(round=-1).set_index("round", append=True)
    together, apart = (
        its.sub(its[fastest], axis=0).melt(ignore_index=False, value_name="log_ratio").dropna().reset_index()
        for its in (rounds, medians)
    )
    key = ["algorithm", "process"]
    lone = apart[~apart.set_index(key).index.isin(together.set_index(key).index)]
    return pd.concat([together, lone], ignore_index=True)


def limit_shares(rows: pd.DataFrame) -> pd.DataFrame:
    """What the loops of the least traffic take of each algorithm's time, in percent, by process; of each part the loop
    with the smallest median counts. `rows` are of one point; returns algorithm, process, limit_percent."""
    loops = rows[rows["algorithm"] == ""].groupby(["pass", "variant", "process"])["nanoseconds_per_element"].median()
    medians = loops.groupby(["pass", "variant"]).median()
    best = [medians[[loop for loop in medians.index if loop[0] in part]].idxmin() for part in LEAST_TRAFFIC]
    limit = sum(loops.loc[loop] for loop in best).rename("limit")
    times = rows[rows["algorithm"] != ""].groupby(["algorithm", "process"])["nanoseconds_per_element"].median()
    table = times.reset_index().merge(limit.reset_index(), on="process")
    return table.assign(limit_percent=100 * table["limit"] / table["nanoseconds_per_element"])


@made_once
def advice(run: Run) -> pd.DataFrame:
    """What to use at each point.

    Returns one row for each (isa, compiler, output, threads, elements): fastest; ties (the others that no more than the
    noise floor tells from it, joined by a space); papers_best (the fastest algorithm of the paper) and its
    relative_time_median, _low, _high to the fastest; confidence, processes. Raises MissingRows.
    """
    rows = []
    for key, table in frontier(run).groupby(POINT):
        ties = table[table["is_tied"] & (table["algorithm"] != table["fastest"])].sort_values("relative_time_median")
        papers = table[table["origin"] == "paper"].sort_values("relative_time_median", kind="stable")
        best = papers.iloc[0]
        rows.append(
            {
                **dict(zip(POINT, key, strict=True)),
                **{"fastest": best["fastest"], "ties": " ".join(ties["algorithm"]), "papers_best": best["algorithm"]},
                **{name: best[name] for name in bounds("relative_time")},
                **{"confidence": table["confidence"].min(), "processes": table["processes"].min()},
            }
        )
    return pd.DataFrame(rows)


@made_once
def regrets(run: Run) -> pd.DataFrame:
    """What it costs to use one algorithm at every length.

    Returns one row for each (isa, compiler, output, threads, algorithm): origin; lengths (how many); worst_elements and
    worst_percent_median, _low, _high (where and by how much it takes longer than the fastest, where that is most);
    mean_percent (the same as geometric mean over the lengths); confidence, processes. Raises MissingRows.
    """
    rows = []
    for key, table in frontier(run).groupby([*CASE, "algorithm"], sort=False):
        worst = table.loc[table["relative_time_median"].idxmax()]
        mean = np.exp(np.log(table["relative_time_median"]).mean())
        over = {f"worst_percent_{end}": 100 * (worst[f"relative_time_{end}"] - 1) for end in ("median", "low", "high")}
        rows.append(
            {
                **dict(zip([*CASE, "algorithm"], key, strict=True)),
                **{"origin": worst["origin"], "lengths": len(table), "worst_elements": worst["elements"], **over},
                **{"mean_percent": 100 * (mean - 1), "confidence": worst["confidence"]},
                "processes": worst["processes"],
            }
        )
    return pd.DataFrame(rows)


def advised(run: Run, elements: int, outputs: Sequence[str], isa: str | None, threads: int) -> list[str]:
    """What to use for vectors of so many elements, a sentence for each fate of the output, by `advice`; in the widest
    ISA where none is given. Raises MissingRows where that was not measured."""
    table = advice(run)
    isa = isa or selection.isas(table)[0]
    lines = []
    for output in outputs:
        case = table[(table["isa"] == isa) & (table["threads"] == threads) & (table["output"] == output)]
        if case.empty:
            team = f" with {threads} threads" if threads > 1 else ""
            raise MissingRows(f"{run.folder}: no rows of the frontier of {names.ISAS[isa]}, {output} output{team}")
        told = case.set_index("elements").loc[list(nearest(list(case["elements"]), elements))]
        lines += [f"{names.ISAS[isa]}, {output} output, {n:,} elements: {_sentence(row)}" for n, row in told.iterrows()]
    doubt = "a smoke run claims nothing" if run.protocol.is_smoke else verdict(run).doubt(isa)
    return [*lines, f"nothing is decided: {doubt}"] if doubt else lines


def _sentence(row: pd.Series) -> str:
    """A row of `advice` in words."""
    ties = [names.algorithm(name) for name in row["ties"].split()]
    told = f"use {names.algorithm(row['fastest'])}" + (f"; as fast: {'; '.join(ties)}" if ties else "")
    if row["papers_best"] in (row["fastest"], *row["ties"].split()):
        return told
    middle, low, high = (100 * (value - 1) for value in row[bounds("relative_time")])
    best = names.algorithm(row["papers_best"])
    return f"{told}; the paper's best, {best}, takes {middle:.1f} % [{low:.1f}, {high:.1f}] longer"


def nearest(lengths: list[int], elements: int) -> tuple[int, ...]:
    """The lengths that tell of one: itself, or those on both sides of it, or the one at the end that it lies beyond."""
    ordered = sorted(lengths)
    if elements in ordered:
        return (elements,)
    around = [pair for pair in pairwise(ordered) if pair[0] < elements < pair[1]]
    return around[0] if around else (min(ordered, key=lambda n: abs(math.log(n / elements))),)
