"""What limits each pass of Three-Pass out of cache: its time over that of the fastest loop that moves the same data."""

from functools import partial

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
def loop_limits(run: Run, isa: str | None) -> pd.DataFrame:
    """The time of each pass of Three-Pass at the longest length over that of each plain loop that moves the same data,
    with and without write-allocate.

    Returns one row for each pass and loop: elements (that length), loop (name and variant), over_memory_percent_median,
    _low, _high (an interval for all passes at once), computing_percent (time in cache, where data is no limit, of the
    loop's time; NaN where no length in L2 was measured), confidence, processes. Raises MissingRows.
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
    memory = [times[tuple(loop.split())].median() for loop in table["loop"]]
    table["computing_percent"] = 100 * table["pass"].map(computing).to_numpy() / memory
    return table


def pooled_limits(evidence: Evidence, isa: str | None) -> pd.DataFrame:
    """What limits each pass of Three-Pass: of `loop_limits` one row for each pass, that of the fastest loop, with runs.

    Medians and intervals are of all runs of the body, each at its own longest length: protocols have others, and out of
    cache they say the same. Which loop is the fastest all runs together say: chosen anew in each, it would be too fast
    however many there are, as would the fastest of each round. Where how much runs differ is not known, all is as in
    the newest. Raises MissingRows.
    """
    newest = loop_limits(evidence.newest, isa)
    target = 1 - (1 - TARGET_CONFIDENCE) / newest["pass"].nunique()
    pooled = Pooled(partial(_limit_effects, isa=isa), ("pass", "loop"), ("isa",))(evidence, target)
    both = newest.merge(in_percent(pooled, "over_memory"), on=["pass", "loop"], suffixes=("_newest", ""), how="left")
    both = both[[name for name in both if not name.endswith("_newest")]].dropna(subset="over_memory_percent_median")
    if both["pass"].nunique() < newest["pass"].nunique():
        return _of_fastest(newest).assign(runs=1)
    return _of_fastest(both.assign(confidence=target))


def _limit_effects(run: Run, isa: str | None) -> pd.DataFrame:
    """What a run finds of each pass and loop, as `harness.reading.pooling.effects`: the logarithm of its time over the
    loop's."""
    return of_percents(loop_limits(run, isa), "over_memory_percent", ["pass", "loop"]).assign(isa=isa)


def _of_fastest(limits: pd.DataFrame) -> pd.DataFrame:
    """Of each pass the row of the loop that it takes longest over."""
    slowest_last = limits.sort_values("over_memory_percent_median", kind="stable")
    return slowest_last.drop_duplicates("pass", keep="last").sort_index().reset_index(drop=True)


def _against_loops(run: Run, name: str, rounds: pd.DataFrame, target: float) -> pd.DataFrame:
    """By how much a pass takes longer than each loop that moves the same data, formed within rounds; these have a
    column for each pass, and for each variant of a loop."""

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
    ratios["log_ratio"] *= -1
    return percents(ratios, ["loop"], "over_memory", target).assign(**{"pass": name})
