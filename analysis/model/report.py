"""The model in words: what it expects of machines that were not measured, why, and how far it may be trusted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.model import calibrate, forecast, sealed
from analysis.model.calibrate import ALGORITHM, BLOCK, PASS, SPEEDUP, Calibration, Comparison
from analysis.model.forecast import LENGTHS, PUBLISHED, SCENARIOS, largest_speedup, predicted_machines
from analysis.model.times import REGIONS
from harness.reading import names
from harness.reading.claims import paper_percent
from harness.record.samples import Run
from harness.statistics import selection

COVERAGE_TARGET, BAND_TARGET = (70, 90), 15
"""Percent of what was not fitted in the bands; points of half a band of the largest speedup."""
EXPECTED = ("expected", "expected_isa")
SLOWER = (*np.arange(1.05, 3.01, 0.05),)


def judged(comparison: Comparison) -> pd.DataFrame:
    """All that was measured beside what a fit expects that saw neither its block nor, in `expected_isa`, its ISA: the
    columns of Comparison's table, and expected, low, high (80 %), expected_isa."""
    table, errors = comparison.table, comparison.held_out(BLOCK)
    widths, apart = calibrate.half_widths(table, errors), comparison.held_out(["isa"])
    logs = {"expected": errors, "low": errors - widths, "high": errors + widths, "expected_isa": apart}
    return table.assign(**{name: table["measured"] * np.exp(log) for name, log in logs.items()})


def validation(calibration: Calibration, table: pd.DataFrame) -> str:
    """How well the model does where it was not fitted, as Markdown; `table` as `judged` gives it."""
    ratios, (least, most), rows, misses = table["kind"] == SPEEDUP, COVERAGE_TARGET, [], []
    far = ratios & (table["region"] == REGIONS[-1])
    for what, unit, asked, which in (
        ("times of algorithms", "%", 7, table["kind"] == ALGORITHM),
        ("times of passes", "%", 7, table["kind"] == PASS),
        ("speedups out of cache, AVX512F", "points", 5, far & (table["isa"] == "avx512f")),
        ("speedups out of cache, AVX2", "points", 7, far & (table["isa"] == "avx2")),
        ("speedups", "points", np.inf, ratios),
    ):
        own = table[which]
        scale = 100 / (own["measured"] if unit == "%" else 1)
        block, isa = (float((scale * (own[name] - own["measured"]).abs()).median()) for name in EXPECTED)
        covered = 100 * own["measured"].between(own["low"], own["high"]).mean()
        rows.append(f"| {what} | {len(own)} | {block:.1f} {unit} | {isa:.1f} {unit} | {covered:.0f} % |")
        misses += [f"{what} are off by {block:.1f} {unit}, asked at most {asked}"] if block > asked else []
        if not least <= covered <= most and "AVX" not in what:
            misses.append(f"{covered:.0f} % of {what} in the bands, asked {least} to {most}")
    return f"""\
By {calibration.machine}, runs {", ".join(calibration.runs)}.
Not met of what was asked: {"; ".join(misses) or "nothing"}.

| what | how many | median error, block not fitted | median error, whole ISA not fitted | in the bands of 80 % |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}

Fitted: loops lie {calibration.in_core:g} of the way from llvm-mca's block throughput to its simulation; stores cost
{calibration.lone_store:g} times the copy loop's while nothing is read from beyond L2. Bandwidths are those of the runs'
own loops. Each block of (compiler, ISA, what holds X) is predicted by a fit to all others; its bands are as wide as the
errors of other blocks with X in the same place. Neighbouring lengths are not independent.
"""


def explanation(runs: Mapping[str, Run], recorded: str) -> str:
    """What the model expects of the paper's machines, and why, as a page of Markdown; `runs`, by machine, judge what
    was sealed; `recorded` is the validation. Raises HarnessError."""
    others, rows = list(SCENARIOS)[1:], []
    for name, isa in ((name, isa) for name, isas in predicted_machines().items() for isa in isas):
        claim, (_, low, high) = paper_percent(isa), largest_speedup(name, isa)
        claimed = f"up to {claim.value:g} %" if claim and claim.machine == name else "more than 0"
        wide = f", wider than ± {BAND_TARGET}" if high - low > 2 * BAND_TARGET else ""
        medians = (f"{largest_speedup(name, isa, one)[0]:+.0f}" for one in others)
        cells = [name, names.ISAS[isa], forecast.told(name, isa) + wide, claimed, *medians]
        rows.append(f"| {' | '.join(cells)} |")
    written = {name: sealed.load(name) for name in sorted({*predicted_machines(), *runs})}
    scores = [f"- {name}, {one[0]}: {sealed.told(one, runs.get(name))}." for name, one in written.items() if one]
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
the model was off where it was not fitted. That knows one microarchitecture: for another it is widened by
{forecast.OTHER_MICROARCHITECTURE:g} (OTHER_MICROARCHITECTURE in analysis/model/forecast.py, with its reason).

## Sealed before it was measured

{chr(10).join(scores) or "Nothing."}

## Validation

{recorded.strip()}
"""


def _why(name: str) -> str:
    """What limits the passes of a machine out of cache, and what would have to be true for what the paper claims."""
    parts = [f"**{name}.**"]
    for isa in predicted_machines()[name]:
        ours, theirs = (forecast.forecast(name, isa, one).prediction for one in ("as it is", PUBLISHED))
        shares = []
        for (algorithm, one), time in ours.passes.items():
            if algorithm in (selection.TWO_PASS, selection.THREE_PASS[1]):
                computed, data = (np.median(part[:, -1]) for part in (time.computation, sum(time.data.values())))
                shares.append(f"{one} {100 * computed / data:.0f} %")
        (shape, *ends), (published, *its) = (one.subject.loops["ext_sum"] for one in (ours, theirs))
        parts.append(
            f"In {names.ISAS[isa]} at {names.count(LENGTHS[-1])} elements computation takes, of the time of the data: "
            f"{', '.join(shares)}; what is below 100 % waits for memory. A vector of ext_sum takes {np.mean(ends):.1f} "
            f"cycles ({shape}), in the published shape {np.mean(its):.1f} ({published}); with all published shapes "
            f"{largest_speedup(name, isa, PUBLISHED)[0]:+.0f} % would be expected.{_needed(name, isa)}"
        )
    return " ".join(parts)


def _needed(name: str, isa: str) -> str:
    """How slow ext_sum would have to be for the largest speedup that the paper claims of this machine."""
    claim = paper_percent(isa)
    if claim is None or claim.machine != name or largest_speedup(name, isa)[0] <= claim.value:
        return ""
    for slower in SLOWER:
        if np.median(forecast.forecast(name, isa, elements=LENGTHS[-1:], slower=slower).speedup()) <= claim.value:
            return f" For the paper's {claim.value:g} % ext_sum would have to take {slower:.2f} times its cycles."
    return f" Even {SLOWER[-1]:g} times the cycles of ext_sum would not give the paper's {claim.value:g} %."
