"""Which algorithm is the fastest where, by the experiments of the kind `frontier`: of a run, and of a body of evidence.

An algorithm is called faster than another only beyond the noise floor; otherwise the two are tied.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from harness.experiments.base import RISING, UNIFORM
from harness.experiments.frontier import LEAST_TRAFFIC
from harness.reading.evidence import Evidence, Pooled, floors, in_percent, of_each
from harness.reading.pooling import effects, of_percents, regions
from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once
from harness.statistics import selection
from harness.statistics.intervals import TARGET_CONFIDENCE, bounds, intervals, order_statistics
from harness.statistics.ratios import in_rounds, percents

OUTPUTS = {"paper": "cold", "reused": "warm"}
"""What the cache states of these experiments mean for the output, whose input was just read."""
CASE = ["isa", "compiler", "output", "threads"]
POINT = [*CASE, "elements"]


def measured(run: Run, given: str) -> list[str]:
    """The experiments of the kind that the run has rows of, of this input."""
    held = set(run.samples["experiment"].unique())
    asked = {name: its for name, its in run.protocol.experiments.items() if its.contenders == "frontier"}
    return [name for name, its in asked.items() if (its.input or UNIFORM) == given and name in held]


def outputs_in(table: pd.DataFrame) -> list[str]:
    """The fates of the output in a table, the cold one first."""
    return [output for output in OUTPUTS.values() if output in set(table["output"])]


@made_once
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
    fastest's, within rounds; so wide that all at a point hold at once, where there are processes enough for that);
    is_tied (by no more than the noise floor slower than the fastest, which is tied with itself); limit_percent_median,
    _low, _high (what the fastest loops of the least traffic take of its time); confidence (of one ratio), processes.
    Raises MissingRows.
    """
    rows, rounds = frontier_rows(run), frontier_rounds(run)
    whole, by = rows[rows["algorithm"] != ""], [*POINT, "algorithm"]
    times = intervals(whole, by, "nanoseconds_per_element").drop(columns=["confidence", "processes"])
    # By ratios: medians of times, each over the rounds of its own that were calm, may say otherwise on a loud machine.
    shortest = ratios_to(rounds, _least(times.set_index(by)["nanoseconds_per_element_median"]))
    fastest = _least(shortest.groupby([*by, "process"])["log_ratio"].median().groupby(by).median())
    ratios = ratios_to(rounds, fastest)
    counts = ratios.groupby(POINT)["algorithm"].transform("nunique")
    over = pd.concat(
        percents(its, by, "over", 1 - (1 - TARGET_CONFIDENCE) / max(1, count - 1))
        for count, its in ratios.groupby(counts)
    )
    for bound in ("median", "low", "high"):
        over[f"relative_time_{bound}"] = 1 + over[f"over_percent_{bound}"] / 100
    limits = intervals(limit_shares(rows), by, "limit_percent").drop(columns=["confidence", "processes"])
    over = over[[*by, *bounds("relative_time"), "confidence", "processes"]].join(fastest, on=POINT)
    return _told(times.merge(over, on=by).merge(limits, on=by), Evidence((run,)))


def _least(values: pd.Series) -> pd.Series:
    """By POINT the algorithm that has the least of the values, which are by POINT and algorithm."""
    return values.groupby(POINT).idxmin().str[-1].astype(str).rename("fastest")


def _told(table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """The table of a frontier, with what the runs say of its algorithms and of what is tied."""
    run, floor = evidence.newest, floors(evidence, table["elements"])
    table["origin"] = table["algorithm"].map(run.origin_of)
    table["is_tied"] = (table["relative_time_low"] <= 1 + floor / 100) | (table["processes"] < 2)
    order = {name: place for place, name in enumerate(run.algorithms)}
    table = table.sort_values(
        [*POINT, "algorithm"], key=lambda column: column.map(order) if column.name == "algorithm" else column
    )
    about_runs = [name for name in (*NEXT_RUN, "runs") if name in table]
    values = [*bounds("nanoseconds_per_element"), *bounds("relative_time"), "is_tied", *bounds("limit_percent")]
    columns = [*POINT, "algorithm", "origin", "fastest", *values, *about_runs, "confidence", "processes"]
    return table[columns].reset_index(drop=True)


@made_once
def pooled_frontier(evidence: Evidence) -> pd.DataFrame:
    """`frontier` of all runs of a body that have one: every algorithm against the one that is the fastest of all
    pooled, its ratios formed within rounds as in each run.

    Returns the columns of `frontier`, with intervals of what any run would find; next_run_relative_time_low, _high (of
    what the next run will show); runs. Of a point of which it is not known how much runs differ there is what the
    newest run that has it shows, and the next run is empty. Raises MissingRows.
    """
    each = [table.assign(runs=1) for table in of_each(evidence.runs, frontier)]
    pooled = _pooled(evidence, each) if len(evidence.runs) > 1 or evidence.lent else each[0][:0]
    for alone in each:
        known = pd.MultiIndex.from_frame(pooled[POINT])
        pooled = pd.concat([pooled, alone[~pd.MultiIndex.from_frame(alone[POINT]).isin(known)]])
    return _told(pooled.reindex(columns=[*each[0], *NEXT_RUN]), evidence)


NEXT_RUN = [f"next_run_relative_time_{end}" for end in ("low", "high")]
REGION = (*CASE, "region")
"""What points have in common that share the spread of their runs."""


def _pooled(evidence: Evidence, each: list[pd.DataFrame]) -> pd.DataFrame:
    """What is pooled of a frontier, of the points of the runs' own (`each`)."""
    table = pd.concat(each)
    target = 1 - (1 - TARGET_CONFIDENCE) / max(1, table["algorithm"].nunique() - 1)
    # At first the one that in the median run is the least behind that run's fastest; what turns out to be faster,
    # pooled, takes its place.
    behind = table.groupby([*POINT, "algorithm"], sort=False)["relative_time_median"].median()
    fastest = _least(behind)
    ratios = _ratios(fastest)(evidence, target)
    faster = ratios[ratios["effect"] < 0].sort_values("effect").drop_duplicates(POINT)
    if len(faster):
        fastest = faster.set_index(POINT)["algorithm"].reindex(fastest.index).fillna(fastest).rename("fastest")
        ratios = _ratios(fastest)(evidence, target)
    if ratios.empty:
        return each[0][:0]
    ends = dict(zip(("effect", "low", "high", "next_low", "next_high"), [*RELATIVE, *NEXT_RUN], strict=True))
    ratios = np.exp(ratios.set_index([*POINT, "algorithm"])[[*ends]].astype(float)).rename(columns=ends)
    levels = LEVELS(evidence).set_index("what")
    times, limits = (
        np.exp(levels.loc[what].set_index([*POINT, "algorithm"])[["effect", "low", "high"]].astype(float)).set_axis(
            bounds(what), axis=1
        )
        for what in LEVELS_OF
    )
    counts = levels.loc[LEVELS_OF[0]].set_index([*POINT, "algorithm"])[["runs", "processes"]]
    found = pd.concat([times, limits, counts], axis=1).join(ratios, how="left").reset_index().join(fastest, on=POINT)
    found.loc[found["algorithm"] == found["fastest"], [*RELATIVE, *NEXT_RUN]] = 1.0
    return found.dropna(subset=RELATIVE).assign(confidence=target)


def _ratios(fastest: pd.Series) -> Pooled:
    return Pooled(partial(_ratio_effects, fastest), (*POINT, "algorithm"), REGION)


RELATIVE = bounds("relative_time")
LEVELS_OF = ("nanoseconds_per_element", "limit_percent")


def _ratio_effects(fastest: pd.Series, run: Run) -> pd.DataFrame:
    """What a run finds of every algorithm beside the `fastest` of its point, as `pooling.effects`."""
    ratios = ratios_to(frontier_rounds(run), fastest)
    if ratios.empty:
        raise MissingRows(f"{run.folder}: no length of the frontier is that of other runs")
    table = intervals(ratios, [*POINT, "algorithm"], "log_ratio").join(fastest, on=POINT)
    return _effects(table.query("algorithm != fastest"), "log_ratio", run)


def _level_effects(run: Run) -> pd.DataFrame:
    """What a run finds of every algorithm's time and share of the limit, as `pooling.effects`, with `what`."""
    table = frontier(run)
    sure = table["processes"].map(lambda processes: order_statistics(processes)[1])
    logs = {what: table.assign(confidence=sure, **np.log(table[bounds(what)])) for what in LEVELS_OF}
    return pd.concat([_effects(its, what, run).assign(what=what) for what, its in logs.items()], ignore_index=True)


def _effects(table: pd.DataFrame, value: str, run: Run) -> pd.DataFrame:
    found = effects(table, value, [*POINT, "algorithm"])
    return found.assign(region=regions(found["elements"], run.machine))


LEVELS = Pooled(_level_effects, (*POINT, "algorithm", "what"), (*REGION, "what"))


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


@made_once
def pooled_rising(evidence: Evidence) -> pd.DataFrame:
    """`rising` of all runs of a body that have it: its columns, with intervals of what any run would find, and runs. Of
    what it is not known how much runs differ there is what the newest run shows. Raises MissingRows."""
    each = of_each(evidence.runs, rising)
    pooled = in_percent(RISES(evidence), "longer").assign(confidence=TARGET_CONFIDENCE)
    pooled["origin"] = pooled["algorithm"].map(evidence.newest.origin_of)
    alone = (table.assign(runs=1) for table in each)
    table = pd.concat([its for its in (pooled, *alone) if len(its)]).drop_duplicates([*POINT, "algorithm"])
    columns = [*POINT, "algorithm", "origin", *bounds("longer_percent"), "runs", "confidence", "processes"]
    return table.sort_values([*POINT, "algorithm"], ignore_index=True)[columns]


def _rising_effects(run: Run) -> pd.DataFrame:
    """What a run finds of data that rise, as `pooling.effects`."""
    found = of_percents(rising(run), "longer_percent", [*POINT, "algorithm"])
    return found.assign(region=regions(found["elements"], run.machine))


RISES = Pooled(_rising_effects, (*POINT, "algorithm"), REGION)


@made_once
def frontier_rounds(run: Run) -> pd.DataFrame:
    """`of_elements` of the whole algorithms of `frontier_rows`. Raises MissingRows."""
    rows = frontier_rows(run)
    return of_elements(rows[rows["algorithm"] != ""])


def of_elements(rows: pd.DataFrame) -> pd.DataFrame:
    """`in_rounds` of the times of an element."""
    return in_rounds(rows, rows["nanoseconds_per_element"], POINT)


def ratios_to(rounds: pd.DataFrame, fastest: str | pd.Series) -> pd.DataFrame:
    """log(t / t_fastest) within each of the rounds (`in_rounds`), as in `log_ratios`, of all algorithms at once: what
    the rounds are by, algorithm, log_ratio. Of a process in which disturbances left two no round in common, the ratio
    of their medians, as round -1. The fastest is one for all, or that of each point (by POINT)."""
    processes = rounds.index.names[:-1]
    together, apart = (_to_fastest(its, fastest) for its in (rounds, rounds.groupby(processes).median()))
    lone = apart.where(together.groupby(processes).count() == 0).assign(round=-1)
    both = pd.concat([together.reset_index("round"), lone])
    return both.melt(id_vars="round", ignore_index=False, value_name="log_ratio").dropna().reset_index()


def _to_fastest(table: pd.DataFrame, fastest: str | pd.Series) -> pd.DataFrame:
    """What is by algorithm, less that of the fastest."""
    if isinstance(fastest, str):
        return table.sub(table[fastest], axis=0)
    points = table.index.droplevel([name for name in table.index.names if name not in POINT])
    places = table.columns.get_indexer(fastest.reindex(points))
    of_fastest = np.where(places >= 0, table.to_numpy()[np.arange(len(table)), places], np.nan)
    return table.sub(of_fastest, axis=0)


def limit_shares(rows: pd.DataFrame) -> pd.DataFrame:
    """What the loops of the least traffic take of each algorithm's time, in percent, by process; of each part the loop
    with the smallest median counts. A process that lacks a sound sample of one is left out. Returns POINT, algorithm,
    process, limit_percent. Raises MissingRows where all do."""
    its = rows[rows["algorithm"] == ""]
    loops = its.groupby([*POINT, "pass", "variant", "process"])["nanoseconds_per_element"].median()
    medians = loops.groupby([*POINT, "pass", "variant"]).median()
    limits = []
    for part in LEAST_TRAFFIC:
        best = medians[medians.index.get_level_values("pass").isin(part)].groupby(POINT).idxmin()
        which = loops.index.droplevel("process").isin(best)
        limits.append(loops[which].droplevel(["pass", "variant"]))
    limit = sum(limits).dropna().rename("limit")
    if limit.empty:
        raise MissingRows("no process has sound samples of all loops of the least traffic")
    times = rows[rows["algorithm"] != ""].groupby([*POINT, "algorithm", "process"])["nanoseconds_per_element"].median()
    table = times.reset_index().merge(limit.reset_index(), on=[*POINT, "process"])
    return table.assign(limit_percent=100 * table["limit"] / table["nanoseconds_per_element"])
