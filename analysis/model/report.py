"""The model in words: how well it does on a machine that can be measured, what it expects of others, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.model import calibrate, inputs
from analysis.model.calibrate import COVERED, Calibration, Comparison
from analysis.model.forecast import (
    LENGTHS,
    SCENARIOS,
    forecast,
    largest_speedup,
    out_of_cache,
    predicted_machines,
    told,
)
from analysis.model.predict import limits_table
from analysis.model.times import FLOATS_PER_LINE
from analysis.tables.bandwidths import bandwidths
from analysis.tables.speedups import speedups
from harness.record import names
from harness.record.claims import paper_percent
from harness.record.samples import Run
from harness.statistics import selection

TIME_TARGET, COVERAGE_TARGET = 7.0, (70.0, 90.0)
"""Percent: median error of times that were not fitted, and how many of them lie in the bands of 80 %."""
SPEEDUP_TARGET = {"avx512f": 5.0, "avx2": 8.0}
"""Points: median error of speedups out of cache."""
SLOWER = tuple(np.arange(1.05, 3.01, 0.05))
HELD_OUT = "all that was not fitted"


def parts(comparison: Comparison, calibration: Calibration) -> pd.DataFrame:
    """How far a fit is off, by what it had to do with the fit, passes and whole algorithms apart.

    Columns: part, kind (passes, algorithms), isa, compiler, times (how many), median_error_percent, coverage_percent.
    The last two rows are all that was not fitted.
    """
    table, rows = comparison.table, []
    table = table.assign(kind=np.where(table["pass"] == "", "algorithms", "passes"))
    for (kind, isa, compiler, fitted), those in table.groupby(["kind", "isa", "compiler", "fitted"], sort=False):
        if isa != comparison.isa:
            part = "another ISA" + (", another compiler" if compiler != calibration.fitted_compiler else "")
        else:
            part = "another compiler" if compiler != calibration.fitted_compiler else "other lengths"
        rows.append(
            {"part": "fitted" if fitted else part, "kind": kind, "isa": isa, "compiler": compiler, **_errors(those)}
        )
    for kind, those in table[~table["fitted"]].groupby("kind", sort=False):
        rows.append({"part": HELD_OUT, "kind": kind, "isa": "", "compiler": "", **_errors(those)})
    return pd.DataFrame(rows)


def _errors(table: pd.DataFrame) -> dict[str, float]:
    time = table["nanoseconds_per_element"]
    inside = (table["low_nanoseconds_per_element"] <= time) & (time <= table["high_nanoseconds_per_element"])
    error = table["error_percent"].abs().median()
    return {"times": len(table), "median_error_percent": error, "coverage_percent": 100 * inside.mean()}


def speedup_errors(comparison: Comparison, run: Run) -> pd.DataFrame:
    """Speedups out of cache, measured within rounds, and expected: isa, compiler, elements, fitted (whether the fit saw
    the times), measured_percent, expected_percent, error_points."""
    table = comparison.table
    whole = table[(table["pass"] == "") & run.machine.is_out_of_cache(table["elements"])]
    by = ["isa", "compiler", "elements"]
    times = whole.pivot(index=[*by, "fitted"], columns="algorithm", values="expected_nanoseconds_per_element")
    rival = times[list(selection.THREE_PASS)].min(axis=1)
    expected = (100 * (rival / times[selection.TWO_PASS] - 1)).rename("expected_percent").reset_index()
    found = speedups(run).rename(columns={"speedup_percent_median": "measured_percent"})[[*by, "measured_percent"]]
    result = expected.merge(found, on=by)
    return result.assign(error_points=result["expected_percent"] - result["measured_percent"])


def validation(calibration: Calibration, comparisons: Sequence[Comparison], run: Run) -> str:
    """How well the model does, as a page of Markdown: the fit that predictions use, then with the ISAs swapped."""
    own, *swapped = comparisons
    lines = [
        "# The model against a machine that was measured",
        "",
        f"{run.machine.brand} ({run.machine.name}), run {calibration.run}. Bandwidths of each level are those of the",
        "run's own plain loops; lengths next to each other are not independent.",
        "",
        *_fit(own, calibration, run, "The fit that predictions use"),
    ]
    for comparison in swapped:
        lines += _fit(comparison, calibration, run, "The ISAs swapped")
    lines += [
        "## What follows for machines that were not measured",
        "",
        f"The error of one pass with which bands of {100 * COVERED:.0f} % hold that many passes, and that many",
        f"algorithms: {100 * calibration.spread:.0f} % for what was fitted,",
        f"{100 * calibration.held_out_spread:.0f} % for what was not,",
        f"{100 * calibration.swapped_spread:.0f} % for what was not with the ISAs swapped. Predictions have the",
        "largest.",
    ]
    return "\n".join(lines) + "\n"


def _fit(comparison: Comparison, calibration: Calibration, run: Run, title: str) -> list[str]:
    values, found, ratios = comparison.values, parts(comparison, calibration), speedup_errors(comparison, run)
    lines = [
        f"## {title}: {calibration.fitted_compiler} in {names.ISAS[comparison.isa]}, every second length",
        "",
        f"Overlap {values['overlap']:.2f}; place between llvm-mca's ends {values['in_core']:.2f}; lone stores",
        f"{values['cold_store']:.2f} times the copy loop's{_store_loop(run, comparison.isa)};",
        f"{values['pass_cycles']:.0f} cycles a pass; {100 * values['l3_share']:.0f} % of L3.",
        "",
        "| what | of | ISA | compiler | times | median error | in the bands of 80 % |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in found.to_dict("records"):
        cells = (row["part"], row["kind"], names.ISAS.get(row["isa"], ""), row["compiler"], str(row["times"]))
        lines.append(f"| {' | '.join(cells)} | {row['median_error_percent']:.1f} % | {row['coverage_percent']:.0f} % |")
    low, high = COVERAGE_TARGET
    lines.append("")
    for row in found[found["part"] == HELD_OUT].to_dict("records"):
        error, share = row["median_error_percent"], row["coverage_percent"]
        lines.append(
            f"{row['kind']}, not fitted: asked at most {TIME_TARGET:g} %: {_met(error <= TIME_TARGET)}; asked "
            f"{low:g} to {high:g} % in the bands: {_met(low <= share <= high)}.  "
        )
    table = comparison.table[~comparison.table["fitted"]].dropna(subset=["textbook_nanoseconds_per_element"])
    off = 100 * (table["textbook_nanoseconds_per_element"] / table["nanoseconds_per_element"] - 1).abs()
    lines += [
        f"The textbook's execution-cache-memory model, algorithms, not fitted: median error {off.median():.1f} %.",
        "",
        "| ISA | compiler | elements | measured | expected | error, points | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in ratios.to_dict("records"):
        point = f"{names.ISAS[row['isa']]} | {row['compiler']} | {names.count(row['elements'])}"
        both = f"{row['measured_percent']:+.1f} % | {row['expected_percent']:+.1f} %"
        lines.append(f"| {point} | {both} | {row['error_points']:+.1f} | {'fitted' if row['fitted'] else ''} |")
    lines.append("")
    for isa, target in SPEEDUP_TARGET.items():
        errors = ratios.loc[(ratios["isa"] == isa) & ~ratios["fitted"], "error_points"]
        middle = errors.abs().median()
        told_of = f"speedups out of cache, not fitted ({len(errors)}): median error {middle:.1f} points, from "
        told_of += f"{errors.min():+.1f} to {errors.max():+.1f}, asked at most {target:g}"
        lines.append(f"{names.ISAS[isa]}, {told_of}: {_met(middle <= target)}.  ")
    return [*lines, ""]


def _store_loop(run: Run, isa: str) -> str:
    """What the run's own loop of stores says of the price that was fitted."""
    table = bandwidths(run)
    far = table[(table["isa"] == isa) & (table["pass"] == "store") & run.machine.is_out_of_cache(table["elements"])]
    if far.empty:
        return ""
    core = inputs.of_run(run, isa, 1)
    line = (core.read_nanoseconds[inputs.MEMORY] + core.write_nanoseconds[inputs.MEMORY]) * core.fetch_ratio
    ratio = FLOATS_PER_LINE * far["nanoseconds_per_element_median"].median() / line[0]
    return f" (the run's own loop of stores takes {ratio:.2f} times it)"


def _met(yes: bool) -> str:
    return "met" if yes else "NOT met"


def explanation() -> str:
    """What the model expects of the paper's machines, and why, as a page of Markdown. Raises HarnessError."""
    calibration = calibrate.load()
    pairs = [(name, isa) for name, isas in predicted_machines().items() for isa in isas]
    lines = [
        "# What the model expects of machines that were not measured",
        "",
        "Predictions, not measurements: no claim is judged by them. Medians with 10 to 90 % of what is uncertain. No",
        "bandwidth is of these very products: ranges are estimated from what was published of related processors",
        "(config/machines/, where each says so).",
        f"Calibrated and validated on {calibration.machine} (results/model/validation.md); nothing is fitted to the",
        "paper.",
        "",
        "## Largest speedup of Two-Pass out of cache",
        "",
        "| machine | ISA | model says | the paper claims |",
        "| --- | --- | --- | --- |",
    ]
    for name, isa in pairs:
        claim = paper_percent(isa)
        claimed = f"up to {claim.value:g} %" if claim and claim.machine == name else "more than 0"
        lines.append(f"| {name} | {names.ISAS[isa]} | {told(name, isa)} | {claimed} |")
    lines += ["", "## What limits each pass", ""]
    for name, isa in pairs:
        lines += [f"### {name}, {names.ISAS[isa]}", "", *_limits(name, isa), ""]
    lines += [
        "## What would change it",
        "",
        "Median of the largest speedup out of cache, in percent.",
        "",
        f"| machine | ISA | {' | '.join(SCENARIOS)} |",
        f"| --- | --- |{' --- |' * len(SCENARIOS)}",
    ]
    for name, isa in pairs:
        cells = []
        for scenario in SCENARIOS:
            prediction = forecast(name, isa, scenario)
            cells.append(f"{np.median(prediction.speedup()[:, out_of_cache(prediction)].max(axis=1)):+.0f}")
        lines.append(f"| {name} | {names.ISAS[isa]} | {' | '.join(cells)} |")
    lines += ["", *(f"- *{name}*: {text}." for name, text in SCENARIOS.items() if text), "", *_why()]
    return "\n".join(lines) + "\n"


def _limits(name: str, isa: str) -> list[str]:
    """A line for each pass: what takes longest from which length on, and its parts at the longest length."""
    table = limits_table(forecast(name, isa))
    lines = [
        "| algorithm | pass | takes longest, from so many elements on | computation, ns | memory, ns | time, ns |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for (algorithm, pass_name), rows in table.groupby(["algorithm", "pass"], sort=False):
        rows = rows.sort_values("elements")
        changes = rows[rows["bound_by"] != rows["bound_by"].shift()]
        path = ", ".join(
            f"{bound} {names.count(n)}" for bound, n in zip(changes["bound_by"], changes["elements"], strict=True)
        )
        last = rows.iloc[-1]
        parts_told = [f"{last[f'{part}_nanoseconds_per_element']:.3f}" for part in ("computation", "memory", "total")]
        lines.append(f"| {names.algorithm(algorithm)} | {pass_name} | {path} | {' | '.join(parts_told)} |")
    return lines


def _why() -> list[str]:
    """What the model says of the difference between two ISAs of one machine, and what it leaves open."""
    lines = ["## Two ISAs of one machine", ""]
    for name, isas in predicted_machines().items():
        if len(isas) < 2:
            continue
        expected = {isa: largest_speedup(name, isa)[0] for isa in isas}
        for isa in isas:
            table = limits_table(forecast(name, isa))
            far = table[(table["elements"] == table["elements"].max()) & (table["algorithm"] == selection.TWO_PASS)]
            shares = 100 * far["computation_nanoseconds_per_element"] / far["memory_nanoseconds_per_element"]
            parts_told = (f"{part} {share:.0f} %" for part, share in zip(far["pass"], shares, strict=True))
            lines.append(
                f"- {name}, {names.ISAS[isa]}: expected {expected[isa]:+.0f} %; computation takes of memory's time: "
                f"{', '.join(parts_told)}.{_needed_for_claim(name, isa)}"
            )
    return [
        *lines,
        "",
        "Two-Pass saves traffic, and that shows as time as far as its passes wait for memory. Where computation in",
        "ext_sum comes near memory's time, or passes it, part of the gain is lost. What ext_sum would have to cost for",
        "the paper's number is said above; unless its loops do cost as much, the model does not explain that number.",
    ]


def _needed_for_claim(name: str, isa: str) -> str:
    """How much slower ext_sum's loop would have to be for the largest speedup that the paper claims of this machine."""
    claim = paper_percent(isa)
    if claim is None or claim.machine != name or largest_speedup(name, isa)[0] <= claim.value:
        return ""
    for slower in SLOWER:
        if np.median(forecast(name, isa, elements=LENGTHS[-1:], slower=slower).speedup()) <= claim.value:
            return (
                f" For the paper's {claim.value:g} % ext_sum's loop would have to take {slower:.2f} times its cycles."
            )
    return f" Even {SLOWER[-1]:g} times the cycles of ext_sum would not bring it down to the paper's {claim.value:g} %."
