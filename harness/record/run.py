"""Read run.json: where, with what and how a run was measured. Fast to import, since the Snakefile does it."""

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.record import consistency
from harness.record.errors import DamagedRun, one_line
from harness.record.schema import fault, schema

LARGEST_DIGITS = 18  # of an integer, as in samples.csv
UNSHOWABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\uffff]"
)
"""What steers a terminal, turns a line round or cannot be written as UTF-8."""


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
    if not abs(float(text)) < 10**LARGEST_DIGITS:
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


def read_json(folder: Path) -> dict[str, Any]:
    """run.json of a run's folder, not yet checked against its schema.

    Raises DamagedRun where it is missing, unreadable, or not a JSON object.
    """
    path = folder / "run.json"
    try:
        return parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise DamagedRun(f"{path}: no such file") from None
    except OSError as error:
        raise DamagedRun(f"{path}: cannot be read: {one_line(error)}") from None


def read_information(folder: Path) -> dict[str, Any]:
    """run.json of a run's folder, as run.schema.json describes it, its parts in keeping with each other.

    Raises DamagedRun, naming file, field and reason.
    """
    content = read_json(folder)
    check(content, folder / "run.json")
    return content


def check(content: Mapping[str, Any], path: Path) -> None:
    """Raises DamagedRun where what is to stand in run.json, at `path`, does not fit its schema or itself."""
    rules = schema("run")
    known = rules["properties"]["schema_version"]["const"]
    if "schema_version" in content and content["schema_version"] != known:
        raise DamagedRun(
            f"{path}, schema_version: {one_line(repr(content['schema_version']))} is not known here (known: {known})"
        )
    found = fault(content, "run")
    if found is not None:
        field = one_line(found.json_path.removeprefix("$").removeprefix("."))
        raise DamagedRun(f"{path}, {field or 'top level'}: {one_line(found.message)}")
    for contradiction in consistency.contradictions(content):
        raise DamagedRun(f"{path}, {one_line(contradiction)}")


def samples_file(folder: Path) -> Path:
    """samples.csv of a run's folder, or samples.csv.gz where only that exists. Raises DamagedRun if neither does."""
    for name in ("samples.csv", "samples.csv.gz"):
        if (folder / name).is_file():
            return folder / name
    raise DamagedRun(f"{folder}: neither samples.csv nor samples.csv.gz is there")


def text_of(path: Path) -> str:
    """The text of a run's samples.csv or samples.csv.gz. Raises DamagedRun where it cannot be read or was cut off."""
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


def check_whole(path: Path, text: str, information: Mapping[str, Any]) -> None:
    """Raises DamagedRun where the text of samples.csv has not as many rows, or not the SHA-256, that run.json says."""
    # The header is no row.
    if (rows := text.count("\n") - 1) != (counted := information["vetoes"]["samples"]):
        raise DamagedRun(f"{path}: {rows:,} rows, where run.json counts {counted:,}")
    measured = information.get("samples_sha256")
    if measured and measured != hashlib.sha256(text.encode()).hexdigest():
        raise DamagedRun(f"{path}: these are not the rows that were measured: run.json has another SHA-256")


def peers(information: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What run.json says of each other library that was measured, by the name that rows have as algorithm."""
    return information.get("peers", {}).get("libraries", {})


def passes_of(algorithm: str, name: str, information: Mapping[str, Any]) -> list[str]:
    """The pass `name`, or where that is empty, those of the algorithm (of a control: of what it is a control of; of a
    peer: none)."""
    if algorithm in peers(information):
        return []
    control = information.get("controls", {}).get(algorithm)
    return [name] if name else information["algorithms"][control["algorithm"] if control else algorithm]


def processes_asked(information: Mapping[str, Any]) -> tuple[int, int | None]:
    """The least and the most processes of the run's protocol; 1 and None where it does not say."""
    asked = information["protocol"].get("processes")
    return (asked["least"], asked["most"]) if isinstance(asked, Mapping) else (asked or 1, asked)


def parts(information: dict[str, Any]) -> set[str]:
    """What a run holds that figures are drawn from: its experiments; "accuracy" where that was looked at; "tuning"
    where a published variant was tuned; and "compilers" where whole algorithms were measured with more than one."""
    held = set(information["experiments"])
    if information.get("accuracy", {}).get("softmax"):
        held.add("accuracy")
    if any(row["published_for"] for row in information["tuning"]):
        held.add("tuning")
    if len({item["compiler"] for item in information["experiments"].get("algorithms", [])}) > 1:
        held.add("compilers")
    return held
