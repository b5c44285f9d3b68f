"""Runs of one body of evidence against each other: where they agree, and by how much they differ."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.tables.speedups import RIVALS, pooled_speedups, speedups
from harness.reading.evidence import Evidence, in_percent, of_each
from harness.record.errors import MissingRows
from harness.record.samples import Run, made_once
from harness.statistics.intervals import TARGET_CONFIDENCE, bounds
from harness.statistics.ratios import POINT

OVERLAPS = {"": "agrees", "over_processes_": "agrees_over_processes"}


@made_once
def each_run(evidence: Evidence) -> pd.DataFrame:
    """The speedup that each run of the body shows, where several have a length, over the rival that is the better one
    of all pooled. Raises MissingRows where no two runs have a length in common.

    Returns one row for each (isa, compiler, elements, run): against; speedup_percent_median, _low, _high (of what is
    common to all runs, by this one: its processes' noise and how much runs differ), over_processes_speedup_percent_low,
    _high (of its processes' noise alone), difference_percent_median, _low, _high (of t_rival / t_two_pass to the pooled
    one), agrees (whether its interval has a part in common with those of all others), confidence, processes.
    """
    pooled = pooled_speedups(evidence)
    tables = of_each(evidence.runs, lambda run: _of_run(run, evidence))
    table = pd.concat(tables, ignore_index=True).merge(
        pooled[[*POINT, "against", "speedup_percent_median"]], on=[*POINT, "against"], suffixes=("", "_pooled")
    )
    table = table[table.groupby(POINT)["run"].transform("nunique") > 1]
    if table.empty:
        raise MissingRows("no two runs of one body of evidence have a length in common")
    whole = 1 + table["speedup_percent_median_pooled"] / 100
    differences = {
        end: 100 * ((1 + table[own] / 100) / whole - 1)
        for end, own in zip(bounds("difference_percent"), bounds("speedup_percent"), strict=True)
    }
    points = table.groupby(POINT)
    last_begins = points["speedup_percent_low"].transform("max")
    first_ends = points["speedup_percent_high"].transform("min")
    table = table.assign(**differences, agrees=last_begins <= first_ends)
    columns = [*POINT, "run", "against", *bounds("speedup_percent"), *OVER_PROCESSES, *bounds("difference_percent")]
    return table.sort_values([*POINT, "run"], ignore_index=True)[[*columns, "agrees", "confidence", "processes"]]


OVER_PROCESSES = ["over_processes_speedup_percent_low", "over_processes_speedup_percent_high"]


def _of_run(run: Run, evidence: Evidence) -> pd.DataFrame:
    """What one run shows of every rival, with the spread of the body's runs."""
    table = in_percent(RIVALS(Evidence((run,), lent=evidence.lent or evidence.runs)), "speedup")
    ends = {f"speedup_percent_{end}": table[f"mean_speedup_percent_{end}"] for end in ("low", "high")}
    own = speedups(run).rename(columns=dict(zip(bounds("speedup_percent")[1:], OVER_PROCESSES, strict=True)))
    table = table.assign(**ends, run=run.name, confidence=TARGET_CONFIDENCE)
    return table.merge(own[[*POINT, *OVER_PROCESSES]], on=POINT)


def pairs(table: pd.DataFrame, runs: Sequence[str]) -> pd.DataFrame:
    """Every pair of these runs in a table of `each_run`: first, second, points (lengths of an ISA and compiler that
    both have), agree and agree_over_processes (at how many of them their intervals overlap), and
    largest_difference_percent with where it is (isa, compiler, elements)."""
    return pd.DataFrame([_pair(table, *two) for two in combinations(runs, 2)])


def differences(table: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """The points that two runs of `each_run` have in common, the largest difference first: the columns of both with
    _first and _second, difference_percent (of t_rival / t_two_pass of the second to the first), agrees and
    agrees_over_processes."""
    one, other = (table[table["run"] == name] for name in (first, second))
    both = one.merge(other, on=POINT, suffixes=("_first", "_second"))
    ratio = [1 + both[f"speedup_percent_median_{which}"] / 100 for which in ("first", "second")]
    both["difference_percent"] = 100 * (ratio[1] / ratio[0] - 1)
    for what, name in OVERLAPS.items():
        # Intervals have a part in common where the last to begin does so before the first to end.
        begins = both[[f"{what}speedup_percent_low_{which}" for which in ("first", "second")]]
        ends = both[[f"{what}speedup_percent_high_{which}" for which in ("first", "second")]]
        both[name] = begins.max(axis=1) <= ends.min(axis=1)
    return both.sort_values("difference_percent", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def _pair(table: pd.DataFrame, first: str, second: str) -> dict[str, object]:
    both = differences(table, first, second)
    worst = both.iloc[0] if len(both) else pd.Series(dtype=object)
    return {
        "first": first,
        "second": second,
        "points": len(both),
        "agree": int(both["agrees"].sum()),
        "agree_over_processes": int(both["agrees_over_processes"].sum()),
        "largest_difference_percent": worst.get("difference_percent", np.nan),
        **{name: worst.get(name) for name in POINT},
    }


def agreement(evidence: Evidence) -> tuple[int, int]:
    """At how many points all runs that have them agree, and of how many. Raises MissingRows."""
    points = each_run(evidence).drop_duplicates(POINT)
    return int(points["agrees"].sum()), len(points)
