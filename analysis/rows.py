"""Load a recorded run, and refuse a damaged one by file, line, field and reason."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import DamagedRun
from analysis.information import one_line, read_information, samples_file, schema

MEASURED = ("calls", "nanoseconds", "clock_nanoseconds", "throughput_nanoseconds", "flags")
"""Columns that say what came out; the others together say which sample it is."""


@dataclass(frozen=True)
class Run:
    """One complete run: a machine, a protocol, and every sample that was taken."""

    folder: Path
    information: dict[str, Any]
    """run.json, as run.schema.json describes it."""
    samples: pd.DataFrame
    """samples.csv, as samples.schema.json describes it: integers as int64, text as str; flagged rows included."""


def load_run(folder: Path) -> Run:
    """Load the run in a folder that holds run.json and samples.csv or samples.csv.gz.

    Raises DamagedRun, in one line, where a file is missing, cut off, does not fit its schema, or names something that
    run.json does not have; also where the run is not complete.
    """
    information = read_information(folder)
    if information["ended"] is None:
        raise DamagedRun(f"{folder / 'run.json'}, ended: this run is not complete")
    path = samples_file(folder)
    samples = read_samples(path)
    _refuse_unknown_names(path, samples, information)
    _refuse_repeated_samples(path, samples)
    return Run(folder, information, samples)


def peers(information: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What run.json says of each other library that was measured, by the name that rows have as algorithm."""
    return information.get("peers", {}).get("libraries", {})


def read_samples(path: Path) -> pd.DataFrame:
    """The rows of a samples.csv, or of a samples.csv.gz; the columns, types and limits are those of its schema.

    Raises DamagedRun at the first row (by line of the uncompressed text) that does not fit.
    """
    rules: dict[str, dict[str, Any]] = schema("samples")["properties"]
    text = _read_text(path)
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
        raise _damage(path, row, field, reason)
    return pd.DataFrame({field: _typed(cells[field], rule) for field, rule in rules.items()})


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DamagedRun(f"{path}: cannot be decompressed: {one_line(error)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedRun(f"{path}: cannot be read: {one_line(error)}") from None
    if not text:
        raise DamagedRun(f"{path}: is empty")
    if not text.endswith("\n"):
        raise DamagedRun(f"{path}, line {text.count(chr(10)) + 1}: is cut off (the file does not end with a line end)")
    return text


def _refuse_wrong_shape(path: Path, text: str, fields: list[str]) -> None:
    lines = text.removesuffix("\n").split("\n")
    header = lines[0].split(",")
    if header != fields:
        differing = next((a, b) for a, b in zip([*header, None], [*fields, None], strict=False) if a != b)
        found, expected = (one_line("no more columns" if name is None else repr(name)) for name in differing)
        raise DamagedRun(f"{path}, line 1: the header has {found} where its schema has {expected}")
    for number, line in enumerate(lines, start=1):
        if line.count(",") != len(fields) - 1:
            raise DamagedRun(f"{path}, line {number}: {line.count(',') + 1} fields where {len(fields)} are expected")


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
        lambda column, pattern: column.isin([value for value in column.unique() if re.search(pattern, value)]),
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


def _refuse_unknown_names(path: Path, samples: pd.DataFrame, information: dict[str, Any]) -> None:
    """What the rows name must stand in run.json, or its traffic and passes are not known."""
    known = {
        "compiler": information["compilers"],
        "isa": information["machine"]["isas"],
        "algorithm": ["", *information["algorithms"], *information.get("controls", {}), *peers(information)],
        "pass": ["", *information["kernels"]],
    }
    for field, names in known.items():
        strange = ~samples[field].isin(list(names)).to_numpy()
        if strange.any():
            row = int(strange.argmax())
            raise _damage(path, row, field, f"'{samples[field].iloc[row]}' is not in run.json")
    for control, its in information.get("controls", {}).items():
        if its["algorithm"] not in information["algorithms"]:
            raise DamagedRun(
                f"{path.parent / 'run.json'}, controls.{control}: '{its['algorithm']}' is not in algorithms"
            )
    for algorithm, passes in information["algorithms"].items():
        for name in passes:
            if name not in information["kernels"]:
                raise DamagedRun(f"{path.parent / 'run.json'}, algorithms.{algorithm}: '{name}' is not in kernels")


def _refuse_repeated_samples(path: Path, samples: pd.DataFrame) -> None:
    undisturbed = samples[samples["flags"] == ""]
    repeated = undisturbed.index[undisturbed.duplicated([name for name in samples if name not in MEASURED])]
    if len(repeated):
        raise _damage(path, int(repeated[0]), "round", "this sample stands in the file twice")


def _damage(path: Path, row: int, field: str, reason: str) -> DamagedRun:
    # The header is line 1.
    return DamagedRun(f"{path}, line {row + 2}, {field}: {reason}")
