"""The model in words: how well it does on a machine that can be measured, what it expects of others, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import experiments, names
from analysis.claims import paper_percent
from analysis.model import calibrate
from analysis.model.calibrate import COVERED, Calibration
from analysis.model.forecast import SCENARIOS, forecast, out_of_cache, predicted_machines, told
from analysis.model.predict import limits_table
from analysis.rows import Run

TIME_TARGET, COVERAGE_TARGET = 7.0, (70.0, 90.0)
"""Percent: median error of times that were not fitted, and how many of them lie in the bands of 80 %."""
SPEEDUP_TARGET = {"avx512f": 5.0, "avx2": 8.0}
"""Points: median error of speedups out of cache."""


def parts(table: pd.DataFrame, calibration: Calibration) -> pd.DataFrame:
    """How far the model is off, by what it had to do with the fit. `table` as `calibrate.calibrate` gives it.

    Columns: part, isa, compiler, times (how many), median_error_percent, coverage_percent.
    """
    rows = []
    for (isa, compiler, fitted), those in table.groupby(["isa", "compiler", "fitted"], sort=False):
        if isa != calibration.fitted_isa:
            part = "another ISA" + (", another compiler" if compiler != calibration.fitted_compiler else "")
        else:
            part = "another compiler" if compiler != calibration.fitted_compiler else "other lengths"
        rows.append(
            {
                "part": "fitted" if fitted else part,
                "isa": isa,
                "compiler": compiler,
                "times": len(those),
                **_errors(those),
            }
        )
    held_out = table[~table["fitted"]]
    rows.append(
        {"part": "all that was not fitted", "isa": "", "compiler": "", "times": len(held_out), **_errors(held_out)}
    )
    return pd.DataFrame(rows)


def _errors(table: pd.DataFrame) -> dict[str, float]:
    time = table["nanoseconds_per_element"]
    inside = (table["low_nanoseconds_per_element"] <= time) & (time <= table["high_nanoseconds_per_element"])
    return {"median_error_percent": table["error_percent"].abs().median(), "coverage_percent": 100 * inside.mean()}


def speedup_errors(table: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Speedups out of cache, of measured and expected medians: isa, compiler, elements, fitted (whether the fit saw the
    times), measured_percent, expected_percent, error_points."""
    whole = table[(table["pass"] == "") & experiments.is_out_of_cache(table["elements"], run)]
    by = ["isa", "compiler", "elements", "fitted"]
    found = {}
    for name, column in (("measured", "nanoseconds_per_element"), ("expected", "expected_nanoseconds_per_element")):
        times = whole.pivot(index=by, columns="algorithm", values=column)
        rival = times[list(experiments.THREE_PASS)].min(axis=1)
        found[f"{name}_percent"] = 100 * (rival / times[experiments.TWO_PASS] - 1)
    result = pd.DataFrame(found).reset_index()
    return result.assign(error_points=result["expected_percent"] - result["measured_percent"])


def validation(calibration: Calibration, table: pd.DataFrame, run: Run) -> str:
    """How well the model does, as a page of Markdown."""
    machine, isa_fitted = run.information["machine"], names.ISAS[calibration.fitted_isa]
    found, ratios = parts(table, calibration), speedup_errors(table, run)
    held_out = found.iloc[-1]
    lines = [
        "# The model against a machine that was measured",
        "",
        f"{machine['brand']} ({machine['name']}), run {calibration.run}. Fitted to every second length of "
        f"{calibration.fitted_compiler} in {isa_fitted}: overlap {calibration.overlap:.2f}; place "
        f"between llvm-mca's ends {calibration.in_core:.2f}; lone stores {calibration.cold_store:.2f} times the copy "
        f"loop's; {calibration.pass_cycles:.0f} cycles a pass; {100 * calibration.l3_share:.0f} % of L3. Bandwidths of "
        "each level are those of the run's own plain loops.",
        "",
        "## Times",
        "",
        "| what | ISA | compiler | times | median error | in the bands of 80 % |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in found.to_dict("records"):
        cells = (row["part"], names.ISAS.get(row["isa"], ""), row["compiler"], str(row["times"]))
        lines.append(f"| {' | '.join(cells)} | {row['median_error_percent']:.1f} % | {row['coverage_percent']:.0f} % |")
    low, high = COVERAGE_TARGET
    lines += [
        "",
        f"Asked of what was not fitted: at most {TIME_TARGET:g} %: "
        f"{_met(held_out['median_error_percent'] <= TIME_TARGET)}; "
        f"{low:g} to {high:g} % in the bands: {_met(low <= held_out['coverage_percent'] <= high)}.",
        "",
        "## Speedups out of cache",
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
        error = ratios.loc[(ratios["isa"] == isa) & ~ratios["fitted"], "error_points"].abs().median()
        told_of = f"median error of what was not fitted {error:.1f} points, asked at most {target:g}"
        lines.append(f"{names.ISAS[isa]}: {told_of}: {_met(error <= target)}.")
    lines += [
        "",
        f"The error of one pass that makes bands of {100 * COVERED:.0f} % hold that many is "
        f"{100 * calibration.spread:.0f} % for what was fitted, {100 * calibration.held_out_spread:.0f} % for what was "
        f"not; predictions of other machines have {100 * calibration.wider_spread:.0f} %.",
    ]
    return "\n".join(lines) + "\n"


def _met(yes: bool) -> str:
    return "met" if yes else "NOT met"


def explanation() -> str:
    """What the model expects of the paper's machines, and why, as a page of Markdown. Raises AnalysisError."""
    calibration = calibrate.load()
    pairs = [(name, isa) for name, isas in predicted_machines().items() for isa in isas]
    lines = [
        "# What the model expects of machines that were not measured",
        "",
        "Predictions, not measurements: no claim is judged by them. Medians with 10 to 90 % of what is uncertain.",
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
    """Why one ISA gains more than the other on one machine, from the model's own numbers."""
    lines = ["## Why one ISA gains more than another on one machine", ""]
    for name, isas in predicted_machines().items():
        for isa in isas if len(isas) > 1 else ():
            table = limits_table(forecast(name, isa))
            far = table[(table["elements"] == table["elements"].max()) & (table["algorithm"] == experiments.TWO_PASS)]
            shares = 100 * far["computation_nanoseconds_per_element"] / far["memory_nanoseconds_per_element"]
            parts_told = (f"{part} {share:.0f} %" for part, share in zip(far["pass"], shares, strict=True))
            lines.append(f"- {name}, {names.ISAS[isa]}: arithmetic takes of memory's time: {', '.join(parts_told)}.")
    return [
        *lines,
        "",
        "Out of cache Two-Pass wins by the traffic that it saves, as far as its passes wait for memory. ext_sum moves",
        "the least, so its arithmetic is the first to take longer than memory: half as wide vectors double it, while",
        "memory stays. Where a compiler spills, or a variant suits a core badly, ext_sum in AVX2 crosses over, and the",
        "gain shrinks by what it is then late; the columns of other loops above show by how much.",
    ]
