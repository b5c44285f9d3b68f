"""Write files whole or not at all."""

import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.record.errors import HarnessError

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

# What works in a folder of its own takes far less than a day.
ABANDONED_SECONDS = 24 * 3600


def clear_abandoned(room: Path, prefix: str) -> None:
    """Removes folders whose names begin so, which something that was killed has left in a room."""
    for path in room.glob(f"{prefix}*"):
        with suppress(OSError):
            if time.time() - path.lstat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(path)


def settle(folder: Path) -> None:
    """Waits until the names of what is in a folder are on the disk, as `write_whole` left them; where its file system
    can't tell, it does nothing."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def csv_bytes(table: "pd.DataFrame") -> bytes:
    """A table as CSV, six digits: more than any timing carries, and pandas' own choice differs between platforms."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write each path's bytes, making its folder where it is missing; the last is put in its place last.

    Every file is complete on disk before the first is put in its place. Raises HarnessError where that can't be (a full
    disk, say), before any path is touched; where one can't be put in its place (a folder has its name), those before it
    are.
    """
    temporary: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            # In the same folder, since a rename is whole only within one file system.
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            temporary[path] = Path(name)
            with open(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp makes a file that only its owner reads.
            os.chmod(name, 0o644)
        for path, written in list(temporary.items()):
            os.replace(written, path)
            del temporary[path]
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror}") from error
    finally:
        for left in temporary.values():
            left.unlink(missing_ok=True)
