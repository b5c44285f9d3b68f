"""What limits each pass of Three-Pass out of cache: its time over that of the fastest loop that moves the same data."""

from functools import partial

import numpy as np
import pandas as pd

from analysis.tables.times import per_call
from harness.reading import names
from harness.reading.evidence import Evidence, Pooled, in_percent
from harness.reading.frontier import ratios_to
from harness.reading.pooling import of_percents
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once
from harness.statistics import selection
from harness.statistics.intervals import TARGET_CONFIDENCE
from harness.statistics.ratios import of_calls, percents
from harness.statistics.traffic import moved, write_allocate_floats


def out_of_cache(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """The rows of lengths whose input alone is more than L2 and the last-level cache hold. Raises MissingRows."""
    beyond = rows[run.machine.is_out_of_cache(rows["elements"])]
    if beyond.empty:
        raise MissingRows("no length was measured that is out of cache")
    return beyond


def of_isa(rows: pd.DataFrame, isa: str | None, run: Run) -> pd.DataFrame:
    """The rows of the ISA and the primary compiler. Raises MissingRows."""
    rows = rows[rows["isa"] == isa]
    if rows.empty:
        raise MissingRows(f"no rows of {names.ISAS.get(isa or '', isa)}")
    return selection.of_primary(rows, run)


@made_once
def pass_limits(run: Run, isa: str | None) -> pd.DataFrame:
    """What limits each pass of Three-Pass at the longest length: its time over that of the fastest plain loop that
    moves the same data.

    Returns one row for each pass: elements (that length), loop (name and variant), over_memory_percent_median, _low,
    _high (an interval for all passes at once), computing_percent (time in cache, where data is no limit, of the loop's
    time; NaN where no length in L2 was measured), confidence, processes. Raises MissingRows.
    """
    rows = of_isa(selection.pass_rows(run), isa, run)
    rates = per_call(rows, run.canary.clock_adds)
    far = out_of_cache(rates, run)
    far = far[far["elements"] == far["elements"].max()]
    passes = dict.fromkeys(name for algorithm in selection.THREE_PASS for name in run.algorithms.get(algorithm, ()))
    if not passes:
        raise MissingRows("Three-Pass was not measured")
    target = 1 - (1 - TARGET_CONFIDENCE) / len(passes)
    names, variants = (far[column].astype(str) for column in ("pass", "variant"))
    contenders = names.where(~names.isin(run.bandwidth_loops), names + " " + variants)
    rounds = of_calls(far.assign(algorithm=contenders))
    table = pd.concat([_against_loops(run, name, rounds, target) for name in passes], ignore_index=True)
    table["elements"] = far["elements"].max()
    times = far.groupby(["pass", "variant", "process"])["nanoseconds_per_element"].median()
    near = rates[2 * FLOAT_BYTES * rates["elements"] <= run.machine.cache_bytes(2)]
    computing = near.groupby(["pass", "elements"])["nanoseconds_per_element"].median().groupby("pass").min()
    memory = {row["pass"]: times[tuple(row["loop"].split())].median() for _, row in table.iterrows()}
    table["computing_percent"] = [100 * computing.get(name, np.nan) / memory[name] for name in table["pass"]]
    return table


def pooled_limits(evidence: Evidence, isa: str | None) -> pd.DataFrame:
    """`pass_limits` of the newest run, with medians and intervals of all runs of the body, each at its own longest
    length: protocols have others, and out of cache they say the same. Where how much runs differ is not known, they
    stay those of the newest. Raises MissingRows."""
    newest = pass_limits(evidence.newest, isa)
    target = 1 - (1 - TARGET_CONFIDENCE) / len(newest)
    pooled = Pooled(partial(_limit_effects, isa=isa), ("pass",), ("isa",))(evidence, target)
    both = newest.merge(in_percent(pooled, "over_memory"), on="pass", suffixes=("_newest", ""), how="left")
    if both["over_memory_percent_median"].isna().any():
        return newest.assign(runs=1)
    return both[[name for name in both if not name.endswith("_newest")]].assign(confidence=target)


def _limit_effects(run: Run, isa: str | None) -> pd.DataFrame:
    """What a run finds of each pass, as `harness.reading.pooling.effects`: the logarithm of its time over memory's."""
    return of_percents(pass_limits(run, isa), "over_memory_percent", ["pass"]).assign(isa=isa)


def _against_loops(run: Run, name: str, rounds: pd.DataFrame, target: float) -> pd.DataFrame:
    """Log ratio of a pass to the plain loop that moves the same data, with and without write-allocate, in the shortest
    time. A ratio to each loop is formed within rounds, and the largest median is taken with its interval: the fastest
    loop of each round would be biased. The rounds have a column for each pass, and for each variant of a loop."""

    def traffic(kernel: str) -> tuple[int, ...]:
        return *moved(run.kernels[kernel]), write_allocate_floats(run.kernels[kernel])

    same = {loop for loop in run.bandwidth_loops if traffic(loop) == traffic(name)}
    loops = [column for column in rounds if column.split()[0] in same]
    if not loops or name not in rounds:
        raise MissingRows(f"{name} or a plain loop that moves the same data was not measured out of cache")
    # Of the loops to the pass: the other way round it is the same with another sign.
    ratios = ratios_to(rounds[[name, *loops]], name).query("algorithm != @name").rename(columns={"algorithm": "loop"})
    if ratios.empty:
        raise MissingRows(f"no round has both {name} and a plain loop that moves the same data")
    table = percents(ratios.assign(log_ratio=-ratios["log_ratio"]), ["loop"], "over_memory", target)
    return table.sort_values("over_memory_percent_median", kind="stable").tail(1).assign(**{"pass": name})
