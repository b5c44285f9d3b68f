"""The text of a run's files, JSON and tables: read strictly, so that what is damaged is refused by name, and nothing
that is read troubles whoever counts with it or shows it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from harness.record.errors import DamagedRun, one_line
from harness.record.run import Row

LARGEST_DIGITS = 18  # of an integer, as in samples.csv
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
TOO_LARGE = 10**LARGEST_DIGITS
BETWEEN = ";"
"""Between the parts of a list in a cell."""
UNSHOWABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\uffff]"
)
"""What steers a terminal, turns a line round or cannot be written as UTF-8."""


def bytes_of(path: Path) -> bytes:
    """The content of a file. Raises DamagedRun where it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DamagedRun(f"{path}: no such file") from None
    except OSError as error:
        raise DamagedRun(f"{path}: cannot be read: {one_line(error)}") from None


def text_of(path: Path) -> str:
    """The text of a table, compressed (.gz) or not. Raises DamagedRun where it cannot be read or was cut off."""
    content = bytes_of(path)
    try:
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DamagedRun(f"{path}: cannot be decompressed: {one_line(error)}") from None
    except UnicodeDecodeError as error:
        raise DamagedRun(f"{path}: cannot be read: {one_line(error)}") from None
    if not text:
        raise DamagedRun(f"{path}: is empty")
    if not text.endswith("\n"):
        raise DamagedRun(f"{path}, line {text.count(chr(10)) + 1}: is cut off (the file does not end with a line end)")
    return text


def parse(content: bytes, name: str) -> dict[str, Any]:
    """The JSON object in the file `name`.

    Raises DamagedRun, also where a key stands twice in an object, for numbers that arithmetic could stumble over, and
    for text that cannot be shown.
    """
    try:
        data = json.loads(
            content.decode("utf-8"),
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_number,
            object_pairs_hook=_object,
        )
        refuse_unshowable(data)
    except json.JSONDecodeError as error:
        raise DamagedRun(f"{name}, line {error.lineno}: not sound JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise DamagedRun(f"{name}: not sound JSON: {one_line(error)}") from None
    if not isinstance(data, dict):
        raise DamagedRun(f"{name}: not a JSON object")
    return data


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > LARGEST_DIGITS:
        raise ValueError(f"{text[:20]}... has more than {LARGEST_DIGITS} digits")
    return int(text)


def _number(text: str) -> float:
    if not abs(float(text)) < TOO_LARGE:
        raise ValueError(f"{text[:20]} is not a number that a run holds")
    return float(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one object")
    return found


def refuse_unshowable(value: Any) -> None:
    """Raises ValueError for text, wherever in the value, that cannot be shown."""
    if isinstance(value, str):
        if UNSHOWABLE.search(value):
            raise ValueError(f"{value[:50]!a} holds a character that cannot be shown")
    elif isinstance(value, dict | list):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            refuse_unshowable(part)


def table_text(fields: Iterable[str], rows: Iterable[Row]) -> str:
    """The rows of a table with these fields, as CSV. A cell is empty where the row has no value; parts of a list have
    BETWEEN between."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(fields), lineterminator="\n")
    writer.writeheader()
    writer.writerows({field: _cell(value) for field, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return BETWEEN.join(map(_cell, value))
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)


def read_table(path: Path, text: str, described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table, from its text, as a schema describes them; what a cell cannot hold is left as text, for the
    schema to refuse. Raises DamagedRun where the text is no such table."""
    rules, rows = described["properties"], []
    try:
        lines = csv.reader(io.StringIO(text), strict=True)
        refuse_wrong_header(path, next(lines), list(rules))
        # Of a text without quotes no cell holds a line end.
        is_showable = '"' not in text and not UNSHOWABLE.search(text.replace("\n", ""))
        for cells in lines:
            refuse_wrong_width(path, lines.line_num, len(cells), len(rules))
            if not is_showable:
                refuse_unshowable(cells)
            rows.append(cells)
    except (ValueError, csv.Error) as error:
        raise DamagedRun(f"{path}: not a sound table: {one_line(error)}") from None
    values = [_column(cells, rule) for rule, cells in zip(rules.values(), zip(*rows, strict=True), strict=bool(rows))]
    table = [dict(zip(rules, row, strict=True)) for row in zip(*values, strict=True)]
    for place, field in enumerate(rules):
        if field not in described["required"]:
            for row, cells in zip(table, rows, strict=True):
                if not cells[place]:
                    del row[field]
    return table


def refuse_wrong_header(path: Path, header: list[str], fields: list[str]) -> None:
    """Raises DamagedRun for a table's header that is not these fields."""
    if header != fields:
        differing = next((a, b) for a, b in zip([*header, None], [*fields, None], strict=False) if a != b)
        found, expected = (one_line("no more columns" if name is None else repr(name)) for name in differing)
        raise DamagedRun(f"{path}, line 1: the header has {found} where its schema has {expected}")


def refuse_wrong_width(path: Path, line: int, found: int, expected: int) -> None:
    """Raises DamagedRun for a line of a table that has not as many fields as its header."""
    if found != expected:
        raise DamagedRun(f"{path}, line {line}: {found} fields where {expected} are expected")


def _column(cells: Sequence[str], rule: Mapping[str, Any]) -> Iterable[Any]:
    """The values of cells that one rule describes."""
    # Cells repeat, but for measured numbers; all at once these take a tenth of the time.
    is_number = rule.get("type") in ("integer", "number")
    return (is_number and _numbers(cells)) or map(cache(_reader(rule)), cells)


def _numbers(cells: Sequence[str]) -> Sequence[int | float]:
    """What `_numeric` makes of the cells, where it makes a number of each that JSON has as well; else nothing."""
    text = ",".join(cells)
    with suppress(ValueError, RecursionError):
        numbers = json.loads(f"[{text}]", parse_constant=_number)
        is_each_one = len(numbers) == len(cells) and {*map(type, numbers)} <= {int, float} and " " not in text
        if is_each_one and min(numbers) > -TOO_LARGE and max(numbers) < TOO_LARGE:
            return numbers
    return ()


def _reader(rule: Mapping[str, Any]) -> Callable[[str], Any]:
    """What turns a cell into what its rule describes."""
    kinds = rule.get("type", "string")
    if "array" in kinds:
        part = _reader(rule["items"])
        return lambda cell: [*map(part, cell.split(BETWEEN))] if cell else []
    if "boolean" in kinds:
        return lambda cell: {"true": True, "false": False}.get(cell, cell)
    if "integer" in kinds or "number" in kinds:
        return lambda cell: None if "null" in kinds and not cell else _numeric(cell)
    return lambda cell: None if "null" in kinds and not cell else cell


def _numeric(cell: str) -> int | float | str:
    if NUMBER.fullmatch(cell):
        with suppress(ValueError):
            return _number(cell) if "." in cell or "e" in cell.lower() else _integer(cell)
    return cell
