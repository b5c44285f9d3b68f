"""Whether a run's rows are all there, as they were measured: every point, process, round and contender, in order."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.record.errors import DamagedRun, damaged_row
from harness.record.run import Record, with_threads

ITEM = ["experiment", "compiler", "isa", "cache_state"]
POINT = [*ITEM, "elements", "threads"]
QUESTION = [*POINT, "process"]
CONTENDER = ["algorithm", "pass", "variant"]
Name = tuple[str, str]
"""Algorithm and pass of a contender; one of them may be empty."""


def check_rows(path: Path, rows: pd.DataFrame, run: Record) -> None:
    """Raises DamagedRun for rows that no run can have left, or that are not all that it left.

    `rows` are samples.csv, at `path`, as its schema describes it.
    """
    # A round stands in one piece, since a process appends what is complete. To look at rounds instead of rows, and at
    # numbers instead of names, takes a fifth of the time: 40 ms of 80,000 rows.
    starts = _changes(rows, [*QUESTION, "round"])
    rounds = rows.loc[starts, [*QUESTION, "round", "calls"]].assign(size=np.diff([*np.flatnonzero(starts), len(rows)]))
    contenders, numbers = _contenders(rows)
    check_names(path, rounds, contenders, run)
    check_plan(path, rounds, run)
    check_rounds(path, rounds)
    check_processes(path, rounds, run)
    check_contenders(path, rounds, contenders, numbers, run)
    check_turns(path, rows, starts, contenders, numbers)
    check_splits(path, rows, contenders, numbers, run)
    check_flags(path, rows, run)
    check_groups(path, rows, run)


def _changes(rows: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Whether a row differs in any of the columns from the one before, or is the first."""
    changes = np.ones(len(rows), dtype=bool)
    changes[1:] = False
    for column in columns:
        values = _numbers(rows[column])
        changes[1:] |= values[1:] != values[:-1]
    return changes


def _contenders(rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The distinct contenders, each under the number of its first row; and of every row the place of its own there."""
    codes = [_numbers(rows[column]) for column in CONTENDER]
    together = pd.Series(np.ravel_multi_index(codes, [code.max() + 1 for code in codes]))
    return rows.loc[~together.duplicated(), CONTENDER].astype(str), pd.factorize(together)[0]


def _numbers(column: pd.Series) -> np.ndarray:
    """The values, of text each as its place in the alphabet."""
    return column.to_numpy() if column.dtype == "int64" else column.astype("category").cat.codes.to_numpy()


def check_names(path: Path, rounds: pd.DataFrame, contenders: pd.DataFrame, run: Record) -> None:
    """Raises DamagedRun where a row names what run.json does not have, or a variant that its contender cannot have."""
    algorithms = ["", *run.algorithms, *run.controls, *run.peers.libraries]
    for field, names, rows in (
        ("experiment", run.experiments, rounds),
        ("compiler", run.compilers, rounds),
        ("isa", run.machine.isas, rounds),
        ("algorithm", algorithms, contenders),
        ("pass", ["", *run.kernels], contenders),
    ):
        if strange := {*rows[field].unique()}.difference(names):
            row = rows.index[rows[field].isin(strange)].min()
            raise damaged_row(path, row, field, f"'{rows[field][row]}' is not in run.json")
    for row, algorithm, name, variant in contenders.itertuples(name=None):
        if not algorithm and not name:
            raise damaged_row(path, row, "pass", "the row names neither an algorithm nor a pass")
        parts = len(run.passes_of(algorithm, name))
        if (variant.count("+") + 1 if variant else 0) != parts:
            raise damaged_row(path, row, "variant", f"'{variant}' is not of {parts} passes")


def check_plan(path: Path, rounds: pd.DataFrame, run: Record) -> None:
    """Raises DamagedRun where the points differ from run.json's experiments."""
    planned = {
        (experiment, item.compiler, item.isa, item.cache_state, *point)
        for experiment, items in run.experiments.items()
        for item in items
        for point in item.points()
    }
    first = rounds.loc[_changes(rounds, POINT), POINT].drop_duplicates()
    measured = dict(zip(first.itertuples(index=False, name=None), first.index, strict=True))
    for point in sorted(planned - measured.keys()):
        raise DamagedRun(f"{path}: no rows of {point_text(point)}, which run.json's experiments have")
    for point in sorted(measured.keys() - planned):
        reason = f"{point_text(point)} is not in run.json's experiments"
        raise damaged_row(path, measured[point], "elements", reason)


def point_text(point: tuple[Any, ...]) -> str:
    """What a refusal calls the values of POINT."""
    experiment, compiler, isa, cache_state, elements, threads = point[: len(POINT)]
    return f"{experiment} {compiler} {isa} {cache_state} at {elements} elements{with_threads(threads)}"


def check_rounds(path: Path, rounds: pd.DataFrame) -> None:
    """Raises DamagedRun where the rounds of a question do not follow one another, or its calls change."""
    first = _changes(rounds, QUESTION)
    number = rounds["round"].to_numpy()
    expected = np.where(first, 0, np.concatenate([[0], number[:-1] + 1]))
    wrong = np.flatnonzero(number != expected)
    if len(wrong):
        place = wrong[0]
        reason = f"{number[place]} where {expected[place]} is next"
        raise damaged_row(path, rounds.index[place], "round", reason)
    asked = rounds.loc[first, QUESTION]
    again = asked.index[asked.duplicated()]
    if len(again):
        raise damaged_row(path, again[0], "process", "this sample was there before")
    calls = rounds["calls"].to_numpy()
    wrong = np.flatnonzero(~first[1:] & (calls[1:] != calls[:-1]))
    if len(wrong):
        place = wrong[0] + 1
        raise damaged_row(
            path, rounds.index[place], "calls", f"{calls[place]} where the round before has {calls[place - 1]}"
        )


def check_processes(path: Path, rounds: pd.DataFrame, run: Record) -> None:
    """Raises DamagedRun where a point lacks a process that others follow, or has fewer than the protocol's least."""
    least, most = run.protocol.processes.least, run.protocol.processes.most
    # Only what was stopped because its minutes were spent has fewer.
    stopped_by = run.precision and run.precision.stopped_by
    # A question that is answered precisely enough takes part in no further process, so each has its own number.
    by_point = rounds[rounds["round"] == 0].groupby(POINT, sort=False)["process"]
    found = pd.DataFrame({"size": by_point.size(), "max": by_point.max()})
    for wrong, reason in (
        (found["max"] >= found["size"], "rows of process {1}, but of {0} processes only"),
        (found["size"] < (0 if stopped_by == "minutes" else least), "{0} processes, where at least {2} were asked for"),
        (found["size"] > most, "{0} processes, where at most {3} were asked for"),
    ):
        if wrong.any():
            counts = found[wrong].iloc[0]
            told = reason.format(*counts, least, most)
            raise DamagedRun(f"{path}: {point_text(found.index[wrong][0])}: {told}")


def check_contenders(
    path: Path, rounds: pd.DataFrame, contenders: pd.DataFrame, numbers: np.ndarray, run: Record
) -> None:
    """Raises DamagedRun where an experiment lacks an algorithm or a pass, or a round a contender."""
    # Of one compiler and ISA all lengths are measured with the same variants.
    items = rounds.groupby(ITEM, sort=False).ngroup().to_numpy()
    pairs = pd.unique(np.repeat(items, rounds["size"]) * len(contenders) + numbers)
    item_of, contender_of = np.divmod(pairs, len(contenders))
    named = list(contenders[["algorithm", "pass"]].itertuples(index=False, name=None))
    of_item = rounds[ITEM[:3]].iloc[np.unique(items, return_index=True)[1]].to_numpy()
    for item, (experiment, compiler, isa) in enumerate(of_item):
        names = {named[contender] for contender in contender_of[item_of == item]}
        for missing in sorted(wanted_names(experiment, names, run) - names):
            raise DamagedRun(f"{path}: {experiment} {compiler} {isa}: no rows of {' '.join(filter(None, missing))}")
    asked = np.bincount(item_of)[items]
    wrong = (rounds["size"] != asked).to_numpy()
    if wrong.any():
        place = int(wrong.argmax())
        first = rounds.iloc[place]
        reason = (
            f"{point_text(tuple(first[POINT]))}, process {first['process']}: {first['size']} of {asked[place]} "
            "contenders"
        )
        raise damaged_row(path, rounds.index[place], "round", reason)


def wanted_names(experiment: str, names: set[Name], run: Record) -> set[Name]:
    """What an experiment with rows of these algorithms and passes must have rows of."""
    asked = run.protocol.experiments.get(experiment)
    if asked and asked.contenders in WANTED:
        return WANTED[asked.contenders](run)
    if any(algorithm in run.controls for algorithm, _ in names):
        return {(name, "") for name in (*run.controls, *(control.algorithm for control in run.controls.values()))}
    wanted = {
        (True, False): _papers(run),
        (True, True): {(algorithm, name) for algorithm in run.papers for name in run.algorithms[algorithm]},
        (False, True): {("", name) for passes in run.algorithms.values() for name in passes},
    }
    return set().union(*(wanted[bool(algorithm), bool(name)] for algorithm, name in names))


def _papers(run: Record) -> set[Name]:
    return {(algorithm, "") for algorithm in run.papers}


def _every(run: Record) -> set[Name]:
    return {(algorithm, "") for algorithm in run.algorithms}


def _twins(run: Record) -> set[Name]:
    used = {name for passes in run.algorithms.values() for name in passes}
    twins = {name: its.twin_of for name, its in run.kernels.items() if its.twin_of in used}
    return {("", name) for pair in twins.items() for name in pair}


WANTED: dict[str, Callable[[Record], set[Name]]] = {
    "accumulations": _twins,
    "conditions": lambda _: {("", "load"), ("", "copy")},
    "algorithms-and-limits": lambda run: {*_papers(run), ("", "load"), ("", "copy")},
    "frontier": lambda run: {*_every(run), *(("", name) for name in ("load", "copy", "copy_nt"))},
    "peers": lambda run: {*_every(run), *((name, "") for name in run.peers.libraries)},
}
"""By kind of experiment; of the others the rows tell."""


def check_turns(
    path: Path, rows: pd.DataFrame, starts: np.ndarray, contenders: pd.DataFrame, numbers: np.ndarray
) -> None:
    """Raises DamagedRun where a contender stands in its round twice, or not in the order of their turns, or with other
    calls than the others."""
    round_ = np.cumsum(starts) - 1
    keys = pd.Series(round_ * (numbers.max() + 1) + numbers)
    if not keys.is_unique:
        raise damaged_row(path, int(keys.duplicated().argmax()), "round", "this sample was there before")
    # Where an algorithm is split by pass, one turn of it is a row for each.
    is_split = ((contenders["algorithm"] != "") & (contenders["pass"] != "")).to_numpy()[numbers]
    turns = starts | ~is_split | _changes(rows, ["algorithm"])
    turn, first = np.cumsum(turns), np.flatnonzero(starts)[round_]
    for field, expected in (("position", turn - turn[first]), ("calls", rows["calls"].to_numpy()[first])):
        wrong = rows[field].to_numpy() != expected
        if wrong.any():
            row = int(wrong.argmax())
            raise damaged_row(path, row, field, f"{rows[field].iloc[row]} where its round has {expected[row]}")


def check_splits(path: Path, rows: pd.DataFrame, contenders: pd.DataFrame, numbers: np.ndarray, run: Record) -> None:
    """Raises DamagedRun where the passes of an algorithm that is split do not follow one another as it calls them."""
    algorithms = run.algorithms
    place = np.array(
        [
            algorithms[algorithm].index(name) if algorithm and name in algorithms.get(algorithm, ()) else -1
            for algorithm, name in contenders[["algorithm", "pass"]].itertuples(index=False, name=None)
        ]
    )[numbers]
    last = np.array([len(algorithms.get(algorithm, ())) - 1 for algorithm in contenders["algorithm"]])[numbers]
    # After each but the last of an algorithm's passes stands the next.
    following = np.append(place[1:], -1)
    wrong = (place >= 0) & np.where(place == last, following > 0, following != place + 1)
    if wrong.any():
        row = int(wrong.argmax())
        raise damaged_row(path, row, "pass", f"'{rows['pass'].iloc[row]}' is not followed by what comes after it")


def check_flags(path: Path, rows: pd.DataFrame, run: Record) -> None:
    """Raises DamagedRun where there are not as many disturbed samples as run.json counts."""
    found, counted = int((rows["flags"] != "").sum()), run.vetoes.disturbed_samples
    if found != counted:
        raise DamagedRun(f"{path}: {found:,} rows with flags, where run.json counts {counted:,}")


def check_groups(path: Path, rows: pd.DataFrame, run: Record) -> None:
    """Raises DamagedRun where a process has not the samples, or not the looks at the conditions, that its groups in
    run.json tell of; runs from before there were groups tell of none."""
    if not run.groups:
        return
    wrong: set[int] = set()
    for field, those in (("samples", rows["process"]), ("disturbed", rows["process"][rows["flags"] != ""])):
        found, told = Counter(those.value_counts().to_dict()), Counter[int]()
        for group in run.groups:
            told[group["process"]] += group[field]
        wrong |= {process for process in {*found, *told} if found[process] != told[process]}
    if wrong:
        reason = "its groups in run.json tell of another number of samples, or of flags"
        raise DamagedRun(f"{path}: process {min(wrong)}: {reason}")
    looked = rows.loc[rows["experiment"].isin(_looked(run)), ["process", "round"]]
    looks = looked.groupby("process")["round"].max().to_dict()
    for group in run.groups:
        if group["after"] is not None and group["after"] > looks.get(group["process"], -1):
            reason = f"no round {group['after']} of the conditions, which its groups tell of"
            raise DamagedRun(f"{path}: process {group['process']}: {reason}")


def _looked(run: Record) -> list[str]:
    return [name for name, asked in run.protocol.experiments.items() if asked.contenders == "conditions"]
