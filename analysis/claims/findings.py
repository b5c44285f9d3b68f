"""What findings of our own are about: quantities of the frontier, in one thread. Most are functions of a run, pooled
over those of a body of evidence."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from analysis.claims.measured import Measured, of_row
from analysis.tables.pass_limits import of_isa, out_of_cache
from harness.reading import names
from harness.reading.evidence import Evidence, Pooled, in_percent
from harness.reading.frontier import (
    NEXT_RUN,
    frontier_rows,
    limit_shares,
    of_elements,
    pooled_frontier,
    ratios_to,
)
from harness.reading.pooling import IN_L2, OUT_OF_CACHE, largest_of, of_percents
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once
from harness.statistics.intervals import TARGET_CONFIDENCE, bounds, intervals
from harness.statistics.ratios import percents
from harness.statistics.selection import THREE_PASS, TWO_PASS

TWO_PASS_NT, THREE_PASS_NT = "two-pass-nt", "three-pass-recompute-nt"


@made_once
def faster_than(run: Run, isa: str | None, algorithm: str, than: str) -> Measured:
    """By how much an algorithm is faster than another at the longest length out of cache with a cold output."""
    rows = _far(run, isa, algorithm, than)
    # t / t_algorithm of the other
    return _percent(ratios_to(of_elements(rows), algorithm).query("algorithm == @than"), rows)


@made_once
def lead_by_stores(run: Run, isa: str | None) -> Measured:
    """By how much the lead of Two-Pass over Three-Pass grows where both store past the caches, at the longest length
    out of cache with a cold output: of the two Three-Pass algorithms with plain stores the faster one counts."""
    rows = _far(run, isa, TWO_PASS_NT, THREE_PASS_NT, TWO_PASS, *THREE_PASS)
    key, rounds = ["process", "round"], of_elements(rows)
    plain, past = (
        ratios_to(rounds, fastest).set_index(["algorithm", *key])["log_ratio"] for fastest in (TWO_PASS, TWO_PASS_NT)
    )
    rival = min(THREE_PASS, key=lambda name: plain[name].median())
    grown = (past[THREE_PASS_NT] - plain[rival]).dropna().rename("log_ratio").reset_index()
    measured = _percent(grown.assign(algorithm=TWO_PASS_NT), rows)
    return replace(measured, detail=f"with plain stores over {names.SHORT_ALGORITHMS[rival]}; {measured.detail}")


def behind_fastest(evidence: Evidence, isa: str | None, algorithm: str) -> Measured:
    """By how much an algorithm takes longer than the fastest with a warm output, at the length where that is most of
    those whose input and output fit in L2 together. Where it is the fastest itself, it may still be behind by what the
    interval of the nearest one leaves open."""
    table, run = pooled_frontier(evidence), evidence.newest
    near = 2 * FLOAT_BYTES * table["elements"] <= run.machine.cache_bytes(2)
    table = table[near & (table["isa"] == isa) & (table["threads"] == 1) & (table["output"] == "warm")]
    is_its = table["algorithm"] == algorithm
    its, nearest = table[is_its].set_index("elements"), table[~is_its].groupby("elements")
    if its.empty:
        raise MissingRows(f"{algorithm} was not measured in L2 with a warm output in {names.ISAS.get(isa or '', isa)}")
    for low, high in (bounds("relative_time")[1:], NEXT_RUN):
        its.loc[its["fastest"] == algorithm, high] = (1 / nearest[low].min()).clip(lower=1)
    worst, ends = largest_of(its.reset_index(), "relative_time"), [*bounds("relative_time"), *NEXT_RUN]
    beside = "itself" if worst["fastest"] == algorithm else names.algorithm(worst["fastest"])
    lengths = f"{len(its)} length{'s' if len(its) > 1 else ''}"
    told = f"beside {beside} at {names.count(worst['elements'])} elements, the largest of {lengths} in L2"
    told = f"{told}; {worst['processes']} processes"
    percent = 100 * (worst[ends] - 1)
    return of_row({**worst, **percent}, "relative_time", told, IN_L2)


@made_once
def limit_reached(run: Run, isa: str | None, algorithm: str) -> Measured:
    """What the fastest loops of the least traffic take of an algorithm's time, in percent, at the longest length out of
    cache with a cold output."""
    rows = _far(run, isa, algorithm)
    shares = limit_shares(rows)
    table = intervals(shares[shares["algorithm"] == algorithm], ["algorithm"], "limit_percent")
    return _measured(table, "limit_percent", rows)


def _far(run: Run, isa: str | None, *algorithms: str) -> pd.DataFrame:
    """`_longest`. Raises MissingRows also where one of the algorithms has none."""
    rows = _longest(run, isa)
    for name in algorithms:
        if name not in set(rows["algorithm"]):
            raise MissingRows(f"no rows of the algorithm '{name}' in the frontier")
    return rows


@made_once
def _longest(run: Run, isa: str | None) -> pd.DataFrame:
    """The rows of one thread and a cold output at the longest length. Raises MissingRows where that is in cache."""
    rows = frontier_rows(run)
    rows = out_of_cache(of_isa(rows[(rows["threads"] == 1) & (rows["output"] == "cold")], isa, run), run)
    return rows[rows["elements"] == rows["elements"].max()]


def _percent(ratios: pd.DataFrame, rows: pd.DataFrame) -> Measured:
    return _measured(percents(ratios, ["algorithm"], "over"), "over_percent", rows)


def _measured(table: pd.DataFrame, value: str, rows: pd.DataFrame) -> Measured:
    """What the only row of a table of intervals says of a value."""
    (row,) = table.to_dict("records")
    length, compiler = names.count(rows["elements"].max()), rows["compiler"].iloc[0]
    told = f"at {length} elements; {row['processes']} processes, {compiler}"
    return of_row(row, value, told, OUT_OF_CACHE)


OfRun = Callable[..., Measured]
"""A quantity of a run, an ISA, and what a claim says of what it asks for."""


def pooled(of_run: OfRun, evidence: Evidence, isa: str | None, *asked: str) -> Measured:
    """What the runs of a body together say of a quantity in percent, which of one run is `of_run`; where how much runs
    differ is not known, what the newest says. Raises MissingRows."""
    newest = of_run(evidence.newest, isa, *asked)
    table = Pooled(partial(_effects, of_run, isa, asked), ("isa",), ("isa",))(evidence)
    if table.empty:
        return newest
    (row,) = in_percent(table, "quantity").assign(confidence=TARGET_CONFIDENCE).to_dict("records")
    return of_row(row, "quantity_percent", f"in the newest run {newest.detail}", newest.region)


def _effects(of_run: OfRun, isa: str | None, asked: Sequence[str], run: Run) -> pd.DataFrame:
    """What a run finds, as `harness.reading.pooling.effects`."""
    its = of_run(run, isa, *asked)
    ends = dict(zip(bounds("percent"), (its.value, its.low, its.high), strict=True))
    table = pd.DataFrame([{"isa": isa, "confidence": its.confidence, "processes": 0, **ends}])
    return of_percents(table, "percent", ["isa"])
