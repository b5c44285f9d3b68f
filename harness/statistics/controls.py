"""Known answers of a run: an algorithm against itself, against its copy elsewhere, and with planted extra work."""

import pandas as pd

from harness.record.run import Control
from harness.record.samples import Run, made_once
from harness.statistics import selection
from harness.statistics.intervals import bounds
from harness.statistics.ratios import POINT, log_ratios, of_calls, percents


def are_in(run: Run) -> bool:
    """Whether the run has controls."""
    return bool(run.controls) and bool((run.samples["experiment"] == "controls").any())


@made_once
def differences(run: Run) -> pd.DataFrame:
    """How much longer each control takes than the algorithm that it is a control of, t_control / t_algorithm - 1.

    Returns one row for each (isa, compiler, elements, control): kind (again, moved, planted), planted_percent,
    difference_percent_median, _low, _high, confidence, processes. Raises MissingRows.
    """
    over = {name: its.algorithm for name, its in run.controls.items()}
    logs = log_ratios(of_calls(selection.control_rows(run)), over).rename(columns={"algorithm": "control"})
    table = percents(logs, [*POINT, "control"], "difference")
    which = [run.controls[name] for name in table["control"]]
    table = table.assign(kind=[*map(kind, which)], planted_percent=[float(its.extra_percent) for its in which])
    table = table.sort_values([*POINT, "planted_percent", "control"], ignore_index=True)
    what = ["control", "kind", "planted_percent"]
    return table[[*POINT, *what, *bounds("difference_percent"), "confidence", "processes"]]


def kind(control: Control) -> str:
    """What a control is for: again, moved or planted."""
    if control.extra_percent:
        return "planted"
    return "moved" if control.moved else "again"
