"""Whether there is room to work. It needs nothing that is installed, so that it can be asked before the set-up."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from harness.record.errors import HarnessError

FOLDERS = (".snakemake", "results")
NEEDED_BYTES = 32 << 20  # what is built, drawn and recorded takes a quarter of it


def require_in(folder: Path, needed_bytes: int, way_out: str) -> None:
    """Raises HarnessError where so much can't be written below a folder, which is made if it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, needed_bytes)
    except OSError as error:
        raise HarnessError(
            f"{folder.resolve()}: {error.strerror}; {needed_bytes >> 20} MB must fit there: {way_out}"
        ) from error


def require(checkout: Path = Path()) -> None:
    """Raises HarnessError where a run could not write: a disk that is full, a folder that is read-only or of another
    user, no place for temporary files."""
    try:
        temporary = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise HarnessError(f"{error.strerror}; let TMPDIR name a folder that can be written") from error
    for folder in (*(checkout / name for name in FOLDERS), temporary):
        require_in(
            folder,
            NEEDED_BYTES,
            "make room, or work in a copy of the checkout where you may write (TMPDIR moves temporary files)",
        )
