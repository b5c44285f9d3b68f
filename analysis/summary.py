"""What a run shows, on one screen of text."""

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.across import largest, wins_from
from analysis.tables import peers
from harness.record import exactness, names
from harness.record.catalog import newest_complete
from harness.record.errors import MissingRows
from harness.record.machines import emulator
from harness.record.run import peers as libraries
from harness.record.samples import Run
from harness.statistics import controls, selection
from harness.statistics.accumulation import costs
from harness.statistics.ratios import speedups
from harness.statistics.teams import team_speedups, throughputs
from harness.statistics.traffic import BYTES_PER_FLOAT, bandwidths, kind, limits, moved


def summary(run: Run) -> str:
    """At most 24 lines of 100 columns: the run, and for each ISA where Two-Pass wins and how near the limits it is.

    A smoke run claims nothing, so of it only what ran is said. Raises MissingRows where no algorithm was measured.
    """
    verdict = controls.judge(run)
    is_smoke = run.information["protocol"]["name"] == "smoke"
    wrong = exactness.faults(run.information)
    failed = [f"NOTHING IS DECIDED: {fault}"[:100] for fault in (wrong if is_smoke else verdict.faults)]
    excluded = exactness.excluded(run.information)
    body = _smoke(run) if is_smoke else [*_trust(run, verdict), *_findings(run, verdict)]
    told = textwrap.wrap(excluded, 100, max_lines=3, placeholder=" ... (all in run.json)")
    return "\n".join([*failed[:1], *told, *_header(run), *body, *_where(run)]) + "\n"


def _header(run: Run) -> list[str]:
    information, samples = run.information, run.samples
    vetoes, machine = information["vetoes"], information["machine"]
    share = vetoes["disturbed_samples"] / vetoes["samples"] if vetoes["samples"] else 0.0
    rows = selection.algorithm_rows(run)
    by_length = rows.groupby(["isa", "compiler", "elements"])["process"].nunique()
    points = rows["flags"].ne("").groupby([rows[name] for name in selection.POINT]).any()
    emulated = emulator(information)
    return [
        f"{machine['name']}: {machine['brand']}"[:100],
        *([f"EMULATED ({emulated}): a program's speed, not a processor's"[:100]] if emulated else []),
        f"run {information['run']} (protocol {information['protocol']['name']}): {len(samples)} samples, "
        f"{names.spread(by_length.min(), by_length.max())} processes per length,",
        f"{names.percent(share)} of samples were disturbed; {points.sum()} of {len(points)} points (a length in a "
        "process) had no undisturbed round",
    ]


def _sessions(information: Mapping[str, Any]) -> str:
    """Of a run that was gone on with, what disturbed it in any of its sessions."""
    count = len(information.get("sessions", []))
    disturbing = [item["item"] for item in information["audit"] if item["disturbs"] == "yes"]
    return f"; {count} sessions, disturbed by {', '.join(disturbing) or 'nothing'}" if count > 1 else ""


def _trust(run: Run, verdict: controls.Verdict) -> list[str]:
    lines = []
    if precision := run.information.get("precision"):
        known = precision["questions"] - len(precision["missed"])
        told = f"{known} of {precision['questions']} ratios are known to ±{precision['target_half_width_percent']:g} %"
        told += {"precision": "", "processes": "; all processes ran", "minutes": "; the minutes were spent"}[
            precision["stopped_by"]
        ]
        lines.append((told + _sessions(run.information))[:100])
    if unknown := exactness.unknown(run.information):
        lines.append(f"the run did not look at {' and '.join(unknown)}")
    if controls.are_in(run):
        lines.append(f"null test: {verdict.told}; noise floor {verdict.floor_percent:.2g} %"[:100])
    return lines


def _where(run: Run) -> list[str]:
    machine = run.information["machine"]["name"]
    drawn = newest_complete(run.folder.parents[2]).get(machine, run.folder)
    other = "" if drawn.name == run.folder.name else f" (of the run {drawn.name})"
    return [f"figures{other}: results/figures/{machine}/; the paper's claims: results/claims.md"]


def _smoke(run: Run) -> list[str]:
    held = run.samples["experiment"].value_counts()
    missing = [name for name in run.information["experiments"] if name not in held.index]
    ran = [f"  {name}: {held[name]} samples" for name in sorted(held.index)]
    verdict = f"no samples of {', '.join(missing)}" if missing else "every part ran"
    return [*ran, f"smoke: {verdict}; no claim"]


def _findings(run: Run, verdict: controls.Verdict) -> list[str]:
    table = speedups(selection.algorithm_rows(run), selection.TWO_PASS, selection.THREE_PASS)
    if table.empty:
        raise MissingRows(f"{run.folder}: no round has both Two-Pass and a Three-Pass algorithm")
    compiler = selection.compilers(table)[0]
    table = table[table["compiler"] == compiler]
    lines = [f"Two-Pass against the better Three-Pass ({compiler}): median [interval over processes], confidence"]
    for isa in selection.isas(table):
        of_isa = table[table["isa"] == isa].sort_values("elements")
        lines += _speedup_lines(run, isa, of_isa, verdict)
        if isa != "scalar":  # far from every limit of memory
            lines.append(_bandwidth_line(run, isa, compiler))
    return lines if verdict.faults else [*lines, *_more(run)]


def _more(run: Run) -> list[str]:
    """Real lengths, threads, peers and accuracy, a line each, where the run has them."""
    lines = []
    held = set(run.samples["experiment"])
    if "class-counts" in held:
        table = team_speedups(run, "class-counts")
        isa = selection.isas(table)[0]
        table = table[(table["isa"] == isa) & (table["threads"] == 1)]
        told = [
            f"{names.CLASS_COUNTS.get(row['elements'], names.count(row['elements']))} {_percent(row)}"
            for _, row in table.iterrows()
        ]
        lines.append(f"{names.ISAS[isa]}, %: {', '.join(told)}"[:100])
    if "scaling" in held:
        lines.append(_threads(run))
    if peers.PEERS in held:
        lines.append(_peers(run)[:100])
    found = [row for row in run.information.get("accuracy", {}).get("softmax", []) if two_pass(row)]
    if {"folded", "lanes"} <= {row["accumulation"] for row in found}:
        ours, lanes = (
            max(row["largest_relative_error"] for row in found if row["accumulation"] == way)
            for way in ("folded", "lanes")
        )
        told = f"accuracy of Two-Pass to {names.count(max(row['elements'] for row in found))} elements: {ours:.1g}"
        told += f", in float lanes {lanes:.1g}"
        if "accumulation" in held:
            table = costs(run)
            dearest = table.loc[table["cost_percent_median"].idxmax()]
            told += f"; folding costs up to {dearest['cost_percent_median']:+.1f} %"
        lines.append(told)
    return lines


def _percent(row: pd.Series) -> str:
    return (
        f"{row['speedup_percent_median']:+.0f} [{row['speedup_percent_low']:+.0f}, {row['speedup_percent_high']:+.0f}]"
    )


def _threads(run: Run) -> str:
    table = throughputs(run, "scaling", own_vectors=True)
    isa = selection.isas(table)[0]
    load = table[(table["name"] == "load") & (table["isa"] == isa)].set_index("threads")
    speed = load["effective_gigabytes_per_second_median"]
    told = f"threads, {names.ISAS[isa]}: load {speed.iloc[0]:.3g} GB/s with {speed.index[0]}, "
    told += f"{speed.iloc[-1]:.3g} with {speed.index[-1]}"
    if (run.samples["experiment"] == "strong-scaling").any():
        shared = throughputs(run, "strong-scaling", own_vectors=False)
        shared = shared[(shared["name"] == selection.TWO_PASS) & (shared["isa"] == isa)].set_index("threads")
        rate = shared["gigaelements_per_second_median"]
        told += f"; Two-Pass on one vector {rate.iloc[-1] / rate.iloc[0]:.2f} x"
    return told


def _peers(run: Run) -> str:
    table = peers.compared(run)
    table = table[(table["threads"] == 1) & table["name"].isin(list(libraries(run.information)))]
    longest = table[table["elements"] == table["elements"].max()].sort_values("two_pass_speedup_percent_median")
    told = (f"{row['title']} {1 + row['two_pass_speedup_percent_median'] / 100:.2g}" for _, row in longest.iterrows())
    return f"Two-Pass over peers (x), {names.count(longest['elements'].max())}: {', '.join(told)}"


def two_pass(row: Mapping[str, Any]) -> bool:
    """Whether a row of `accuracy` is of Two-Pass."""
    return row["algorithm"] == selection.TWO_PASS


def _speedup_lines(run: Run, isa: str, table: pd.DataFrame, verdict: controls.Verdict) -> list[str]:
    caches = {cache["level"]: cache["bytes"] for cache in run.information["machine"]["caches"]}
    last = max(caches.values(), default=0)
    longest = table.iloc[-1]
    # Input and output together have to fit, since a call touches both.
    inside = table[2 * BYTES_PER_FLOAT * table["elements"] <= caches.get(2, 0)]
    in_cache = f"in L2, {names.count(inside['elements'].max())} elements" if len(inside) else "in L2"
    in_l2 = _speedup(inside.iloc[-1], isa, verdict) if len(inside) else "no length was measured whose arrays fit"
    is_out = BYTES_PER_FLOAT * longest["elements"] > last
    out = f"{'out of cache' if is_out else 'longest (in cache)'}, {names.count(longest['elements'])} elements"
    # Of scalar code two lengths in cache would say the same.
    near = [f"  {in_cache}: {in_l2}"] if is_out or isa != "scalar" else []
    return [
        f"{names.ISAS[isa]}" + (f": {verdict.unresolved[isa]}" if isa in verdict.unresolved else ""),
        *near,
        f"  {out}: {_speedup(longest, isa, verdict)}",
        f"  {_best_and_first_win(run, isa, table, verdict)}",
    ]


def _speedup(row: pd.Series, isa: str, verdict: controls.Verdict) -> str:
    floor = verdict.floor
    low, high = row["speedup_percent_low"], row["speedup_percent_high"]
    numbers = f"{row['speedup_percent_median']:+.1f} % [{low:+.1f}, {high:+.1f}] {names.percent(row['confidence'])}"
    rival = names.SHORT_ALGORITHMS[row["against"]]
    if verdict.doubt(isa):
        return f"undecided against {rival}: {numbers}"
    if row["processes"] < 2:
        return f"{row['speedup_percent_median']:+.1f} % against {rival}; one process shows nothing"
    if low <= floor and high >= -floor:
        return f"no difference shown against {rival}: {numbers}"
    return f"{'faster' if low > floor else 'slower'} than {rival}: {numbers}"


def _best_and_first_win(run: Run, isa: str, table: pd.DataFrame, verdict: controls.Verdict) -> str:
    best = largest(run, isa)
    interval = f"[{best['speedup_percent_low']:+.1f}, {best['speedup_percent_high']:+.1f}]"
    told = f"largest of {best['of']} {best['speedup_percent_median']:+.1f} % {interval}"
    told += f" {names.percent(best['confidence'])} at {names.count(best['elements'])}"
    if verdict.doubt(isa):
        return told
    first = wins_from(table, verdict.floor)
    return f"{told}; " + (f"faster from {names.count(first)} on" if first else "no win at the longest")


def _bandwidth_line(run: Run, isa: str, compiler: str) -> str:
    try:
        table = bandwidths(run)
    except MissingRows:
        return "  passes were not measured on their own"
    table = table[(table["isa"] == isa) & (table["compiler"] == compiler)]
    passes = run.information["algorithms"][selection.TWO_PASS]
    table = table[table["elements"] == table[table["pass"].isin(passes)]["elements"].max()]
    if table.empty:
        return "  passes were not measured on their own"
    speed = table.set_index("pass")["effective_gigabytes_per_second_median"]
    told = ", ".join(_against_limits(run, name, speed) for name in passes if name in speed)
    return f"  warm, {names.count(table['elements'].max())}: {told}"


def _against_limits(run: Run, name: str, speed: pd.Series) -> str:
    kernels = run.information["kernels"]
    # Same reads and writes: otherwise a percentage would compare unlike traffic.
    same = [
        limit for limit in limits(run.information) if limit in speed and moved(kernels[limit]) == moved(kernels[name])
    ]
    shares = ", ".join(f"{100 * speed[name] / speed[limit]:.0f} % of {limit}" for limit in same)
    return f"{name} {speed[name]:.3g} GB/s" + (f" ({shares})" if shares else f" ({kind(kernels[name])})")
