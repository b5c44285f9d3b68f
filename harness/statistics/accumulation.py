"""What it costs to fold sums into doubles: each pass that sums against the same without folds."""

import numpy as np
import pandas as pd

from harness.record.names import LANES
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.ratios import intervals, log_ratios


def costs(run: Run) -> pd.DataFrame:
    """How much longer each pass takes than its counterpart that accumulates as published, within rounds.

    Returns one row for each (isa, compiler, elements, pass): cost_percent_median, _low, _high, confidence, processes.
    Raises MissingRows.
    """
    rows = selection.accumulation_rows(run)
    rows = rows[rows["compiler"] == selection.compilers(rows)[0]].assign(algorithm=rows["pass"])
    by = ["isa", "compiler", "elements"]
    tables = []
    for name in dict.fromkeys(rows["pass"].str.removesuffix(LANES)):
        ratios = intervals(log_ratios(rows, name, f"{name}{LANES}"), by, "log_ratio")
        tables.append(ratios.assign(**{"pass": name}))
    table = pd.concat(tables).sort_values([*by, "pass"]).reset_index(drop=True)
    for bound in ("median", "low", "high"):
        table[f"cost_percent_{bound}"] = 100 * np.expm1(table[f"log_ratio_{bound}"].astype(float))
    return table[
        [*by, "pass", "cost_percent_median", "cost_percent_low", "cost_percent_high", "confidence", "processes"]
    ]
