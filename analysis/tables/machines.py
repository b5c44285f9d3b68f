"""All machines that have a run, side by side."""

from typing import Any

from analysis.tables.bandwidths import EFFECTIVE, at_longest
from analysis.tables.speedups import largest, pooled_speedups, wins_from
from harness.reading.evidence import Evidence, doubts, floors
from harness.record.errors import MissingRows
from harness.record.machines import emulator, is_evidence, load_machines
from harness.record.samples import Run
from harness.statistics import selection
from harness.statistics.intervals import bounds
from harness.statistics.selection import TWO_PASS

BEST = ("best_speedup_percent", "best_speedup_percent_low", "best_speedup_percent_high")
"""The largest speedup with its interval."""
NOTHING = "no run has both Two-Pass and a Three-Pass algorithm in a round"


def machine(evidence: Evidence) -> list[dict[str, Any]]:
    """One row for each ISA of a machine: the largest speedup (percent; `largest`), from which length on every interval
    lies above the noise floor (elements, empty: at none), and the bandwidth of the passes of Two-Pass at the longest
    length of the newest run (GB/s, effective) beside the fastest plain load and copy there. Raises MissingRows."""
    run, rows = evidence.newest, []
    found = selection.of_primary(pooled_speedups(evidence), run)
    if found.empty:
        raise MissingRows(NOTHING)
    trust = doubts(evidence)
    for isa in selection.isas(found):
        best = largest(evidence).loc[isa]
        of_isa = found[found["isa"] == isa]
        wins = None if trust.doubt(isa) else wins_from(of_isa, floors(evidence, of_isa["elements"]))
        rows.append(
            {
                "machine": run.machine.name,
                "brand": run.machine.brand,
                "run": run.name,
                "runs": len(evidence.runs),
                "evidence": _evidence(run),
                "isa": isa,
                **dict(zip(BEST, best[bounds("speedup_percent")], strict=True)),
                "confidence": best["confidence"],
                "best_at_elements": best["elements"],
                "noise_floor_percent": trust.floor_percent,
                "wins_from_elements": wins,
                **_bandwidths(run, isa),
            }
        )
    return rows


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
