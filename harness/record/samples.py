"""Load a recorded run, and refuse a damaged one by file, line, field and reason."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from harness.record.completeness import check_rows
from harness.record.errors import DamagedRun, HarnessError, damaged_row, one_line, tell_skipped
from harness.record.parsing import refuse_wrong_header, refuse_wrong_width, text_of
from harness.record.run import Record
from harness.record.schema import schema
from harness.record.store import check_whole, read_record, samples_file


@dataclass(frozen=True, kw_only=True, eq=False)
class Run(Record):
    """One complete run: a machine, a protocol, and every sample that was taken."""

    folder: Path
    samples: pd.DataFrame
    """samples.csv, as samples.schema.json describes it: integers as int64, text as category (its values in alphabetical
    order; of a run in progress as text); flagged rows included."""
    made: dict[Any, Any] = dataclasses.field(default_factory=dict, init=False, repr=False)
    """What was made of it (`made_once`)."""

    __eq__, __hash__ = object.__eq__, object.__hash__
    """A run is itself alone."""

    @property
    def known_by(self) -> Hashable:
        """What tells it from other runs of its machine."""
        return self.name

    @classmethod
    def of(cls, record: Record, folder: Path, samples: pd.DataFrame) -> Run:
        """What a Record says, with its rows."""
        return cls(**{its.name: getattr(record, its.name) for its in fields(Record)}, folder=folder, samples=samples)


Made = TypeVar("Made")


def made_once(make: Callable[..., Made]) -> Callable[..., Made]:
    """A function of a run, or of what has a run's `made` and what it is `known_by`, whose result is kept as long as the
    run is, so that all who read it read the same. None changes it. Neither results nor the keys to them hold a run: one
    that nobody needs is given up at once."""

    @wraps(make)
    def made(*of: Any) -> Made:
        kept = next(one.made for one in of if hasattr(one, "made"))
        key = (made, *(getattr(one, "known_by", one) for one in of))
        if key not in kept:
            kept[key] = make(*of)
        return kept[key]

    return made


def load_run(folder: Path) -> Run:
    """Load the run in a folder that holds run.json, its tables, and samples.csv or samples.csv.gz.

    Raises DamagedRun, in one line, where a file is missing, cut off, does not fit its schema, or the parts do not fit
    together: names, counts, and whatever rows there must be; also where the run is not complete.
    """
    record = read_record(folder)
    if not record.is_complete:
        raise DamagedRun(f"{folder / 'run.json'}, ended: this run is not complete")
    return Run.of(record, folder, read_samples(samples_file(folder), record))


def load_runs(folders: Iterable[Path]) -> list[Run]:
    """Those of the runs that can be loaded; the others are skipped, each with a line on standard error."""
    runs = []
    for folder in folders:
        try:
            runs.append(load_run(folder))
        except HarnessError as error:
            tell_skipped(error)
    return runs


def read_samples(path: Path, record: Record) -> pd.DataFrame:
    """The rows of the samples.csv, or samples.csv.gz, that goes with a Record; the columns, types and limits are
    those of its schema.

    Raises DamagedRun at the first row (by line of the uncompressed text) that does not fit, or where rows are missing.
    """
    text = text_of(path)
    rows = _rows(path, text)
    # In this order, since what is found in a row says more.
    check_rows(path, rows, record)
    check_whole(path, text, record)
    return rows


def _rows(path: Path, text: str) -> pd.DataFrame:
    rules: dict[str, dict[str, Any]] = schema("samples")["properties"]
    content = text.encode()
    cells = _lengths(path, content, list(rules))
    if len(cells) == 1:
        raise DamagedRun(f"{path}: holds no samples")
    longest = dict(zip(rules, cells[1:].max(axis=0).tolist(), strict=True))
    rows = _at_once(content, rules, longest)
    return _cell_by_cell(path, text, rules) if rows is None else rows


def _lengths(path: Path, content: bytes, fields: list[str]) -> np.ndarray:
    """How many bytes each cell has, header included; shape (lines, fields). Raises DamagedRun for another header, or at
    a line that has not as many fields."""
    refuse_wrong_header(path, content[: content.index(b"\n")].decode().split(","), fields)
    table = np.frombuffer(content, np.uint8)
    ends = np.flatnonzero((table == ord(",")) | (table == ord("\n")))
    is_last = table[ends] == ord("\n")
    counts = np.diff(np.flatnonzero(is_last), prepend=-1)
    if (wrong := counts != len(fields)).any():
        line = int(wrong.argmax())
        refuse_wrong_width(path, line + 1, int(counts[line]), len(fields))
    return (np.diff(ends, prepend=-1) - 1).reshape(-1, len(fields))


def _at_once(content: bytes, rules: dict[str, dict[str, Any]], longest: dict[str, int]) -> pd.DataFrame | None:
    """The rows, where each cell holds to its rule; None where one may not, which is told cell by cell. To have pandas
    read integers takes a fifth of the time, but it takes more for one: with a sign or spaces before it, or longer."""
    integers = [field for field, rule in rules.items() if rule["type"] == "integer"]
    if any(sign in content for sign in NO_INTEGER) or max(longest[field] for field in integers) > DIGITS:
        return None
    kinds = {field: "int64" if field in integers else "category" for field in rules}
    try:
        rows = pd.read_csv(io.BytesIO(content), dtype=kinds, **AS_WRITTEN)
    except (ValueError, OverflowError):
        return None
    for field, rule in rules.items():
        # Of a text column each value once.
        values = rows[field] if field in integers else pd.Series(rows[field].cat.categories)
        for keyword in rule.keys() - SAYS_NOTHING:
            if not KEYWORDS[keyword][0](values, rule[keyword]).all():
                return None
    return rows


def _cell_by_cell(path: Path, text: str, rules: dict[str, dict[str, Any]]) -> pd.DataFrame:
    # Every cell as text first: pandas would guess types, and call "NA" a missing value.
    cells = pd.read_csv(io.StringIO(text), dtype=str, **AS_WRITTEN)
    faults = [(*fault, field) for field, rule in rules.items() if (fault := _first_fault(cells[field], rule))]
    if faults:
        row, reason, field = min(faults, key=lambda fault: fault[0])
        raise damaged_row(path, row, field, reason)
    return pd.DataFrame({field: _typed(cells[field], rule) for field, rule in rules.items()})


AS_WRITTEN: Any = {
    **{"na_filter": False, "quoting": csv.QUOTE_NONE, "index_col": False, "lineterminator": "\n"},
    # Names of one column would be gathered in each of several parts.
    "low_memory": False,
}
DIGITS = 18
"""Of an integer that fits in an int64 whatever they are."""
NO_INTEGER = (b" ", b"\t", b"\r", b"\v", b"\f", b",+")
"""What pandas takes before an integer, or after it."""
INTEGER = rf"-?[0-9]{{1,{DIGITS}}}"


def _typed(cells: pd.Series, rule: dict[str, Any]) -> pd.Series:
    return cells.astype("int64" if rule["type"] == "integer" else "category")


# One line for each keyword that the schema may use for a column: which cells hold to it, and what is said otherwise.
KEYWORDS: dict[str, tuple[Callable[[pd.Series, Any], pd.Series], str]] = {
    "enum": (lambda column, allowed: column.isin(allowed), "is not one of {rule}"),
    "minimum": (lambda column, least: column >= least, "is less than the minimum of {rule}"),
    "pattern": (
        # By distinct value: a text column has few.
        lambda column, pattern: column.isin([value for value in column.unique() if re.fullmatch(pattern, value)]),
        "does not match {rule}",
    ),
}
SAYS_NOTHING = {"type", "description"}


def _first_fault(cells: pd.Series, rule: dict[str, Any]) -> tuple[int, str] | None:
    """Row (from 0) and reason of the first cell that does not hold to its rule."""
    if rule["type"] == "integer":
        wrong = ~cells.str.fullmatch(INTEGER).to_numpy(dtype=bool)
        if wrong.any():
            row = int(wrong.argmax())
            return row, f"'{one_line(cells[row])}' is not an integer"
    column = _typed(cells, rule)
    faults = []
    for keyword in rule.keys() - SAYS_NOTHING:
        # A KeyError here means that the schema has learnt a keyword which this module has not.
        holds, reason = KEYWORDS[keyword]
        wrong = ~holds(column, rule[keyword]).to_numpy()
        if wrong.any():
            row = int(wrong.argmax())
            faults.append((row, f"'{one_line(cells[row])}' {reason.format(rule=rule[keyword])}"))
    return min(faults, default=None)
