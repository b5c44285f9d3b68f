"""What takes long to find out or to make, kept below results/kept/: who removes that only waits once more."""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.record.errors import HarnessError
from harness.record.files import write_whole

ROOM = "kept"


def read(results: Path, name: str) -> str:
    """What is kept under this name; empty where nothing is, or it cannot be read."""
    try:
        return (results / ROOM / name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def write(results: Path, name: str, text: str) -> None:
    """Keeps a text, where that can be."""
    with suppress(HarnessError):
        write_whole({results / ROOM / name: text.encode()})


def read_made(results: Path, name: str, of: str) -> Any:
    """What was made `of` this (`hash_of` all that decides it) and is kept under this name; None where nothing is."""
    with suppress(ValueError, TypeError):
        found = json.loads(read(results, name))
        if found["of"] == of:
            return found["made"]
    return None


def write_made(results: Path, name: str, of: str, made: Any) -> None:
    """Keeps what was made, which JSON must have."""
    write(results, name, json.dumps({"of": of, "made": made}) + "\n")


def hash_of(files: Iterable[Path]) -> str:
    """SHA-256 of files, in this order: of what each holds, and of its name and its folder's. Raises OSError."""
    told = (f"{path.parent.name}/{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in files)
    return hashlib.sha256("".join(told).encode()).hexdigest()
