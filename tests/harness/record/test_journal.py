"""Rows of a run in progress, and what a kill or a full disk leaves of them."""

import errno
import os
import random

import pytest

from harness.record.errors import HarnessError
from harness.record.journal import COLUMNS, Group, Journal, TuningJournal, csv_lines, journals, rows_in
from tests.mutations import mutated_bytes

ROW = dict.fromkeys(COLUMNS, "1") | {"flags": ""}


def test_a_journal_gives_back_complete_groups_only(tmp_path):
    journal = Journal(tmp_path / "process-0.journal")
    journal.append({"a 1": [ROW, ROW], "b 2": [ROW]}, {"group": 0})
    journal.append({"c 3": [ROW]}, {"group": 1})
    line = csv_lines([ROW])
    first, second = Group({"a 1": 2 * line, "b 2": line}, {"group": 0}), Group({"c 3": line}, {"group": 1})
    assert journal.groups() == [first, second]
    assert rows_in(2 * line) == [ROW, ROW]
    whole = journal.path.read_text()
    for cut in range(len(whole)):
        journal.path.write_text(whole[:cut])
        expected = [] if cut <= whole.index("\n", whole.index('##{"group": 0')) else [first]
        assert journal.groups() == expected


def test_what_is_asked_again_follows_what_was_there(tmp_path):
    journal = Journal(tmp_path / "process-0.journal")
    rows = [ROW | {"round": str(number)} for number in range(3)]
    journal.append({"a 1": rows[:1], "b 2": [ROW]}, {})
    journal.append({"a 1": rows[1:]}, {})
    assert journal.points() == {"a 1": csv_lines(rows), "b 2": csv_lines([ROW])}


def test_after_a_kill_the_next_group_follows_a_complete_one(tmp_path):
    journal = Journal(tmp_path / "process-0.journal")
    journal.append({"a 1": [ROW]}, {})
    with journal.path.open("a") as file:
        file.write(f"{csv_lines([ROW])}#b 2\nhalf a ro")
    journal.trim()
    journal.append({"c 3": [ROW]}, {})
    line = csv_lines([ROW])
    assert journal.points() == {"a 1": line, "c 3": line}


TUNED = {"process": 0, "compiler": "gcc", "isa": "avx2", "algorithm": "three-pass-reload", "pass": "max"}


def test_tuning_is_kept_by_process_and_algorithm(tmp_path):
    journal = TuningJournal(tmp_path)
    assert journal.keys() == set()
    row = TUNED
    journal.append([row, {**row, "pass": "scale"}])
    with journal.path.open("a") as file:
        file.write('[{"compiler": "gc')
    assert journal.rows() == [row, {**row, "pass": "scale"}]
    journal.append([{**row, "process": 1}])
    assert journal.keys() == {(process, "gcc", "avx2", "three-pass-reload") for process in (0, 1)}


def test_a_pass_is_forgotten_with_all_that_was_timed_beside_it(tmp_path):
    journal = TuningJournal(tmp_path)
    for process in (0, 1):
        journal.append([{**TUNED, "process": process}, {**TUNED, "process": process, "pass": "scale"}])
        journal.append([{**TUNED, "process": process, "algorithm": "two-pass", "pass": "ext_sum"}])
    journal.forget({("gcc", "avx2", "scale")})
    assert journal.keys() == {(process, "gcc", "avx2", "two-pass") for process in (0, 1)}


def test_a_mutated_journal_is_refused_in_one_line_or_holds_records_as_they_were_written(tmp_path):
    process, tuning = Journal(tmp_path / "process-0.journal"), TuningJournal(tmp_path)
    for key in ("a 1", "b 2", "c 3"):
        process.append({key: [ROW, ROW]}, {})
        tuning.append([{**TUNED, "algorithm": key}])
    refused = 0
    for path, read in ((process.path, lambda: process.points().items()), (tuning.path, tuning.keys)):
        content, written = path.read_bytes(), read()
        for seed in range(500):
            done, damaged = mutated_bytes(content, random.Random(seed))
            path.write_bytes(damaged)
            try:
                assert set(read()) <= set(written), f"{seed}: {done}"
            except HarnessError as error:
                refused += 1
                assert str(error) == f"{path}: is damaged; remove it, and the same command measures anew what was in it"
    assert 500 < refused < 1000


def test_what_only_resembles_a_journal_is_none(tmp_path):
    for name in ("0", "10", "2", "old", "-1", "02", "\u0663"):
        (tmp_path / f"process-{name}.journal").touch()
    assert [journal.path.stem for journal in journals(tmp_path)] == ["process-0", "process-2", "process-10"]


def test_a_full_disk_stops_a_journal_with_one_line(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HarnessError, match=r"process-0.journal: No space left on device"):
        Journal(tmp_path / "process-0.journal").append({"a 1": [ROW]}, {})
