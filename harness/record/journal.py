"""The rows of a run in progress: journals that a kill leaves usable."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.record.errors import HarnessError
from harness.record.files import write_whole
from harness.record.run import Row
from harness.record.schema import schema

COLUMNS: tuple[str, ...] = tuple(schema("samples")["properties"])
END_OF_POINT, END_OF_GROUP = "#", "##"
"""Open the lines that close a point, and a group of points, in a journal."""


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
    content, end = path.read_bytes() if path.exists() else b"", 0
    lines = re.compile(rb"(?:.*\n)*?%b.*\n" % re.escape(closing.encode()))
    while found := lines.match(content, end):
        record, end = found[0], found.end()
        text = record[:-10].decode(errors="replace")
        if record != sealed(text).encode():
            raise HarnessError(f"{path}: is damaged; remove it, and the same command measures anew what was in it")
        yield text


def rows_in(lines: str) -> list[dict[str, str]]:
    """The rows that lines of CSV stand for, each cell as text."""
    return list(csv.DictReader(io.StringIO(lines), COLUMNS))


@dataclass(frozen=True)
class Group:
    """Questions that were asked one after the other: the CSV lines of each point, by the key of its question, and the
    row that a run's `groups` has of them."""

    points: dict[str, str]
    told: Row


class Journal:
    """The rows of one process, appended group by group: a kill loses at most the group in progress."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def groups(self) -> list[Group]:
        """The complete groups, in the order in which they were measured."""
        return [_group(record) for record in records(self.path, END_OF_GROUP)]

    def points(self) -> dict[str, str]:
        """The CSV lines of each complete point, by the key of its question; what was asked again follows."""
        points: dict[str, str] = {}
        for group in self.groups():
            for key, lines in group.points.items():
                points[key] = points.get(key, "") + lines
        return points

    def trim(self) -> None:
        """Cuts off what a kill left unfinished, so that the next group follows a complete one."""
        if self.path.exists():
            kept = "".join(map(sealed, records(self.path, END_OF_GROUP)))
            write_whole({self.path: kept.encode()})

    def append(self, points: Mapping[str, Sequence[Row]], told: Row) -> None:
        """Adds a complete group. Raises HarnessError on a full disk."""
        text = "".join(f"{csv_lines(rows)}{END_OF_POINT}{key}\n" for key, rows in points.items())
        append_whole(self.path, sealed(f"{text}{END_OF_GROUP}{json.dumps(told)}"))


def _group(record: str) -> Group:
    points: dict[str, str] = {}
    rows: list[str] = []
    *lines, closing = record.splitlines(keepends=True)
    for line in lines:
        if line.startswith(END_OF_POINT):
            points[line.removeprefix(END_OF_POINT).rstrip("\n")] = "".join(rows)
            rows = []
        else:
            rows.append(line)
    return Group(points, json.loads(closing.removeprefix(END_OF_GROUP)))


class TuningJournal:
    """The tuning of a run in progress, a line of JSON for each algorithm in each process: a kill loses at most the one
    in progress."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tuning.journal"

    def rows(self) -> list[dict[str, Any]]:
        """The rows of all complete lines."""
        return [row for record in records(self.path) for row in json.loads(record)]

    def keys(self) -> set[tuple[int, str, str, str]]:
        """(process, compiler, ISA, algorithm) of what is complete."""
        return {(row["process"], row["compiler"], row["isa"], row["algorithm"]) for row in self.rows()}

    def forget(self, keys: Container[tuple[str, str, str]]) -> None:
        """Drops all lines in which one of these (compiler, ISA, pass) is."""
        kept = [
            sealed(record)
            for record in records(self.path)
            if not any((row["compiler"], row["isa"], row["pass"]) in keys for row in json.loads(record))
        ]
        write_whole({self.path: "".join(kept).encode()})

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds the rows of one algorithm in one process. Raises HarnessError on a full disk."""
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


def journals(folder: Path) -> list[Journal]:
    """The journals of a run folder, by their processes; what only resembles one is left alone."""
    numbers = (path.stem.removeprefix("process-") for path in folder.glob("process-*.journal"))
    return [
        Journal(folder / f"process-{number}.journal")
        for number in sorted(filter(re.compile("0|[1-9][0-9]*").fullmatch, numbers), key=int)
    ]
