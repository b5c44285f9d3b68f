"""What takes long to find out or to make, kept below results/kept/: who removes that only waits once more."""

from contextlib import suppress
from pathlib import Path

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
