"""Other libraries beside our algorithms: times, and how much faster Two-Pass is than each."""

import numpy as np
import pandas as pd

from analysis.tables.times import per_call
from harness.record.samples import Run, made_once
from harness.statistics import selection
from harness.statistics.intervals import bounds, intervals
from harness.statistics.ratios import TEAM, log_ratios, of_calls, percents
from harness.statistics.selection import TWO_PASS

PEERS, OVERHEAD = "peers", "peer-overhead"
DISTRIBUTION = "uniform ±10"
"""Of the distributions that accuracy is known for: sums of many terms of all sizes, and nothing is near the limits."""


@made_once
def compared(run: Run) -> pd.DataFrame:
    """Time of each algorithm and library, one row for each (isa, compiler, elements, threads, name); the length 1 tells
    what a call costs.

    Columns: title, version, output ("given" or "allocated"); nanoseconds_per_call_median, _low, _high;
    two_pass_speedup_percent_median, _low, _high (of Two-Pass over this one, within
    rounds; empty for itself); largest_relative_error (on
    DISTRIBUTION, where it is known at this length); confidence, processes. Raises MissingRows.
    """
    tables = [_timed(run, name) for name in (PEERS, OVERHEAD) if (run.samples["experiment"] == name).any()]
    table = pd.concat(tables or [_timed(run, PEERS)]).reset_index(drop=True)
    libraries = run.peers.libraries
    for column, ours in (("title", "this project"), ("version", ""), ("output", "given")):
        table[column] = [getattr(libraries[name], column) if name in libraries else ours for name in table["name"]]
    known = errors(run).set_index(["name", "elements"])["largest_relative_error"].to_dict()
    table["largest_relative_error"] = [
        known.get(key, np.nan) for key in zip(table["name"], table["elements"], strict=True)
    ]
    values = [*bounds("nanoseconds_per_call"), *bounds("two_pass_speedup_percent"), "largest_relative_error"]
    return table[[*TEAM, "name", "title", "version", "output", *values, "confidence", "processes"]]


def ours(run: Run) -> list[str]:
    """The algorithms that are drawn beside libraries: the paper's, and of those that came later the fastest at the
    longest length in one thread. Raises MissingRows."""
    table = compared(run)
    later = table[table["name"].isin(set(run.algorithms) - set(run.papers)) & (table["threads"] == 1)]
    longest = later[later["elements"] == later["elements"].max()].sort_values("nanoseconds_per_call_median")
    return [*run.papers, *longest["name"].head(1)]


@made_once
def errors(run: Run) -> pd.DataFrame:
    """Largest relative error of each algorithm (in the ISA of the comparison) and library on DISTRIBUTION, by name and
    elements."""
    found = pd.DataFrame(
        run.accuracy,
        columns=["isa", "algorithm", "accumulation", "distribution", "elements", "largest_relative_error"],
    )
    isas = {"", *(item.isa for item in run.experiments.get(PEERS, ()))}
    found = found[found["isa"].isin(isas) & (found["accumulation"] != "lanes")]
    found = found[found["distribution"] == DISTRIBUTION].rename(columns={"algorithm": "name"})
    return found[["name", "elements", "largest_relative_error"]].reset_index(drop=True)


def _timed(run: Run, experiment: str) -> pd.DataFrame:
    samples = selection.of_primary(selection.team_rows(run, experiment), run)
    samples = per_call(samples, run.canary.clock_adds).assign(name=samples["algorithm"])
    others = dict.fromkeys(set(samples["name"]) - {TWO_PASS}, TWO_PASS)
    logs = log_ratios(of_calls(samples), others).rename(columns={"algorithm": "name"})
    ratios = percents(logs, [*TEAM, "name"], "two_pass_speedup").drop(columns=["confidence", "processes"])
    times = intervals(samples, [*TEAM, "name"], "nanoseconds_per_call")
    return times.merge(ratios, on=[*TEAM, "name"], how="left")
