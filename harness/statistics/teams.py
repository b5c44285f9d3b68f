"""Measurements with several threads, and with real vector lengths: tables of time, throughput and bandwidth."""

import pandas as pd

from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.ratios import intervals, per_call, speedups
from harness.statistics.traffic import BYTES_PER_FLOAT, logical_floats

KEYS = ("isa", "compiler", "elements", "threads")


def primary(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the primary compiler."""
    return rows[rows["compiler"] == selection.compilers(rows)[0]]


def team_speedups(run: Run, experiment: str) -> pd.DataFrame:
    """`statistics.speedups` of Two-Pass over the better Three-Pass, for each number of threads (column threads)."""
    rows = primary(selection.team_rows(run, experiment))
    tables = [
        speedups(those, selection.TWO_PASS, selection.THREE_PASS).assign(threads=threads)
        for threads, those in rows.groupby("threads")
    ]
    table = pd.concat(tables).reset_index(drop=True)
    return table[["isa", "compiler", "elements", "threads", *(name for name in table if name not in KEYS)]]


def throughputs(run: Run, experiment: str, own_vectors: bool) -> pd.DataFrame:
    """Elements per second of all threads together, and the effective bandwidth that follows.

    `own_vectors`: each thread has a vector of `elements`; otherwise they share one. Of the loops of a bandwidth kernel
    the fastest at each number of threads counts.

    Returns one row for each (isa, compiler, elements, name, threads), name being an algorithm or a bandwidth kernel:
    gigaelements_per_second_median, _low, _high, effective_gigabytes_per_second_median, _low, _high, confidence,
    processes.
    """
    rows = primary(selection.team_rows(run, experiment, within_rounds=False))
    rows = rows.assign(name=rows["algorithm"].where(rows["algorithm"] != "", rows["pass"]))
    rates = per_call(rows, run.information["canary"]["clock_adds"])
    by = ["isa", "compiler", "elements", "name", "threads"]
    table = intervals(rates, [*by, "variant"], "nanoseconds_per_call")
    table = table.sort_values([*by, "nanoseconds_per_call_median"]).drop_duplicates(by).reset_index(drop=True)
    elements = table["elements"] * (table["threads"] if own_vectors else 1)
    floats = table["name"].map(lambda name: _floats(run, name))
    for bound, inverse in (("median", "median"), ("low", "high"), ("high", "low")):
        rate = elements / table[f"nanoseconds_per_call_{inverse}"]
        table[f"gigaelements_per_second_{bound}"] = rate
        table[f"effective_gigabytes_per_second_{bound}"] = BYTES_PER_FLOAT * floats * rate
    return table[
        by
        + [f"{q}_per_second_{b}" for q in ("gigaelements", "effective_gigabytes") for b in ("median", "low", "high")]
        + ["confidence", "processes"]
    ]


def _floats(run: Run, name: str) -> int:
    passes = run.information["algorithms"].get(name, [name])
    return sum(logical_floats(run.information["kernels"][part]) for part in passes)


def saturates_at(table: pd.DataFrame) -> int | None:
    """The smallest number of threads that reaches 95 % of the largest throughput of the rows, which are of one name."""
    best = table["gigaelements_per_second_median"].max()
    enough = table[table["gigaelements_per_second_median"] >= 0.95 * best]
    return int(enough["threads"].min()) if len(enough) else None
