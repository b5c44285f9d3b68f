"""Whether a run's rows are complete and physically possible: what nobody has measured is not adopted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    import pandas as pd

# Vectors that a cycle loads and stores at most. No x86 core up to Golden Cove and Zen 5 does more: three loads of 32
# bytes (Golden Cove) or two of 64; two stores (Ice Lake).
LANES = {"scalar": 1, "avx2": 8, "avx512f": 16}
LOADS = {"scalar": 3, "avx2": 3, "avx512f": 2}
STORES = 2
# The clock may rise by 5 % around a sample before that is flagged, and flagged rows are kept.
SPEED_MARGIN = 1.1
# Above the record of any x86 processor.
LARGEST_GIGAHERTZ = 10.0

ITEM = ["experiment", "compiler", "isa", "cache_state"]
POINT = [*ITEM, "elements"]
CONTENDER = ["algorithm", "pass", "variant"]
ROWS = "samples.csv.gz"


def check_rows(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError for the rows of a run that are not complete or faster than possible.

    `rows` and `info` are samples.csv and run.json as analysis.rows loads them.
    """
    check_plan(rows, info)
    check_contenders(rows, info)
    check_rounds(rows)
    check_speed(rows, info)


def check_plan(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError where rows are missing by run.json's count, or the points differ from its experiments."""
    if len(rows) < info["vetoes"]["samples"]:
        raise HarnessError(f"{ROWS}: {len(rows):,} rows, where run.json counts {info['vetoes']['samples']:,}")
    planned = {
        (experiment, item["compiler"], item["isa"], item["cache_state"], elements)
        for experiment, items in info["experiments"].items()
        for item in items
        for elements in item["elements"]
    }
    measured = set(rows[POINT].drop_duplicates().itertuples(index=False, name=None))
    for point in sorted(planned - measured):
        raise HarnessError(f"{ROWS}: no rows of {point_text(point)}, which run.json's experiments have")
    for point in sorted(measured - planned):
        raise HarnessError(f"{ROWS}: rows of {point_text(point)}, which run.json's experiments do not have")


def point_text(point: tuple[Any, ...]) -> str:
    """What a refusal calls the values of POINT."""
    experiment, compiler, isa, cache_state, elements = point[: len(POINT)]
    return f"{experiment} {compiler} {isa} {cache_state} at {elements} elements"


def check_contenders(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError where an experiment lacks an algorithm or a pass, or a process has not measured all."""
    processes = rows["process"].nunique()
    if rows["process"].max() >= processes:
        raise HarnessError(f"{ROWS}: rows of process {rows['process'].max()}, but of {processes} processes only")
    algorithms = info["algorithms"]
    wanted = {
        (True, False): {(algorithm, "") for algorithm in algorithms},
        (True, True): {(algorithm, name) for algorithm, passes in algorithms.items() for name in passes},
        (False, True): {("", name) for passes in algorithms.values() for name in passes},
    }
    # Of one compiler and ISA all lengths are measured with the same variants.
    distinct = rows[[*POINT, "process", *CONTENDER]].drop_duplicates()
    for item, those in distinct.groupby(ITEM, sort=True):
        experiment, compiler, isa, _ = item
        where = f"{ROWS}: {experiment} {compiler} {isa}"
        names = set(those[["algorithm", "pass"]].itertuples(index=False, name=None))
        if ("", "") in names:
            raise HarnessError(f"{where}: rows that name neither an algorithm nor a pass")
        for kind in {(bool(algorithm), bool(name)) for algorithm, name in names}:
            for missing in sorted(wanted[kind] - names):
                raise HarnessError(f"{where}: no rows of {' '.join(filter(None, missing))}")
        contenders = len(those[CONTENDER].drop_duplicates())
        counts = those.groupby(["elements", "process"]).size()
        expected = those["elements"].nunique() * processes
        if len(counts) < expected or counts.min() < contenders:
            elements = those.groupby("elements").size().idxmin()
            raise HarnessError(f"{where} at {elements} elements: a process lacks rows of some contender")


def check_rounds(rows: pd.DataFrame) -> None:
    """Raises HarnessError where a contender does not take part in every round of its point and process."""
    question = [*POINT, "process"]
    taken = rows.groupby([*question, *CONTENDER])["round"].nunique()
    rounds = (rows.groupby(question)["round"].max() + 1).rename("rounds")
    counts = taken.rename("taken").reset_index().merge(rounds.reset_index(), on=question)
    lacking = counts[counts["taken"] != counts["rounds"]]
    if len(lacking):
        first = lacking.iloc[0]
        raise HarnessError(
            f"{ROWS}: {point_text(tuple(first[POINT]))}, process {first['process']}: {first['taken']} of "
            f"{first['rounds']} rounds of {first['algorithm'] or first['pass']}"
        )


def check_speed(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError for a sample that is faster than its core's loads and stores allow.

    A pass takes at least the cycles in which its declared reads are loaded, or those in which its writes are stored; an
    algorithm, those of its passes together. Cycles are counted by the faster of the sample's own clock canary and the
    fastest of the run, since an interrupted canary shows too slow a clock.
    """
    canary = info["canary"]
    clock = canary["clock_adds"] / rows["clock_nanoseconds"].clip(upper=canary["clock_nanoseconds"])  # gigahertz
    if clock.max() > LARGEST_GIGAHERTZ:
        raise HarnessError(f"{ROWS}, line {clock.idxmax() + 2}: a clock of {clock.max():.3g} GHz is not possible")
    names = list(zip(rows["isa"], rows["algorithm"], rows["pass"], strict=True))
    least = {name: least_cycles(*name, info) for name in set(names)}
    needed = rows["calls"].astype(float) * rows["elements"] * [least[name] for name in names]
    excess = needed / (rows["nanoseconds"] * clock)
    if excess.max() > SPEED_MARGIN:
        row = int(excess.idxmax())
        raise HarnessError(
            f"{ROWS}, line {row + 2}, nanoseconds: {rows['nanoseconds'][row]} is faster than possible: "
            f"{excess[row]:.3g} times what {rows['isa'][row]} can load and store"
        )


def least_cycles(isa: str, algorithm: str, name: str, info: Mapping[str, Any]) -> float:
    """Core cycles that one element takes at least, of a pass or, where `name` is empty, of a whole algorithm."""
    passes = [info["kernels"][part] for part in ([name] if name else info["algorithms"][algorithm])]
    vectors = sum(max((p["reads_x"] + p["reads_y"]) / LOADS[isa], p["writes_y"] / STORES) for p in passes)
    return vectors / LANES[isa]
