"""A run on disk: run.json, the tables beside it and samples.csv, each read whole and checked, or written whole.

While a run is in progress its tables stand in run.json, so that one rename replaces all that is known of it. Fast to
import, since the Snakefile does it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.record import consistency
from harness.record.errors import DamagedRun, one_line
from harness.record.files import settle, write_whole
from harness.record.journal import COLUMNS, Journal, TuningJournal, journals
from harness.record.parsing import bytes_of, parse, read_table, table_text, text_of
from harness.record.run import SCHEMA_VERSION, Record, Vetoes, content_of, record_of
from harness.record.schema import fault, schema
from harness.record.upgrade import OLD_ROWS, OLD_TABLES, OLD_VERSIONS, upgrade

INFO = "run.json"
SAMPLES, SAMPLES_GZ = "samples.csv", "samples.csv.gz"
TABLES = ("tuning", "accuracy", "exp", "domain", "groups")
"""What stands in CSV files of its own beside the run.json of a complete run; run.schema.json describes the rows."""
RUN_LOCK = "lock"
"""Of a run in progress, in its folder."""


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
    content = parse(bytes_of(folder / INFO), str(folder / INFO))
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
    files = {f"{name}.csv": table_text(rows_of(name)["properties"], content[name]) for name in beside}
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


def rows_of(name: str, version: Any = SCHEMA_VERSION) -> Mapping[str, Any]:
    """What run.schema.json says of the rows of a table, or what it said of those of an old version."""
    return OLD_ROWS.get((version, name)) or schema("run")["properties"][name]["items"]


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
