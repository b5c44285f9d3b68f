"""Room to work: one line where there is none."""

import tempfile

import pytest

from harness.record import room
from harness.record.errors import HarnessError


def test_an_empty_checkout_has_room_and_gets_the_folders(tmp_path):
    room.require(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(room.FOLDERS)
    assert not any(path for folder in room.FOLDERS for path in (tmp_path / folder).iterdir())


def test_a_disk_that_is_too_full_is_one_line_that_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(HarnessError, match=rf"^{tmp_path}/\.snakemake: (No space left|File too large).*: make room"):
        room.require(tmp_path)


def test_no_place_for_temporary_files_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc"])
    with pytest.raises(HarnessError, match=r"No usable temporary directory .*; let TMPDIR name a folder"):
        room.require(tmp_path)


def test_a_temporary_folder_that_is_read_only_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/proc")
    with pytest.raises(HarnessError, match=r"^/proc: .*TMPDIR moves temporary files"):
        room.require(tmp_path)
