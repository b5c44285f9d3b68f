"""Files are written whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from harness.record.errors import HarnessError
from harness.record.files import settle, write_whole


def test_folders_are_made_and_every_file_is_written(tmp_path: Path) -> None:
    write_whole({tmp_path / "a" / "x.svg": b"picture", tmp_path / "b" / "x.csv": b"table"})
    assert (tmp_path / "a" / "x.svg").read_bytes() == b"picture"
    assert (tmp_path / "b" / "x.csv").read_bytes() == b"table"
    assert (tmp_path / "a" / "x.svg").stat().st_mode & 0o777 == 0o644


def test_a_full_disk_leaves_the_old_files_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_whole({tmp_path / "x.svg": b"old", tmp_path / "x.csv": b"old"})
    calls: list[int] = []

    def full_at_the_second(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full_at_the_second)
    with pytest.raises(HarnessError, match=r"x\.csv: No space left"):
        write_whole({tmp_path / "x.svg": b"new", tmp_path / "x.csv": b"new"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"x.svg": b"old", "x.csv": b"old"}


def test_a_folder_that_cannot_be_waited_for_is_no_failure(tmp_path: Path) -> None:
    settle(tmp_path)
    settle(tmp_path / "missing")
