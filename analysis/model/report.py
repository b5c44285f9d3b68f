"""The model in words: what it expects of machines that were not measured, why, and how far it may be trusted."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from analysis.model import forecast, validate
from analysis.model.forecast import LENGTHS, PUBLISHED, SCENARIOS, largest_speedup, predicted_machines
from analysis.model.times import REGIONS, Parameters
from analysis.model.validate import ALGORITHM, LATER, PASS, SPEEDUP
from harness.reading import names
from harness.reading.claims import paper_percent
from harness.statistics import selection

COVERAGE_TARGET, BAND_TARGET = (70, 90), 15
"""Percent of what was measured in the bands; points of half a band of the largest speedup."""


def validation(table: pd.DataFrame) -> str:
    """How well the model does, as Markdown; `table` as validate.compare gives it."""
    chosen = Parameters()
    machines, runs = sorted(set(table["machine"])), sorted(set(table["machine"] + "/" + table["run"]))
    ratios, (least, most), rows, misses = table["kind"] == SPEEDUP, COVERAGE_TARGET, [], []
    far = ratios & (table["region"] == REGIONS[-1])
    for what, unit, asked, which in (
        ("times of algorithms", "%", 7, table["kind"] == ALGORITHM),
        ("times of passes", "%", 7, table["kind"] == PASS),
        ("times of later algorithms", "%", np.inf, table["kind"] == LATER),
        ("speedups out of cache, AVX512F", "points", 5, far & (table["isa"] == "avx512f")),
        ("speedups out of cache, AVX2", "points", 7, far & (table["isa"] == "avx2")),
        ("speedups", "points", np.inf, ratios),
    ):
        if (own := table[which]).empty:
            continue
        scale = 100 / (own["measured"] if unit == "%" else 1)
        off = (scale * (own["expected"] - own["measured"]).abs()).groupby(own["machine"]).median()
        middle = float((scale * (own["expected"] - own["measured"]).abs()).median())
        inside, apart = (
            100 * own["measured"].between(own[f"low{end}"], own[f"high{end}"]).mean() for end in ("", "_apart")
        )
        each = ", ".join(f"{off[name]:.1f}" if name in off else "–" for name in machines)
        rows.append(f"| {what} | {len(own)} | {middle:.1f} {unit} | {each} | {inside:.0f} % | {apart:.0f} % |")
        misses += [f"{what} are off by {middle:.1f} {unit}, asked at most {asked}"] if middle > asked else []
        if not least <= inside <= most and "AVX" not in what and "later" not in what:
            misses.append(f"{inside:.0f} % of {what} in the bands, asked {least} to {most}")
    return f"""\
By runs {", ".join(runs)}.
Not met of what was asked: {"; ".join(misses) or "nothing"}.

| what | how many | median error | of {", ".join(machines)} | in the bands of 80 % | by other machines |
| --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

Bandwidths are those of the run's own loops, and computation takes as much longer as the run's canary did where a
neighbour had the core as well. Two numbers were chosen, with Zen 4 in view, and none is fitted: loops lie
{chosen.in_core:g} of the way from llvm-mca's block throughput to its simulation, and stores cost {chosen.lone_store:g}
times the copy loop's while nothing is read from beyond L2. The bands of each block of (machine, compiler, ISA, what
holds X) are as wide as the errors of other blocks with X in the same place; *by other machines*, as those of the other
machines, times {validate.OTHER_MICROARCHITECTURE:g}; those of later algorithms by the paper's. A run is held against
loops of its own kernels, which in-core.csv tells apart by their hash. Neighbouring lengths are not independent.
"""


def explanation(scores: Iterable[str], recorded: str) -> str:
    """What the model expects of the paper's machines, and why, as a page of Markdown; `scores` say how what was sealed
    fared; `recorded` is the validation. Raises HarnessError."""
    others, rows = list(SCENARIOS)[1:], []
    for name, isa in ((name, isa) for name, isas in predicted_machines().items() for isa in isas):
        claim, (_, low, high) = paper_percent(isa), largest_speedup(name, isa)
        claimed = f"up to {claim.value:g} %" if claim and claim.machine == name else "more than 0"
        wide = f", wider than ± {BAND_TARGET}" if high - low > 2 * BAND_TARGET else ""
        medians = (f"{largest_speedup(name, isa, one)[0]:+.0f}" for one in others)
        cells = [name, names.ISAS[isa], forecast.told(name, isa) + wide, claimed, *medians]
        rows.append(f"| {' | '.join(cells)} |")
    return f"""\
# What the model expects of machines that were not measured

Predictions, not measurements: no claim is judged by them. Largest speedup of Two-Pass out of cache: median with 10 to
90 %, what the paper claims, and the median for other loops.

| machine | ISA | model says | the paper claims | {" | ".join(others)} |
| --- | --- | --- | --- |{" --- |" * len(others)}
{chr(10).join(rows)}

{chr(10).join(f"- *{name}*: {text}." for name, text in SCENARIOS.items())}

## Why

{(2 * chr(10)).join(map(_why, predicted_machines()))}

## What the bands are

What is uncertain of a machine is drawn once a draw and shared by its passes: clock and bandwidths of each level (ranges
in config/machines/, none of these very products), where llvm-mca's loops lie, what lone stores cost, and up to
{100 * forecast.UNHIDDEN:.0f} % of the shorter one of computation and data that is not hidden. What remains is how far
the model was off on machines that were measured. What another microarchitecture does they cannot tell: for it errors
are widened by {validate.OTHER_MICROARCHITECTURE:g} (OTHER_MICROARCHITECTURE in analysis/model/validate.py, with its
reason).

## Sealed before it was measured

{chr(10).join(f"- {score}" for score in scores) or "Nothing."}

## Validation

{recorded.strip()}
"""


def _why(name: str) -> str:
    """What limits the passes of a machine out of cache, and what would have to be true for what the paper claims."""
    parts = [f"**{name}.**"]
    for isa in predicted_machines()[name]:
        ours, theirs = (forecast.forecast(name, isa, one).prediction for one in ("as it is", PUBLISHED))
        compared, two_pass = (selection.THREE_PASS[1], selection.TWO_PASS), ours.total(selection.TWO_PASS)
        shares = [
            f"{one} {100 * np.median(time.computation[:, -1] / time.data[:, -1]):.0f} %"
            for (algorithm, one), time in ours.passes.items()
            if algorithm in compared
        ]
        data = {a: sum(ours.passes[a, one].data for one in ours.subject.algorithms[a]) for a in ours.subject.algorithms}
        alone = np.minimum(*(data[rival] for rival in selection.THREE_PASS)) / data[selection.TWO_PASS]
        gains = {a: float(np.median((two_pass / ours.total(a))[:, -1])) for a in ours.subject.algorithms}
        best = max(gains, key=gains.__getitem__)
        (shape, *ends), (published, *its) = (one.subject.loops["ext_sum"] for one in (ours, theirs))
        parts.append(
            f"In {names.ISAS[isa]} at {names.count(LENGTHS[-1])} elements the data alone would let Two-Pass gain "
            f"{100 * (np.median(alone[:, -1]) - 1):.0f} %. Computation takes, of the time of the data: "
            f"{', '.join(shares)}; what is below 100 % waits for memory, what is above is bound by the core. A vector "
            f"of ext_sum takes {np.mean(ends):.1f} cycles ({shape}), in the published shape {np.mean(its):.1f} "
            f"({published}); with all published shapes {largest_speedup(name, isa, PUBLISHED)[0]:+.0f} % would be "
            f"expected.{_needed(name, isa)} Of all that is predicted {names.algorithm(best)} would be fastest there, "
            f"by {100 * (gains[best] - 1):.0f} % over Two-Pass."
        )
    return " ".join(parts)


def _needed(name: str, isa: str) -> str:
    """How slow ext_sum would have to be for the largest speedup that the paper claims of this machine."""
    claim, made = paper_percent(isa), forecast.forecast(name, isa).prediction
    if claim is None or claim.machine != name:
        return ""
    ext_sum, now = made.passes[selection.TWO_PASS, "ext_sum"], made.total(selection.TWO_PASS)
    longer = ext_sum.total + now * (made.ratio() / (1 + claim.value / 100) - 1)
    slower = float(np.median((longer / ext_sum.computation)[:, -1]))
    return f" For the paper's {claim.value:g} % ext_sum would have to take {slower:.2f} times its cycles."
