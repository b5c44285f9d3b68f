"""A run on disk: run.json, the tables beside it and samples.csv, each read whole and checked, or written whole.

While a run is in progress its tables stand in run.json, so that one rename replaces all that is known of it. Fast to
import, since the Snakefile does it.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from harness.record import consistency
from harness.record.errors import DamagedRun, one_line
from harness.record.files import settle, write_whole
from harness.record.journal import COLUMNS, Journal, TuningJournal, journals
from harness.record.run import SCHEMA_VERSION, Record, Row, Vetoes, content_of, record_of
from harness.record.schema import fault, schema
from harness.record.upgrade import OLD_ROWS, OLD_TABLES, OLD_VERSIONS, upgrade

INFO = "run.json"
SAMPLES, SAMPLES_GZ = "samples.csv", "samples.csv.gz"
TABLES = ("tuning", "accuracy", "exp", "domain", "groups")
"""What stands in CSV files of its own beside the run.json of a complete run; run.schema.json describes the rows."""
RUN_LOCK = "lock"
"""Of a run in progress, in its folder."""
LARGEST_DIGITS = 18  # of an integer, as in samples.csv
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
TOO_LARGE = 10**LARGEST_DIGITS
BETWEEN = ";"
"""Between the parts of a list in a cell."""
UNSHOWABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\uffff]"
)
"""What steers a terminal, turns a line round or cannot be written as UTF-8."""


def read_record(folder: Path) -> Record:
    """What run.json of a run's folder and the tables beside it say, as run.schema.json describes it, its parts in
    keeping with each other.

    Raises DamagedRun, naming file, field and reason.
    """
    path = folder / INFO
    content = read_content(folder)
    version, beside = content.get("schema_version"), beside_of(content)
    texts = {name: text_of(table_file(folder, name)) for name in beside}
    content |= {
        name: read_table(table_file(folder, name), text, rows_of(name, version)) for name, text in texts.items()
    }
    if beside and content.get("tables_sha256") != digest(texts.values()):
        raise DamagedRun(f"{path}, tables_sha256: is not that of {', '.join(f'{name}.csv' for name in beside)}")
    return checked(upgrade(content), path, beside)


def read_content(folder: Path) -> dict[str, Any]:
    """What run.json of a run's folder holds, as JSON: a complete run's without the tables beside it. Raises DamagedRun
    where it is no sound JSON."""
    content = parse(_bytes_of(folder / INFO), str(folder / INFO))
    if strange := content.keys() & {*beside_of(content)}:
        raise DamagedRun(f"{folder / INFO}, {min(strange)}: stands in a file of its own")
    return content


def write_record(folder: Path, record: Record) -> None:
    """Writes run.json of a run's folder and, where the run is complete, the tables beside it; checked as they will be
    where they are read. Raises HarnessError."""
    content = content_of(record)
    checked(parse(json.dumps(content).encode(), INFO), folder / INFO)
    write_whole({folder / name: text.encode() for name, text in files_of(content).items()})


def files_of(content: Mapping[str, Any]) -> dict[str, str]:
    """The text of run.json and, where the run is complete, of the tables beside it, by name."""
    beside = beside_of(content)
    files = {f"{name}.csv": table_text(name, content[name]) for name in beside}
    told = {key: value for key, value in content.items() if key not in beside}
    if files:
        told["tables_sha256"] = digest(files.values())
    # Last, since it tells of the others.
    return files | {INFO: json.dumps(told, indent=1) + "\n"}


def table_file(folder: Path, name: str) -> Path:
    """Where a table of a complete run stands."""
    return folder / f"{name}.csv"


def beside_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The tables that stand beside a run.json of this content."""
    return tables_of(content.get("schema_version")) if content.get("ended") is not None else ()


def tables_of(version: Any) -> tuple[str, ...]:
    """The tables that stand beside the run.json of a complete run of this version; none where it is not known."""
    known = {**OLD_TABLES, SCHEMA_VERSION: TABLES}.items()
    return next((tables for its, tables in known if its == version), ())


def digest(texts: Iterable[str]) -> str:
    """SHA-256 of texts, one after the other."""
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def checked(content: Mapping[str, Any], path: Path, beside: Collection[str] = ()) -> Record:
    """The Record that run.json, at `path`, stands for, with its tables; those `beside` it are in files of their own.

    Raises DamagedRun where the content does not fit its schema or itself.
    """
    record = fitting(content, path, beside)
    for contradiction in consistency.contradictions(record):
        raise DamagedRun(f"{_of_field(path, contradiction, beside)}, {one_line(contradiction)}")
    return record


def fitting(content: Mapping[str, Any], path: Path, beside: Collection[str] = ()) -> Record:
    """The same, where nobody has looked whether its parts fit together. Raises DamagedRun where the content does not
    fit its schema."""
    if "schema_version" in content and content["schema_version"] != SCHEMA_VERSION:
        version, known = one_line(repr(content["schema_version"])), ", ".join(map(str, (*OLD_VERSIONS, SCHEMA_VERSION)))
        raise DamagedRun(f"{path}, schema_version: {version} is not known here (known: {known})")
    found = fault(content, "run")
    if found is not None:
        field = one_line(found.json_path.removeprefix("$").removeprefix("."))
        raise DamagedRun(f"{_of_field(path, field, beside)}, {field or 'top level'}: {one_line(found.message)}")
    return record_of(content)


def _of_field(path: Path, field: str, beside: Collection[str]) -> Path:
    """The file that a field stands in."""
    name = re.match(r"\w*", field)
    return table_file(path.parent, name[0]) if name and name[0] in beside else path


# JSON


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
        _refuse_unshowable(data)
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


def _refuse_unshowable(value: Any) -> None:
    if isinstance(value, str):
        if UNSHOWABLE.search(value):
            raise ValueError(f"{value[:50]!a} holds a character that cannot be shown")
    elif isinstance(value, dict | list):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            _refuse_unshowable(part)


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DamagedRun(f"{path}: no such file") from None
    except OSError as error:
        raise DamagedRun(f"{path}: cannot be read: {one_line(error)}") from None


# Tables


def rows_of(name: str, version: Any = SCHEMA_VERSION) -> Mapping[str, Any]:
    """What run.schema.json says of the rows of a table, or what it said of those of an old version."""
    return OLD_ROWS.get((version, name)) or schema("run")["properties"][name]["items"]


def table_text(name: str, rows: Iterable[Row]) -> str:
    """The rows of a table as CSV. A cell is empty where the row has no value; parts of a list have BETWEEN between."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows_of(name)["properties"], lineterminator="\n")
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
    """The rows of a table, from its text, as `rows_of` describes them; what a cell cannot hold is left as text, for the
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
                _refuse_unshowable(cells)
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


# Rows


def files(folder: Path) -> list[Path]:
    """The files that a complete run in this folder is made of. Raises DamagedRun where its rows are missing."""
    beside = (table_file(folder, name) for name in TABLES)
    return [folder / INFO, samples_file(folder), *(path for path in beside if path.exists())]


def samples_file(folder: Path) -> Path:
    """samples.csv of a run's folder, or samples.csv.gz where only that exists. Raises DamagedRun if neither does."""
    for name in (SAMPLES, SAMPLES_GZ):
        if (folder / name).is_file():
            return folder / name
    raise DamagedRun(f"{folder}: neither {SAMPLES} nor {SAMPLES_GZ} is there")


def text_of(path: Path) -> str:
    """The text of a table, compressed (.gz) or not. Raises DamagedRun where it cannot be read or was cut off."""
    content = _bytes_of(path)
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


def check_whole(path: Path, text: str, record: Record) -> None:
    """Raises DamagedRun where the text of samples.csv has not as many rows, or not the SHA-256, that run.json says."""
    # The header is no row.
    if (rows := text.count("\n") - 1) != (counted := record.vetoes.samples):
        raise DamagedRun(f"{path}: {rows:,} rows, where run.json counts {counted:,}")
    if record.samples_sha256 and record.samples_sha256 != digest([text]):
        raise DamagedRun(f"{path}: these are not the rows that were measured: run.json has another SHA-256")


def write_samples(folder: Path, journals: Sequence[Journal]) -> dict[str, Any]:
    """Merges the journals into samples.csv of a run's folder. Returns what a Record says of it: `vetoes` (all rows, and
    those of them that carry a flag) and `samples_sha256`."""
    rows = [line for journal in journals for lines in journal.points().values() for line in lines.splitlines()]
    content = "".join(f"{line}\n" for line in (",".join(COLUMNS), *rows))
    write_whole({folder / SAMPLES: content.encode()})
    disturbed = sum(not line.endswith(",") for line in rows)
    return {"vetoes": Vetoes(len(rows), disturbed), "samples_sha256": digest([content])}


def clear_away(folder: Path, is_complete: bool) -> None:
    """Removes what kills have left in a run's folder that nobody else writes to: files that were not put in their
    place, and the journals and the lock of a run that is complete."""
    names = (INFO, SAMPLES, "process-", "tuning.journal", *(f"{name}.csv" for name in TABLES))
    for path in folder.glob(".*.*"):
        if path.name.startswith(tuple(f".{name}" + "." * (not name.endswith("-")) for name in names)):
            path.unlink(missing_ok=True)
    if is_complete:
        settle(folder)  # a journal that is gone from the disk before the rows are there would be lost with them
        for path in (*(journal.path for journal in journals(folder)), TuningJournal(folder).path):
            path.unlink(missing_ok=True)
        (folder / RUN_LOCK).unlink(missing_ok=True)
