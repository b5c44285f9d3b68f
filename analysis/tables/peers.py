"""Other libraries beside our algorithms: times, and how much faster Two-Pass is than each."""

import numpy as np
import pandas as pd

from harness.record.run import peers as libraries_of
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.ratios import intervals, log_ratios, per_call
from harness.statistics.teams import KEYS, primary

PEERS, OVERHEAD = "peers", "peer-overhead"
DISTRIBUTION = "uniform ±10"
"""Of the distributions that accuracy is known for: sums of many terms of all sizes, and nothing is near the limits."""


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
    libraries = libraries_of(run.information)
    for column, ours in (("title", "this project"), ("version", ""), ("output", "given")):
        table[column] = [libraries[name][column] if name in libraries else ours for name in table["name"]]
    known = errors(run).set_index(["name", "elements"])["largest_relative_error"].to_dict()
    table["largest_relative_error"] = [
        known.get(key, np.nan) for key in zip(table["name"], table["elements"], strict=True)
    ]
    return table[
        [*KEYS, "name", "title", "version", "output"]
        + [f"nanoseconds_per_call_{bound}" for bound in ("median", "low", "high")]
        + [f"two_pass_speedup_percent_{bound}" for bound in ("median", "low", "high")]
        + ["largest_relative_error", "confidence", "processes"]
    ]


def errors(run: Run) -> pd.DataFrame:
    """Largest relative error of each algorithm (in the ISA of the comparison) and library on DISTRIBUTION, by name and
    elements."""
    found = pd.DataFrame(
        run.information.get("accuracy", {}).get("softmax", []),
        columns=["isa", "algorithm", "accumulation", "distribution", "elements", "largest_relative_error"],
    )
    isas = {"", *(item["isa"] for item in run.information["experiments"].get(PEERS, []))}
    found = found[found["isa"].isin(isas) & (found["accumulation"] != "lanes")]
    found = found[found["distribution"] == DISTRIBUTION].rename(columns={"algorithm": "name"})
    return found[["name", "elements", "largest_relative_error"]].reset_index(drop=True)


def _timed(run: Run, experiment: str) -> pd.DataFrame:
    samples = primary(selection.team_rows(run, experiment))
    samples = per_call(samples, run.information["canary"]["clock_adds"]).assign(name=samples["algorithm"])
    table = intervals(samples, [*KEYS, "name"], "nanoseconds_per_call")
    tables = []
    for threads, those in samples.groupby("threads"):
        for name in set(those["algorithm"]) - {selection.TWO_PASS}:
            ratios = log_ratios(those, name, selection.TWO_PASS)
            tables.append(intervals(ratios, list(KEYS[:3]), "log_ratio").assign(threads=threads, name=name))
    ratios = pd.concat(tables).drop(columns=["confidence", "processes"])
    table = table.merge(ratios, on=[*KEYS, "name"], how="left")
    for bound in ("median", "low", "high"):
        table[f"two_pass_speedup_percent_{bound}"] = 100 * np.expm1(table[f"log_ratio_{bound}"])
    return table
