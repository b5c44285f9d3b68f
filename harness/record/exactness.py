"""What results promise to be, and whether those of a run are. Wrong results are no evidence, however fast they come."""

import math
from collections.abc import Collection, Iterator
from itertools import product

from harness.record.isa import ISAS
from harness.record.run import Record

TOO_FAST = "too-fast"
"""The flag of a sample that is faster than the machine's memory or its core allows."""
LARGEST_ERROR = 3e-6
"""Relative, of every result whose sums are folded (kernels/passes.h): 32 additions, 1.9e-6; exp; the divisions."""
LARGEST_EXP_ULPS = 2.0
"""Of exp at every float32 in [-87.3, -0] (kernels/exp.h)."""
EXTENDED_SUM = "ext_sum"
"""What the names of passes begin with that sum in extended range, whatever their form and accumulation."""
ROUNDING = 2.0**-24
"""Relative, of one float operation."""
LARGEST_EXPONENT = 88.0
"""No exp(x - max) of a larger |x - max| is a normal float."""
LARGEST_SHARE_OUT_OF_ORDER = 1e-4
"""Of neighbours in order of x, whose y may be an ulp the wrong way round: 3e-6 were seen."""
MOST_MERGED = 12
"""Additions that a published sum has beside those of its vectors, at most: its accumulators, and the rest."""


def allowed(passes: Collection[str], accumulation: str = "folded", isa: str = "", elements: int = 0) -> float:
    """The largest relative error of a result by an algorithm of these passes. Where they do not sum in extended range,
    the difference of x to a maximum is rounded; sums in float lanes, as published, may lose half an ulp at every
    addition."""
    error = LARGEST_ERROR
    if not any(name.startswith(EXTENDED_SUM) for name in passes):
        error += LARGEST_EXPONENT * ROUNDING
    if accumulation == "lanes":
        error += (elements / ISAS[isa].lanes + MOST_MERGED) * ROUNDING
    return error


def faults(run: Record) -> list[str]:
    """Why the results that a run tells of are not what they promise to be, a line each, the worst ISAs and lengths
    alone; empty where they are, or where the run did not look."""
    found: dict[tuple[str, ...], str] = {}
    for key, fault in _faults(run):
        found.setdefault(key, fault)
    return list(found.values())


def _faults(run: Record) -> Iterator[tuple[tuple[str, ...], str]]:
    for item in run.exp:
        wrong = sum(item["counts"][math.ceil(LARGEST_EXP_ULPS * item["bins_per_ulp"]) + 1 :])
        if wrong or not item["largest_ulps"] <= LARGEST_EXP_ULPS:
            told = f"exp is off by {item['largest_ulps']:.3g} ulp where {LARGEST_EXP_ULPS:g} are allowed"
            yield ("exp", item["isa"]), f"{item['isa']}: {told}"
    for missing in _not_looked_at(run):
        yield (missing,), f"{missing}: its accuracy was asked for and is not known"
    # Libraries are measured as they are.
    for row in (row for row in run.accuracy if row["accumulation"] != "library"):
        name = f"{row['isa']} {row['algorithm']}" + (" in float lanes" if row["accumulation"] == "lanes" else "")
        bound = allowed(run.algorithms[row["algorithm"]], row["accumulation"], row["isa"], row["elements"])
        errors = row["largest_relative_error"], row["rms_relative_error"], abs(row["sum_error"])
        # What is compared is off by as much on either side.
        worst = max(*errors, (row["shift_difference"] or 0) / 2)
        if row["not_finite"]:
            yield (name,), f"{name}: {row['not_finite']} of {row['elements']} results are not finite"
        elif not worst <= bound:
            yield (name,), f"{name}: results are off by {worst:.2g} where {bound:.2g} is allowed"
        elif (row["order_violations"] or 0) > LARGEST_SHARE_OUT_OF_ORDER * row["elements"]:
            told = f"{row['order_violations']} of {row['elements']} results are not in the order of x"
            yield (name,), f"{name}: {told}"
    for check in run.domain:
        name = f"{check['compiler']} {check['isa']} {check['algorithm']}"
        bound = allowed(run.algorithms[check["algorithm"]])
        if check["not_finite"]:
            yield (name,), f"{name}: {check['not_finite']} of {check['results']} results in its domain are not finite"
        elif (error := check["largest_sum_error"]) is None or not error <= bound:
            told = "no sum is known" if error is None else f"sums are off by {error:.2g} where {bound:.2g} is allowed"
            yield (name,), f"{name}: in its domain {told}"


def _not_looked_at(run: Record) -> Iterator[str]:
    """ISA and algorithm of what the primary compiler measured, where accuracy was asked for and there is none of it."""
    if run.accuracy_elements is None:
        return
    items = [item for its in run.experiments.values() for item in its if item.compiler == run.primary]
    looked = {(row["isa"], row["algorithm"]) for row in run.accuracy}
    for isa, algorithm in product(dict.fromkeys(item.isa for item in items), run.algorithms):
        if (isa, algorithm) not in looked:
            yield f"{isa} {algorithm}"


def unknown(run: Record) -> list[str]:
    """What a run did not look at, since it is older than the look, or its protocol asks for none."""
    looked = {"accuracy": run.accuracy_elements is not None, "the domain": bool(run.domain)}
    return [what for what, is_known in looked.items() if not is_known]


def excluded(run: Record) -> str:
    """The variants that were not measured because they compute something else, in one line; empty where there are
    none."""
    those = run.excluded or ()
    named = [f"{item['compiler']} {item['isa']} {item['pass']} {item['variant']} ({item['reason']})" for item in those]
    if not named:
        return ""
    count = f"{len(named)} variants that are" if len(named) > 1 else "a variant that is"
    return f"EXCLUDED: {count} wrong: {'; '.join(named)}"
