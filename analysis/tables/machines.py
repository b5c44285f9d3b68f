"""All machines that have a run, side by side."""

from contextlib import suppress

import pandas as pd

from analysis.tables.bandwidths import EFFECTIVE, at_longest
from analysis.tables.controls import verdict
from analysis.tables.speedups import largest, speedups, wins_from
from harness.record.errors import MissingRows
from harness.record.machines import emulator, is_evidence, load_machines
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.selection import TWO_PASS


def comparable(runs: list[Run]) -> list[Run]:
    """Those that have speedups, sorted by machine. Raises MissingRows where none has."""
    found = []
    for run in sorted(runs, key=lambda run: run.machine.name):
        with suppress(MissingRows):
            found += [run] if len(speedups(run)) else []
    if not found:
        raise MissingRows("no run has both Two-Pass and a Three-Pass algorithm in a round")
    return found


def machines(runs: list[Run]) -> pd.DataFrame:
    """One row for each machine, ISA: the largest speedup (percent; `largest`), from
    which length on every interval lies above the noise floor (elements, empty: at none), and the bandwidth of the
    passes of Two-Pass at the longest length (GB/s, effective) beside the fastest plain load and copy there."""
    rows = []
    for run in comparable(runs):
        found, doubts = selection.of_primary(speedups(run), run), verdict(run)
        for isa in selection.isas(found):
            best = largest(run).loc[isa]
            wins = None if doubts.doubt(isa) else wins_from(found[found["isa"] == isa], doubts.floor)
            rows.append(
                {
                    "machine": run.machine.name,
                    "brand": run.machine.brand,
                    "run": run.name,
                    "evidence": _evidence(run),
                    "isa": isa,
                    "best_speedup_percent": best["speedup_percent_median"],
                    "best_speedup_percent_low": best["speedup_percent_low"],
                    "best_speedup_percent_high": best["speedup_percent_high"],
                    "confidence": best["confidence"],
                    "best_at_elements": best["elements"],
                    "noise_floor_percent": doubts.floor_percent,
                    "wins_from_elements": wins,
                    **_bandwidths(run, isa),
                }
            )
    return pd.DataFrame(rows)


def _evidence(run: Run) -> str:
    """What the run says about the machine of its name: a file's own product, another one, or a name that was given."""
    if run.machine.overridden:
        return "none: name given"
    if told := emulator(run):
        return f"none: emulated ({told})"
    known = load_machines().get(run.machine.name)
    return "own machine" if known is None or is_evidence(known, run) else "generalization"


def _bandwidths(run: Run, isa: str) -> dict[str, float]:
    """Effective GB/s at the longest length of the passes of Two-Pass, and of load and copy; empty without passes."""
    try:
        speed = at_longest(run, isa)[f"{EFFECTIVE}_median"]
    except MissingRows:
        return {}
    wanted = (*run.algorithms[TWO_PASS], "load", "copy")
    return {f"{name}_gigabytes_per_second": speed[name] for name in wanted if name in speed}
