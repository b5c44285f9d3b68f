"""What a claim is about: quantities, each measured from one run with an interval. A quantity is one function here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.record import names
from harness.record.errors import MissingRows
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.ratios import TARGET_CONFIDENCE, intervals, largest_speedups, log_ratios, per_call
from harness.statistics.traffic import BYTES_PER_FLOAT, limits, logical_floats, moved, write_allocate_floats


@dataclass(frozen=True)
class Measured:
    """A quantity with its interval, and what a reader should know of how it came about."""

    value: float
    low: float
    high: float
    confidence: float
    """1 for what is counted."""
    detail: str
    is_counted: bool = False
    """Counted, so that no noise bears on it."""
    is_declared: bool = False
    """What the kernels say of themselves: a test holds them to it, not the run."""


def out_of_cache(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """The rows of lengths whose input alone is more than L2 and the last-level cache hold. Raises MissingRows."""
    beyond = rows[selection.is_out_of_cache(rows["elements"], run)]
    if beyond.empty:
        raise MissingRows("no length was measured that is out of cache")
    return beyond


def of_isa(rows: pd.DataFrame, isa: str | None) -> pd.DataFrame:
    """The rows of the ISA and the primary compiler. Raises MissingRows."""
    rows = rows[rows["isa"] == isa]
    if rows.empty:
        raise MissingRows(f"no rows of {names.ISAS.get(isa or '', isa)}")
    return rows[rows["compiler"] == selection.compilers(rows)[0]]


def largest_speedup(run: Run, isa: str | None, algorithm: str | None) -> Measured:
    """Largest speedup of Two-Pass over the better Three-Pass at any out-of-cache length, in percent."""
    rows = out_of_cache(of_isa(selection.algorithm_rows(run), isa), run)
    table = largest_speedups(rows, selection.TWO_PASS, selection.THREE_PASS)
    if table.empty:
        raise MissingRows("no round has both Two-Pass and a Three-Pass algorithm")
    best = table.iloc[0]
    lengths = rows["elements"].nunique()
    return Measured(
        best["speedup_percent_median"],
        best["speedup_percent_low"],
        best["speedup_percent_high"],
        best["confidence"],
        f"over {names.SHORT_ALGORITHMS[best['against']]} at {names.count(best['elements'])} elements, the largest of "
        f"{lengths} out-of-cache length{'s' if lengths > 1 else ''}; {best['processes']} processes, {best['compiler']}",
    )


def pass_limits(run: Run, isa: str | None) -> pd.DataFrame:
    """What limits each pass of Three-Pass at the longest length: its time over that of the fastest plain loop that
    moves the same data.

    Returns one row for each pass: loop (name and variant), over_memory_percent_median, _low, _high (an interval for all
    passes at once, as in `statistics.largest_speedups`), computing_percent (time in cache, where data is no limit, of
    the loop's time; NaN where no length in L2 was measured), confidence, processes. Raises MissingRows.
    """
    rows = of_isa(selection.pass_rows(run), isa)
    rates = per_call(rows, run.information["canary"]["clock_adds"])
    far = out_of_cache(rates, run)
    far = far[far["elements"] == far["elements"].max()]
    passes = dict.fromkeys(
        name for algorithm in selection.THREE_PASS for name in run.information["algorithms"].get(algorithm, [])
    )
    if not passes:
        raise MissingRows("Three-Pass was not measured")
    target = 1 - (1 - TARGET_CONFIDENCE) / len(passes)
    table = pd.concat([_against_loops(run, name, far, target) for name in passes]).reset_index(drop=True)
    for bound in ("median", "low", "high"):
        table[f"over_memory_percent_{bound}"] = 100 * np.expm1(table[f"log_ratio_{bound}"].astype(float))
    times = far.groupby(["pass", "variant", "process"])["nanoseconds_per_element"].median()
    in_l2 = {cache["level"]: cache["bytes"] for cache in run.information["machine"]["caches"]}.get(2, 0)
    near = rates[2 * BYTES_PER_FLOAT * rates["elements"] <= in_l2]
    computing = near.groupby(["pass", "elements"])["nanoseconds_per_element"].median().groupby("pass").min()
    memory = {row["pass"]: times[tuple(row["loop"].split())].median() for _, row in table.iterrows()}
    table["computing_percent"] = [100 * computing.get(name, np.nan) / memory[name] for name in table["pass"]]
    return table.drop(columns=[f"log_ratio_{bound}" for bound in ("median", "low", "high")])


def _against_loops(run: Run, name: str, rows: pd.DataFrame, target: float) -> pd.DataFrame:
    """Log ratio of a pass to the plain loop that moves the same data, with and without write-allocate, in the shortest
    time. A ratio to each loop is formed within rounds, and the largest median is taken with its interval: the fastest
    loop of each round would be biased."""
    kernels = run.information["kernels"]

    def traffic(kernel: str) -> tuple[int, ...]:
        return *moved(kernels[kernel]), write_allocate_floats(kernel, kernels[kernel])

    held = set(rows["pass"])
    same = [loop for loop in limits(run.information) if loop in held and traffic(loop) == traffic(name)]
    if not same or name not in held:
        raise MissingRows(f"{name} or a plain loop that moves the same data was not measured out of cache")
    contenders = rows.assign(algorithm=rows["pass"].where(rows["pass"] == name, rows["pass"] + " " + rows["variant"]))
    loops = sorted(set(contenders[contenders["pass"].isin(same)]["algorithm"]))
    tables = [
        intervals(_process_ratios(contenders, name, loop).assign(loop=loop), ["loop"], "log_ratio", target)
        for loop in loops
    ]
    table = pd.concat([found for found in tables if len(found)] or tables[:1])
    if table.empty:
        raise MissingRows(f"no round has both {name} and a plain loop that moves the same data")
    return table.sort_values("log_ratio_median", kind="stable").tail(1).assign(**{"pass": name})


def _process_ratios(contenders: pd.DataFrame, name: str, loop: str) -> pd.DataFrame:
    """The log ratio of a pass and a loop in each process: the median over the rounds in which nothing disturbed either,
    or, of a process that has no such round, the ratio of the medians of their undisturbed samples."""
    logs = contenders.assign(log=np.log(contenders["nanoseconds"] / contenders["calls"]))
    medians = logs.groupby(["algorithm", "process"])["log"].median()
    apart = medians.get(name, pd.Series(dtype=float)) - medians.get(loop, pd.Series(dtype=float))
    together = log_ratios(contenders, name, loop).groupby("process")["log_ratio"].median()
    return together.combine_first(apart).dropna().rename("log_ratio").rename_axis("process").reset_index()


def slowest_pass(run: Run, isa: str | None, algorithm: str | None) -> Measured:
    """By how much the pass of Three-Pass that is farthest from it exceeds the time of memory alone, in percent."""
    table = pass_limits(run, isa)
    worst = table.loc[table["over_memory_percent_median"].idxmax()]
    return Measured(
        worst["over_memory_percent_median"],
        table["over_memory_percent_low"].max(),
        table["over_memory_percent_high"].max(),
        1 - (1 - table["confidence"]).sum(),
        "; ".join(_limit(row) for _, row in table.sort_values("over_memory_percent_median").iterrows()),
    )


def _limit(row: pd.Series) -> str:
    """A pass against memory, in words."""
    text = f"{row['pass']} {1 + row['over_memory_percent_median'] / 100:.2f} × {row['loop'].split()[0]}"
    if np.isnan(row["computing_percent"]):
        return text
    bound = ", compute-bound" if row["computing_percent"] > 100 else ""
    return f"{text} (computing alone {row['computing_percent'] / 100:.2f} ×{bound})"


def results_not_finite(run: Run, isa: str | None, algorithm: str | None) -> Measured:
    """How many results of an algorithm were not finite, for inputs anywhere in the kernels' domain."""
    checks = [
        check
        for check in run.information.get("domain", [])
        if check["algorithm"] == algorithm and isa in (None, check["isa"])
    ]
    if not checks:
        raise MissingRows(f"the run did not look at the domain of {algorithm}")
    wrong = sum(check["not_finite"] for check in checks)
    errors = [check["largest_sum_error"] for check in checks if check["largest_sum_error"] is not None]
    isas = ", ".join(names.ISAS[isa] for isa in dict.fromkeys(check["isa"] for check in checks))
    passes = run.information["algorithms"][algorithm or ""]
    return Measured(
        wrong,
        wrong,
        wrong,
        1.0,
        f"of {sum(check['results'] for check in checks):,} results for |x| up to "
        f"{min(check['largest_magnitude'] for check in checks):,.0f} ({isas}); the passes are {' and '.join(passes)}; "
        f"largest |Σy - 1| {max(errors, default=float('nan')):.1g}",
        is_counted=True,
    )


def floats_per_element(run: Run, isa: str | None, algorithm: str | None) -> Measured:
    """Floats that an algorithm reads and writes for each element, as its passes declare and a test counts."""
    passes = run.information["algorithms"].get(algorithm or "")
    if passes is None:
        raise MissingRows(f"the run has no algorithm {algorithm}")
    floats = {name: logical_floats(run.information["kernels"][name]) for name in passes}
    total = sum(floats.values())
    told = " + ".join(f"{number} ({name})" for name, number in floats.items())
    told = f"{told}, as the kernels declare and tests/kernels/test_traffic.py counts"
    return Measured(total, total, total, 1.0, told, is_counted=True, is_declared=True)


QUANTITIES: Mapping[str, Callable[[Run, str | None, str | None], Measured]] = {
    "largest-speedup-percent": largest_speedup,
    "slowest-pass-over-memory-percent": slowest_pass,
    "results-not-finite": results_not_finite,
    "floats-per-element": floats_per_element,
}
"""By their names in config/claims.yaml: (run, ISA, algorithm) gives Measured, or raises MissingRows."""
