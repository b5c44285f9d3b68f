"""Load a recorded run, and refuse a damaged one by file, line, field and reason."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from harness.record.completeness import check_rows
from harness.record.errors import DamagedRun, HarnessError, damaged_row, one_line, tell_skipped
from harness.record.run import Record
from harness.record.schema import schema
from harness.record.store import (
    check_whole,
    read_record,
    refuse_wrong_header,
    refuse_wrong_width,
    samples_file,
    text_of,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Run(Record):
    """One complete run: a machine, a protocol, and every sample that was taken."""

    folder: Path
    samples: pd.DataFrame
    """samples.csv, as samples.schema.json describes it: integers as int64, text as str; flagged rows included."""

    __eq__, __hash__ = object.__eq__, object.__hash__
    """A run is itself alone, so that what is made of it can be kept (`made_once`)."""

    @classmethod
    def of(cls, record: Record, folder: Path, samples: pd.DataFrame) -> Run:
        """What a Record says, with its rows."""
        return cls(**{its.name: getattr(record, its.name) for its in fields(Record)}, folder=folder, samples=samples)


Made = TypeVar("Made")


def made_once(make: Callable[..., Made]) -> Callable[..., Made]:
    """A function of a run whose result is kept for the last few runs, so that all who read it read the same. None
    changes it."""
    return lru_cache(maxsize=8)(make)


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
    _refuse_wrong_shape(path, text, list(rules))
    # Every cell as text first: pandas would guess types, and call "NA" a missing value.
    cells = pd.read_csv(
        io.StringIO(text), dtype=str, na_filter=False, quoting=csv.QUOTE_NONE, index_col=False, lineterminator="\n"
    )
    if cells.empty:
        raise DamagedRun(f"{path}: holds no samples")
    faults = [(*fault, field) for field, rule in rules.items() if (fault := _first_fault(cells[field], rule))]
    if faults:
        row, reason, field = min(faults, key=lambda fault: fault[0])
        raise damaged_row(path, row, field, reason)
    return pd.DataFrame({field: _typed(cells[field], rule) for field, rule in rules.items()})


def _refuse_wrong_shape(path: Path, text: str, fields: list[str]) -> None:
    lines = text.removesuffix("\n").split("\n")
    refuse_wrong_header(path, lines[0].split(","), fields)
    for number, line in enumerate(lines, start=1):
        refuse_wrong_width(path, number, line.count(",") + 1, len(fields))


INTEGER = r"-?[0-9]{1,18}"
"""What fits in an int64."""


def _typed(cells: pd.Series, rule: dict[str, Any]) -> pd.Series:
    return cells.astype("int64") if rule["type"] == "integer" else cells


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
