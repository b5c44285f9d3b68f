"""What a run shows, on one screen of text."""

import textwrap

import numpy as np
import pandas as pd

from analysis.tables import conditions, peers
from analysis.tables.accumulation import costs
from analysis.tables.bandwidths import EFFECTIVE, at_longest
from analysis.tables.repeatability import agreement
from analysis.tables.scaling import THROUGHPUT, scaling
from analysis.tables.speedups import class_counts, largest, pooled_speedups, wins_from
from analysis.tables.tuning import largest_regrets
from harness.experiments.conditions import LOOPS
from harness.reading import names
from harness.reading.catalog import complete_runs, newest_complete
from harness.reading.evidence import Evidence, doubts, floors
from harness.reading.trust import disturbed_share, verdict
from harness.record import exactness
from harness.record.caches import FLOAT_BYTES
from harness.record.errors import MissingRows
from harness.record.machines import emulator
from harness.record.run import OF_THE_JOB
from harness.record.samples import Run, load_runs
from harness.statistics import controls, selection
from harness.statistics.intervals import bounds
from harness.statistics.selection import TWO_PASS
from harness.statistics.traffic import kind, moved

COLUMNS = 100
# What a choice of a variant may cost before it is counted.
DEAR_PERCENT = 2
STOPPED_BY = {"precision": "", "processes": "; all processes ran", "minutes": "; the minutes were spent"}


def summary(run: Run, evidence: Evidence | None = None) -> str:
    """Some 27 lines of 100 columns at most: the run, and for each ISA where Two-Pass wins, by all runs of the body of
    evidence that it belongs to (by itself where none is given), and how near the limits it is.

    A smoke run claims nothing, so of it only what ran is said. Raises MissingRows where no algorithm was measured.
    """
    evidence, is_smoke = evidence or Evidence((run,)), run.protocol.is_smoke
    wrong = exactness.faults(run) if is_smoke else doubts(evidence).faults
    failed = [f"NOTHING IS DECIDED: {fault}" for fault in wrong]
    excluded = exactness.excluded(run)
    body = _smoke(run) if is_smoke else [*_trust(run), *_runs(evidence), *_findings(run, evidence)]
    told = textwrap.wrap(excluded, COLUMNS, max_lines=3, placeholder=" ... (all in run.json)")
    wrap = textwrap.TextWrapper(COLUMNS, subsequent_indent="  ", break_on_hyphens=False).wrap
    lines = [*failed[:1], *told, *_header(run), *body, *_where(run)]
    return "".join(f"{part}\n" for line in lines for part in wrap(line) or [""])


def _header(run: Run) -> list[str]:
    rows = selection.algorithm_rows(run)
    by_length = rows.groupby(["isa", "compiler", "elements"])["process"].nunique()
    points = rows["flags"].ne("").groupby([rows[name] for name in selection.POINT]).any()
    emulated = emulator(run)
    job = [row for row in run.audit if row["item"].endswith(OF_THE_JOB) and row["disturbs"] == "yes"]
    other = "; ".join(f"{row['item']}: {row['found']}" for row in job)
    return [
        f"{run.machine.name}: {run.machine.brand}",
        *([f"EMULATED ({emulated}): a program's speed, not a processor's"] if emulated else []),
        f"run {run.name} (protocol {run.protocol.name}): {len(run.samples)} samples, "
        f"{names.spread(by_length.min(), by_length.max())} processes per length,",
        f"{names.percent(disturbed_share([run]))} of samples were disturbed; {points.sum()} of {len(points)} points "
        "(a length in a process) had no undisturbed round",
        *([f"NOT AS PLANNED: {other}"] if job else []),
    ]


def _sessions(run: Run) -> str:
    """Of a run that was gone on with, what disturbed it in any of its sessions."""
    count = len(run.sessions)
    disturbing = [item["item"] for item in run.audit if item["disturbs"] == "yes"]
    return f"; {count} sessions, disturbed by {', '.join(disturbing) or 'nothing'}" if count > 1 else ""


def _trust(run: Run) -> list[str]:
    lines = []
    if found := run.precision:
        known = found.questions - len(found.missed)
        told = f"{known} of {found.questions} ratios are known to ±{found.target_half_width_percent:g} %"
        lines.append(told + STOPPED_BY[found.stopped_by] + _sessions(run))
    if unknown := exactness.unknown(run):
        lines.append(f"the run did not look at {' and '.join(unknown)}")
    if run.tuning:
        lines.append(_regret(run))
    if controls.are_in(run):
        lines.append(f"null test: {verdict(run).told}; noise floor {verdict(run).floor_percent:.2g} %")
    return [*lines, *_conditions(run)]


def _conditions(run: Run) -> list[str]:
    """What memory and the last-level cache gave: the median over the run's time, that of the machine's best run, and
    between which shares of the median eight looks of ten lay."""
    if not conditions.is_in(run):
        return []
    table, best = conditions.given(run), _best_known(run)
    told = []
    for level in conditions.levels(run):
        middle, low, high = table.loc[(level, LOOPS[0])]
        shares = f"{100 * low / middle:.0f} to {100 * high / middle:.0f} %"
        told.append(f"{level} {middle:.3g} ({best[level]:.3g}), {shares}")
    waited = sum(row["waited"] for row in run.groups)
    return [f"load, GB/s (best known): {'; '.join(told)}; {waited:.0f} s waited"]


def _best_known(run: Run) -> pd.Series:
    """The highest median bandwidth of load, by level, of the complete runs of this machine on disk and this one."""
    folders = complete_runs(run.folder.parents[2]).get(run.machine.name, ())
    others = load_runs(folder for folder in folders if folder.name != run.name)
    looked = [its for its in others if conditions.is_in(its) and not its.protocol.is_smoke]
    tables = [conditions.given(its) for its in (run, *looked)]
    return pd.concat(tables)["median"].xs(LOOPS[0], level="loop").groupby("level").max()


def _runs(evidence: Evidence) -> list[str]:
    """Which runs what follows is by, and whether they agree."""
    if len(evidence.runs) == 1:
        return evidence.cautions
    try:
        agreed, points = agreement(evidence)
        agree = f"they agree at {agreed} of {points} points"
    except MissingRows:
        agree = "no two have a length in common"
    told = f"{len(evidence.runs)} runs from {evidence.period}; {agree}"
    return textwrap.wrap("; ".join([told, *evidence.left_out]), COLUMNS, max_lines=2)


def _regret(run: Run) -> str:
    """What the choice of a variant may cost at most."""
    table = largest_regrets(run)
    if table.empty or table["confidence"].max() == 0:
        return "tuning: what its choices may cost is not known, from one process"
    worst = table.iloc[0]
    which = f"{worst['compiler']} {worst['isa']} {worst['pass']} {worst['variant']}"
    dear = int((table["cost_percent_high"] > DEAR_PERCENT).sum())
    told = f"tuning: largest regret {names.interval(worst[bounds('cost_percent')], form='.1f')} ({which})"
    return f"{told}; {dear} of {len(table)} may be above {DEAR_PERCENT} %"


def _where(run: Run) -> list[str]:
    machine = run.machine.name
    drawn = newest_complete(run.folder.parents[2]).get(machine, run.folder)
    other = "" if drawn.name == run.folder.name else f" (of the run {drawn.name})"
    figures, claims = f"figures{other}: results/figures/{machine}/", "the paper's claims: results/claims.md"
    together = f"{figures}; {claims}"
    return [together] if len(together) <= COLUMNS else [figures, claims]


def _smoke(run: Run) -> list[str]:
    held = run.samples.groupby("experiment").size()
    missing = [name for name in run.experiments if name not in held.index]
    ran = [f"  {name}: {held[name]} samples" for name in sorted(held.index)]
    told = f"no samples of {', '.join(missing)}" if missing else "every part ran"
    return [*ran, f"smoke: {told}; no claim"]


def _findings(run: Run, evidence: Evidence) -> list[str]:
    table = selection.of_primary(pooled_speedups(evidence), run)
    over = "what any run would find" if table["between_runs_percent"].notna().any() else "interval over processes"
    lines = [f"Two-Pass against the better Three-Pass ({run.primary}): median [{over}], confidence"]
    for isa in selection.isas(table):
        lines += _speedup_lines(evidence, isa, table[table["isa"] == isa].sort_values("elements"))
        if isa != "scalar":  # far from every limit of memory
            lines.append(_bandwidth_line(run, isa))
    return lines if doubts(evidence).faults else [*lines, *_more(run)]


def _more(run: Run) -> list[str]:
    """Real lengths, threads, peers and accuracy, a line each, where the run has them."""
    lines = []
    held = set(run.samples["experiment"])
    if "class-counts" in held:
        table = class_counts(run)
        isa = selection.isas(table)[0]
        table = table[(table["isa"] == isa) & (table["threads"] == 1)]
        told = [
            f"{names.CLASS_COUNTS.get(row['elements'], names.count(row['elements']))} "
            + names.interval(row[bounds("speedup_percent")], "", "+.0f")
            for _, row in table.iterrows()
        ]
        lines.append(f"{names.ISAS[isa]}, %: {', '.join(told)}")
    if "scaling" in held:
        lines.append(_threads(run))
    if peers.PEERS in held:
        lines.append(_peers(run))
    found = [row for row in run.accuracy if row["algorithm"] == TWO_PASS]
    if {"folded", "lanes"} <= {row["accumulation"] for row in found}:
        ours, lanes = (
            max(row["largest_relative_error"] for row in found if row["accumulation"] == way)
            for way in ("folded", "lanes")
        )
        line = f"accuracy of Two-Pass to {names.count(max(row['elements'] for row in found))} elements: {ours:.1g}"
        line += f", in float lanes {lanes:.1g}"
        if "accumulation" in held:
            table = costs(run)
            dearest = table.loc[table["cost_percent_median"].idxmax()]
            line += f"; folding costs up to {dearest['cost_percent_median']:+.1f} %"
        lines.append(line)
    return lines


def _threads(run: Run) -> str:
    table = scaling(run)
    isa = selection.isas(table)[0]
    table = table[table["isa"] == isa].set_index("threads")
    speed = table[(table["vectors"] == "own") & (table["name"] == "load")][f"{EFFECTIVE}_median"]
    told = f"threads, {names.ISAS[isa]}: load {speed.iloc[0]:.3g} GB/s with {speed.index[0]}, "
    told += f"{speed.iloc[-1]:.3g} with {speed.index[-1]}"
    rate = table[(table["vectors"] == "shared") & (table["name"] == TWO_PASS)][f"{THROUGHPUT}_median"]
    if len(rate):
        told += f"; Two-Pass on one vector {rate.iloc[-1] / rate.iloc[0]:.2f} x"
    return told


def _peers(run: Run) -> str:
    table = peers.compared(run)
    table = table[(table["threads"] == 1) & table["name"].isin(list(run.peers.libraries))]
    longest = table[table["elements"] == table["elements"].max()].sort_values("two_pass_speedup_percent_median")
    told = (f"{row['title']} {1 + row['two_pass_speedup_percent_median'] / 100:.2g}" for _, row in longest.iterrows())
    return f"Two-Pass over peers (x), {names.count(longest['elements'].max())}: {', '.join(told)}"


def _speedup_lines(evidence: Evidence, isa: str, table: pd.DataFrame) -> list[str]:
    run, longest, unresolved = evidence.newest, table.iloc[-1], doubts(evidence).unresolved
    # Input and output together have to fit, since a call touches both.
    inside = table[2 * FLOAT_BYTES * table["elements"] <= run.machine.cache_bytes(2)]
    in_cache = f"in L2, {names.count(inside['elements'].max())} elements" if len(inside) else "in L2"
    in_l2 = _speedup(evidence, isa, inside.iloc[-1]) if len(inside) else "no length was measured whose arrays fit"
    is_out = run.machine.is_out_of_cache(longest["elements"])
    out = f"{'out of cache' if is_out else 'longest (in cache)'}, {names.count(longest['elements'])} elements"
    # Of scalar code two lengths in cache would say the same.
    near = [f"  {in_cache}: {in_l2}"] if is_out or isa != "scalar" else []
    return [
        f"{names.ISAS[isa]}" + (f": {unresolved[isa]}" if isa in unresolved else ""),
        *near,
        f"  {out}: {_speedup(evidence, isa, longest)}",
        f"  {_best_and_first_win(evidence, isa, table)}",
    ]


def _speedup(evidence: Evidence, isa: str, row: pd.Series) -> str:
    (floor,) = floors(evidence, np.array([row["elements"]]))
    middle, low, high = row[bounds("speedup_percent")]
    numbers = f"{names.interval(row[bounds('speedup_percent')])} {names.percent(row['confidence'])}"
    rival = names.SHORT_ALGORITHMS[row["against"]]
    if doubts(evidence).doubt(isa):
        return f"undecided against {rival}: {numbers}"
    if row["processes"] < 2:
        return f"{middle:+.1f} % against {rival}; one process shows nothing"
    if low <= floor and high >= -floor:
        return f"no difference shown against {rival}: {numbers}"
    return f"{'faster' if low > floor else 'slower'} than {rival}: {numbers}"


def _best_and_first_win(evidence: Evidence, isa: str, table: pd.DataFrame) -> str:
    best = largest(evidence).loc[isa]
    told = f"largest of {best['of']} {names.interval(best[bounds('speedup_percent')])}"
    told += f" {names.percent(best['confidence'])} at {names.count(best['elements'])}"
    if doubts(evidence).doubt(isa):
        return told
    first = wins_from(table, floors(evidence, table["elements"]))
    return f"{told}; " + (f"faster from {names.count(first)} on" if first else "no win at the longest")


def _bandwidth_line(run: Run, isa: str) -> str:
    try:
        table = at_longest(run, isa)
    except MissingRows:
        return "  passes were not measured on their own"
    speed = table[f"{EFFECTIVE}_median"]
    told = ", ".join(_against_limits(run, name, speed) for name in run.algorithms[TWO_PASS] if name in speed)
    return f"  warm, {names.count(table['elements'].max())}: {told}"


def _against_limits(run: Run, name: str, speed: pd.Series) -> str:
    kernel = run.kernels[name]
    # Same reads and writes: otherwise a percentage would compare unlike traffic.
    same = [loop for loop in run.bandwidth_loops if loop in speed and moved(run.kernels[loop]) == moved(kernel)]
    shares = ", ".join(f"{100 * speed[name] / speed[loop]:.0f} % of {loop}" for loop in same)
    return f"{name} {speed[name]:.3g} GB/s" + (f" ({shares})" if shares else f" ({kind(kernel)})")
