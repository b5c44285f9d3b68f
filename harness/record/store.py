"""Rows on disk: a journal that a kill leaves usable, and files that are written whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import tempfile
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.record import run
from harness.record.errors import HarnessError
from harness.record.run import Record, Vetoes
from harness.record.schema import schema
from harness.record.upgrade import upgrade

COLUMNS: tuple[str, ...] = tuple(schema("samples")["properties"])
SCHEMA_VERSION = 1
RUN_LOCK = "lock"
"""Of a run in progress, in its folder."""
END_OF_POINT = "#"
"""Opens the line that closes a point in a journal."""

Row = Mapping[str, Any]


def write_whole(path: Path, content: str) -> None:
    """Writes `path` so that it holds the old or the new content, whatever happens. Raises HarnessError if it can't."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror}") from error


def write_info(folder: Path, info: Mapping[str, Any]) -> None:
    """Writes run.json of a run folder, checked as it will be where it is read. Raises HarnessError."""
    content = json.dumps(info, indent=1) + "\n"
    run.check(run.parse(content.encode(), "run.json"), folder / "run.json")
    write_whole(folder / "run.json", content)


def read_info(folder: Path) -> dict[str, Any]:
    """run.json of a run folder. Raises HarnessError naming file and field where it is damaged."""
    return run.read_information(folder)


def read_record(folder: Path) -> Record:
    """What run.json of a run folder says. Raises HarnessError naming file and field where it is damaged."""
    return run.record_of(upgrade(read_info(folder)))


def write_record(folder: Path, record: Record) -> None:
    """Writes run.json of a run folder, checked as it will be where it is read. Raises HarnessError."""
    write_info(folder, version_1(record))


def version_1(record: Record) -> dict[str, Any]:
    """run.json of version 1."""
    content = run.content_of(record) | {"schema_version": SCHEMA_VERSION}
    exp, accuracy, elements = (content.pop(key, None) for key in ("exp", "accuracy", "accuracy_elements"))
    if elements is not None:
        content["accuracy"] = {"elements": elements, "exp": exp, "softmax": accuracy}
    if not record.peers.libraries:
        del content["peers"]
    if record.protocol.processes.most is None:
        del content["protocol"]["processes"]
    if not record.protocol.accuracy:
        del content["protocol"]["accuracy"]
    return {"ended": None, **content}


def csv_lines(rows: Iterable[Row]) -> str:
    """The rows as lines of CSV, in the order of COLUMNS, without a header."""
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerows(rows)
    return text.getvalue()


def sealed(record: str) -> str:
    """A record of a journal with its checksum, by which a kill and a damage are told apart."""
    return f"{record} {zlib.crc32(record.encode()):08x}\n"


def records(path: Path, closing: str = "") -> Iterator[str]:
    """The records of a journal, without their checksums. The last line of each opens with `closing`; what follows the
    last record was cut off by a kill. Raises HarnessError where a record is not what was written."""
    record = b""
    for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
        record += line
        if line.startswith(closing.encode()) and line.endswith(b"\n"):
            text = record[:-10].decode(errors="replace")
            if record != sealed(text).encode():
                raise HarnessError(f"{path}: is damaged; remove it, and the same command measures anew what was in it")
            yield text
            record = b""


class Journal:
    """The rows of one process, appended point by point: a kill loses at most the point in progress."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def points(self) -> dict[str, str]:
        """The CSV lines of each complete point, by the key of its question."""
        points = {}
        for record in records(self.path, END_OF_POINT):
            *lines, closing = record.splitlines(keepends=True)
            points[closing.removeprefix(END_OF_POINT)] = "".join(lines)
        return points

    def trim(self) -> None:
        """Cuts off what a kill left unfinished, so that the next point follows a complete one."""
        points = self.points()
        if self.path.exists():
            write_whole(self.path, "".join(sealed(f"{lines}{END_OF_POINT}{key}") for key, lines in points.items()))

    def append(self, key: str, rows: Sequence[Row]) -> None:
        """Adds a complete point. Raises HarnessError on a full disk."""
        append_whole(self.path, sealed(f"{csv_lines(rows)}{END_OF_POINT}{key}"))


class TuningJournal:
    """The tuning of a run in progress, a line of JSON for each pass: a kill loses at most the pass in progress."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tuning.journal"

    def rows(self) -> list[dict[str, Any]]:
        """The rows of all complete lines."""
        return [row for record in records(self.path) for row in json.loads(record)]

    def keys(self) -> set[tuple[str, str, str]]:
        """(compiler, ISA, pass) of what is complete."""
        return {(row["compiler"], row["isa"], row["pass"]) for row in self.rows()}

    def forget(self, keys: Container[tuple[str, str, str]]) -> None:
        """Drops what is known of these (compiler, ISA, pass)."""
        kept = [
            sealed(record)
            for record in records(self.path)
            if (row := json.loads(record)[0]) and (row["compiler"], row["isa"], row["pass"]) not in keys
        ]
        write_whole(self.path, "".join(kept))

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds the rows of one pass. Raises HarnessError on a full disk."""
        append_whole(self.path, sealed(json.dumps(rows)))


def append_whole(path: Path, text: str) -> None:
    """Appends to a file, behind its last complete line, and waits until it is on the disk. Raises HarnessError if it
    can't."""
    try:
        with path.open("a+b") as file:
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror}") from error


def write_samples(folder: Path, journals: Sequence[Journal]) -> dict[str, Any]:
    """Merges the journals into samples.csv of a run folder. Returns what run.json says of it: `vetoes` (all rows, and
    those of them that carry a flag) and `samples_sha256`."""
    rows = [line for journal in journals for lines in journal.points().values() for line in lines.splitlines()]
    content = "".join(f"{line}\n" for line in (",".join(COLUMNS), *rows))
    write_whole(folder / "samples.csv", content)
    disturbed = sum(not line.endswith(",") for line in rows)
    return {
        "vetoes": Vetoes(len(rows), disturbed),
        "samples_sha256": hashlib.sha256(content.encode()).hexdigest(),
    }


def check_samples(folder: Path, record: Record) -> None:
    """Raises HarnessError where samples.csv of a run folder is not what figures could be drawn from, with this
    run.json."""
    from harness.record.samples import read_samples

    read_samples(folder / "samples.csv", version_1(record))


def journals(folder: Path) -> list[Journal]:
    """The journals of a run folder, by their processes; what only resembles one is left alone."""
    numbers = (path.stem.removeprefix("process-") for path in folder.glob("process-*.journal"))
    return [
        Journal(folder / f"process-{number}.journal")
        for number in sorted(filter(re.compile("0|[1-9][0-9]*").fullmatch, numbers), key=int)
    ]


def clear_away(folder: Path, is_complete: bool) -> None:
    """Removes what kills have left in a run folder that nobody else writes to: files that were not put in their place,
    and the journals and the lock of a run that is complete."""
    for path in folder.glob(".*.*"):
        if path.name.startswith((".run.json.", ".samples.csv.", ".process-", ".tuning.journal.")):
            path.unlink(missing_ok=True)
    if is_complete:
        for journal in (*journals(folder), TuningJournal(folder)):
            journal.path.unlink(missing_ok=True)
        (folder / RUN_LOCK).unlink(missing_ok=True)
