"""Whether a run's rows are complete and physically possible: what nobody has measured is not adopted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis import exactness
from analysis.experiments import is_too_fast
from analysis.rows import peers
from harness.contenders import LANES as PUBLISHED_END
from harness.errors import HarnessError
from harness.speed_limits import SPEED_MARGIN, least, peak_gb_per_second

if TYPE_CHECKING:
    import pandas as pd

# Above the record of any x86 processor.
LARGEST_GIGAHERTZ = 10.0

ITEM = ["experiment", "compiler", "isa", "cache_state"]
POINT = [*ITEM, "elements", "threads"]
CONTENDER = ["algorithm", "pass", "variant"]
ROWS = "samples.csv.gz"


def check_rows(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError for the rows of a run that are not complete or faster than possible.

    `rows` and `info` are samples.csv and run.json as analysis.rows loads them.
    """
    check_accuracy(info)
    check_plan(rows, info)
    check_contenders(rows, info)
    check_rounds(rows)
    check_speed(rows, info)
    check_memory(rows, info)
    check_count(rows, info)


def check_accuracy(info: Mapping[str, Any]) -> None:
    """Raises HarnessError where the results that run.json tells of are wrong."""
    if found := exactness.faults(info):
        raise HarnessError(f"run.json: {found[0]}")


def check_count(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError where there are not as many rows as run.json counts."""
    if len(rows) != info["vetoes"]["samples"]:
        raise HarnessError(f"{ROWS}: {len(rows):,} rows, where run.json counts {info['vetoes']['samples']:,}")


def check_plan(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError where the points differ from run.json's experiments."""
    planned = {
        (experiment, item["compiler"], item["isa"], item["cache_state"], elements, threads)
        for experiment, items in info["experiments"].items()
        for item in items
        for elements in item["elements"]
        for threads in item.get("threads", [1])
    }
    measured = set(rows[POINT].drop_duplicates().itertuples(index=False, name=None))
    for point in sorted(planned - measured):
        raise HarnessError(f"{ROWS}: no rows of {point_text(point)}, which run.json's experiments have")
    for point in sorted(measured - planned):
        raise HarnessError(f"{ROWS}: rows of {point_text(point)}, which run.json's experiments do not have")


def point_text(point: tuple[Any, ...]) -> str:
    """What a refusal calls the values of POINT."""
    experiment, compiler, isa, cache_state, elements, threads = point[: len(POINT)]
    team = f" with {threads} threads" if threads > 1 else ""
    return f"{experiment} {compiler} {isa} {cache_state} at {elements} elements{team}"


def check_contenders(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError where an experiment lacks an algorithm or a pass, or a process has not measured all."""
    # A question that is answered precisely enough takes part in no further process, so each has its own number.
    processes = rows.groupby(POINT)["process"].agg(["nunique", "max"])
    gaps = processes[processes["max"] >= processes["nunique"]]
    if len(gaps):
        raise HarnessError(
            f"{ROWS}: {point_text(gaps.index[0])}: rows of process {gaps['max'].iloc[0]}, "
            f"but of {gaps['nunique'].iloc[0]} processes only"
        )
    # Of one compiler and ISA all lengths are measured with the same variants.
    distinct = rows[[*POINT, "process", *CONTENDER]].drop_duplicates()
    for item, those in distinct.groupby(ITEM, sort=True):
        experiment, compiler, isa, _ = item
        where = f"{ROWS}: {experiment} {compiler} {isa}"
        names = set(those[["algorithm", "pass"]].itertuples(index=False, name=None))
        if ("", "") in names:
            raise HarnessError(f"{where}: rows that name neither an algorithm nor a pass")
        for missing in sorted(wanted_names(experiment, names, info) - names):
            raise HarnessError(f"{where}: no rows of {' '.join(filter(None, missing))}")
        counts = those.groupby(["elements", "threads", "process"]).size()
        if counts.min() < len(those[CONTENDER].drop_duplicates()):
            elements, _, process = counts.idxmin()
            raise HarnessError(f"{where} at {elements} elements: process {process} lacks rows of some contender")


def wanted_names(experiment: str, names: set[tuple[str, str]], info: Mapping[str, Any]) -> set[tuple[str, str]]:
    """What an experiment with rows of these algorithms and passes must have rows of."""
    algorithms, controls = info["algorithms"], info.get("controls", {})
    kind = info["protocol"].get("experiments", {}).get(experiment, {}).get("contenders")
    if kind == "accumulations":
        used = {name for passes in algorithms.values() for name in passes}
        sums = {name for name in used if f"{name}{PUBLISHED_END}" in info["kernels"]}
        return {("", f"{name}{end}") for name in sums for end in ("", PUBLISHED_END)}
    if kind == "algorithms-and-limits":
        return {(algorithm, "") for algorithm in algorithms} | {("", "load"), ("", "copy")}
    if kind == "peers":
        return {(name, "") for name in (*algorithms, *peers(info))}
    if any(algorithm in controls for algorithm, _ in names):
        return {(name, "") for name in (*controls, *(control["algorithm"] for control in controls.values()))}
    wanted = {
        (True, False): {(algorithm, "") for algorithm in algorithms},
        (True, True): {(algorithm, name) for algorithm, passes in algorithms.items() for name in passes},
        (False, True): {("", name) for passes in algorithms.values() for name in passes},
    }
    return set().union(*(wanted[bool(algorithm), bool(name)] for algorithm, name in names))


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
    """Raises HarnessError for a sample that is faster than its core's loads and stores allow, unless it was flagged as
    such when it was taken: then it is never used.

    Cycles are counted by the faster of the sample's own clock canary and the fastest of the run, since an interrupted
    canary shows too slow a clock.
    """
    canary = info["canary"]
    clock = canary["clock_adds"] / rows["clock_nanoseconds"].clip(upper=canary["clock_nanoseconds"])  # gigahertz
    if clock.max() > LARGEST_GIGAHERTZ:
        raise HarnessError(f"{ROWS}, line {clock.idxmax() + 2}: a clock of {clock.max():.3g} GHz is not possible")
    excess = _least(rows, info).map(lambda its: its.cycles) * rows["calls"] / (rows["nanoseconds"] * clock)
    excess = excess.where(~is_too_fast(rows), 0)
    if excess.max() > SPEED_MARGIN:
        row = int(excess.idxmax())
        raise HarnessError(
            f"{ROWS}, line {row + 2}, nanoseconds: {rows['nanoseconds'][row]} is faster than possible: "
            f"{excess[row]:.3g} times what {rows['isa'][row]} can load and store"
        )


def check_memory(rows: pd.DataFrame, info: Mapping[str, Any]) -> None:
    """Raises HarnessError for a sample that moved more data than its machine's memory can, unless it was flagged so."""
    peak = peak_gb_per_second(info["machine"]["name"])
    gb_per_second = _least(rows, info).map(lambda its: its.bytes) * rows["calls"] / rows["nanoseconds"]
    gb_per_second = gb_per_second.where(~is_too_fast(rows), 0)
    if gb_per_second.max() > SPEED_MARGIN * peak:
        row = int(gb_per_second.idxmax())
        raise HarnessError(
            f"{ROWS}, line {row + 2}, nanoseconds: {rows['nanoseconds'][row]} is faster than possible: "
            f"{gb_per_second[row]:.3g} GB/s, where the machine's memory gives {peak:.4g}"
        )


def _least(rows: pd.DataFrame, info: Mapping[str, Any]) -> pd.Series:
    """What each sample's call takes at least."""
    import pandas as pd

    names = list(rows[["isa", "algorithm", "pass", "elements", "threads"]].itertuples(index=False, name=None))
    known = {name: least(*name, info) for name in set(names)}
    return pd.Series([known[name] for name in names], index=rows.index)
