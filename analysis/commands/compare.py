"""Says what differs between two runs and by how much: conditions and variants first, then the speedups."""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from analysis.tables import conditions
from analysis.tables.bandwidths import EFFECTIVE, bandwidths
from analysis.tables.repeatability import differences, each_run
from harness.experiments.conditions import LOOPS
from harness.reading import names
from harness.reading.catalog import body
from harness.reading.command_line import option
from harness.reading.evidence import Evidence
from harness.reading.trust import disturbed_share, verdict
from harness.record.errors import HarnessError, MissingRows
from harness.record.run import plain
from harness.record.samples import Run, load_run
from harness.statistics.intervals import bounds
from harness.statistics.selection import isas

OPTIONS = (
    option("runs", metavar="RUN_FOLDER", type=Path, nargs=2, help="the two runs; differences are of the second"),
)
Line = tuple[str, object, object]
"""What is compared, and what it is in each run."""


def run(options: argparse.Namespace) -> None:
    """Prints the comparison."""
    first, second = map(load_run, options.runs)
    if first.name == second.name:
        raise HarnessError(f"{options.runs[0]} and {options.runs[1]} are one run")
    print("\n".join(compared(first, second)))


def compared(first: Run, second: Run) -> list[str]:
    """What differs between two runs, in lines. Raises MissingRows where they have no length in common."""
    return [
        *_kinship(first, second),
        "conditions (first, second):",
        *_told(_conditions(first, second)),
        "variants that were chosen (first, second), with what the other's choice takes longer there:",
        *(list(_told(_variants(first, second))) or ["  the same"]),
        *_speedups(first, second),
    ]


def _kinship(first: Run, second: Run) -> Iterator[str]:
    for place, its in (("first", first), ("second", second)):
        yield f"{place}: {its.name}, {its.machine.name} ({its.machine.brand}), from {Evidence((its,)).period}"
    hashes = {first.kernels_hash, second.kernels_hash}
    if None in hashes:
        yield "KERNELS: not known to be the same, since a run is from before they had a hash"
    elif len(hashes) > 1:
        yield "KERNELS DIFFER: what is compared is not repetitions of the same"
    elif body(first) != body(second):
        yield "the kernels are the same, what is timed with them is not: these runs are not pooled"


def _told(lines: Iterator[Line]) -> Iterator[str]:
    for what, *both in lines:
        yield f"  {what}: {', '.join(map(str, both))}"


def _conditions(first: Run, second: Run) -> Iterator[Line]:
    """What is known of each run's conditions; of the machine only what differs."""
    machines = [plain(its.machine) for its in (first, second)]
    for key in dict.fromkeys([*machines[0], *machines[1]]):
        if machines[0].get(key) != machines[1].get(key):
            yield f"machine, {key}", machines[0].get(key, "unknown"), machines[1].get(key, "unknown")
    both = (first, second)
    yield _line("protocol", (its.protocol.name for its in both))
    yield _line("sessions", (max(1, len(its.sessions)) for its in both))
    given = [_memory(its) for its in both]
    for key in given[0]:
        if key in given[1]:
            yield _line(f"{' '.join(key)}, GB/s", (f"{its[key]:.3g}" for its in given))
    canaries = [its.samples[["clock_nanoseconds", "throughput_nanoseconds"]].median() for its in both]
    for name in canaries[0].index:
        yield _line(f"canary, median {name}", (f"{its[name]:.0f}" for its in canaries))
    yield _line("disturbed samples", (names.percent(disturbed_share([its])) for its in both))
    yield _line("noise floor", (f"{verdict(its).floor_percent:.2g} %" for its in both))
    yield _line("doubts", ("; ".join(verdict(its).faults) or "none" for its in both))
    yield _line("largest relative error", map(_error, both))


def _line(what: str, values: Iterable[object]) -> Line:
    first, second = values
    return what, first, second


def _error(its: Run) -> str:
    errors = [row["largest_relative_error"] for row in its.accuracy if row["accumulation"] == "folded"]
    return f"{max(errors):.2g}" if errors else "unknown"


def _memory(its: Run) -> dict[tuple[str, str], float]:
    """Effective GB/s of load and copy over the time of a run, by level and loop, where it looked at them between its
    questions; otherwise by its longest passes."""
    if conditions.is_in(its):
        return conditions.given(its)["median"].to_dict()
    try:
        table = bandwidths(its)
    except MissingRows:
        return {}
    table = table[(table["compiler"] == its.primary) & (table["isa"] == isas(table)[0]) & table["pass"].isin(LOOPS)]
    longest = table[table["elements"] == table["elements"].max()]
    return {
        (f"{names.count(row['elements'])} elements", row["pass"]): row[f"{EFFECTIVE}_median"]
        for _, row in longest.iterrows()
    }


def _variants(first: Run, second: Run) -> Iterator[Line]:
    chosen = [_chosen(its) for its in (first, second)]
    for key in chosen[0]:
        if key in chosen[1] and chosen[0][key] != chosen[1][key]:
            mine, others = chosen[0][key], chosen[1][key]
            told = (f"{mine}{_longer(first, key, others)}", f"{others}{_longer(second, key, mine)}")
            yield _line(" ".join((names.ISAS[key[1]], key[0], key[2])), told)


def _chosen(its: Run) -> dict[tuple[str, str, str], str]:
    return {(row["compiler"], row["isa"], row["pass"]): row["variant"] for row in its.tuning if row["chosen"]}


def _longer(its: Run, key: tuple[str, str, str], variant: str) -> str:
    """By how much more time another variant takes than the one that the run chose, where it was measured."""
    for row in its.tuning:
        if (row["compiler"], row["isa"], row["pass"], row["variant"]) == (*key, variant) and not row.get("elements"):
            longer = row.get("relative_percent_median")
            return "" if longer is None else f" ({variant} {longer:+.1f} %)"
    return f" ({variant} was not tried)"


def _speedups(first: Run, second: Run) -> Iterator[str]:
    both = Evidence((first, second))
    table = differences(each_run(both), first.name, second.name)
    yield "speedup of Two-Pass (first, second), the largest difference first; intervals: processes, and how much both"
    yield "runs differ:"
    for _, row in table.iterrows():
        where = f"{names.ISAS[row['isa']]} {row['compiler']} {names.count(row['elements'])}"
        values = ", ".join(_interval(row, which) for which in ("first", "second"))
        apart = "" if row["agrees"] else "  APART"
        yield f"  {where}: {values}  {row['difference_percent']:+.1f} %{apart}"
    agreed, alone = (int(table[name].sum()) for name in ("agrees", "agrees_over_processes"))
    yield (
        f"intervals overlap at {agreed} of {len(table)} points ({names.percent(agreed / len(table))}); over processes "
        f"alone at {alone} ({names.percent(alone / len(table))})"
    )


def _interval(row: pd.Series, which: str) -> str:
    return names.interval(row[f"{name}_{which}"] for name in bounds("speedup_percent"))
