"""Rows on disk, and what a kill or a full disk leaves of them."""

import errno
import hashlib
import os
import random

import pytest

from harness.record import store
from harness.record.errors import HarnessError
from harness.record.run import Vetoes
from tests.mutations import mutated_bytes

ROW = dict.fromkeys(store.COLUMNS, "1") | {"flags": ""}


def test_a_journal_gives_back_complete_points_only(tmp_path):
    journal = store.Journal(tmp_path / "process-0.journal")
    journal.append("a 1", [ROW, ROW])
    journal.append("b 2", [ROW])
    whole = journal.path.read_text()
    for cut in range(len(whole)):
        journal.path.write_text(whole[:cut])
        expected = [] if cut <= whole.index("\n", whole.index("#a 1")) else ["a 1"]
        assert list(journal.points()) == expected


def test_after_a_kill_the_next_point_follows_a_complete_one(tmp_path):
    journal = store.Journal(tmp_path / "process-0.journal")
    journal.append("a 1", [ROW])
    with journal.path.open("a") as file:
        file.write("half a ro")
    journal.trim()
    journal.append("b 2", [ROW])
    line = store.csv_lines([ROW])
    assert journal.points() == {"a 1": line, "b 2": line}


def test_tuning_is_kept_pass_by_pass(tmp_path):
    journal = store.TuningJournal(tmp_path)
    assert journal.keys() == set()
    row = {"compiler": "gcc", "isa": "avx2", "pass": "max"}
    journal.append([row, row])
    with journal.path.open("a") as file:
        file.write('[{"compiler": "gc')
    assert journal.rows() == [row, row]
    journal.append([{**row, "pass": "scale"}])
    assert journal.keys() == {("gcc", "avx2", "max"), ("gcc", "avx2", "scale")}


def test_passes_are_forgotten_one_by_one(tmp_path):
    journal = store.TuningJournal(tmp_path)
    for name in ("max", "scale"):
        journal.append([{"compiler": "gcc", "isa": "avx2", "pass": name}])
    journal.forget({("gcc", "avx2", "max")})
    assert journal.keys() == {("gcc", "avx2", "scale")}


def test_a_mutated_journal_is_refused_in_one_line_or_holds_records_as_they_were_written(tmp_path):
    process, tuning = store.Journal(tmp_path / "process-0.journal"), store.TuningJournal(tmp_path)
    for key in ("a 1", "b 2", "c 3"):
        process.append(key, [ROW, ROW])
        tuning.append([{"compiler": "gcc", "isa": "avx2", "pass": key}])
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
    assert [journal.path.stem for journal in store.journals(tmp_path)] == ["process-0", "process-2", "process-10"]


def test_samples_are_the_points_of_all_journals_under_a_header(tmp_path):
    journals = [store.Journal(tmp_path / f"process-{i}.journal") for i in range(2)]
    for journal in journals:
        journal.append("a 1", [ROW])
    journals[1].append("b 2", [ROW | {"flags": "clock;stolen"}])
    facts = store.write_samples(tmp_path, journals)
    content = (tmp_path / "samples.csv").read_bytes()
    assert content.split(b"\n")[0].decode() == ",".join(store.COLUMNS)
    assert facts == {
        "vetoes": Vetoes(samples=3, disturbed_samples=1),
        "samples_sha256": hashlib.sha256(content).hexdigest(),
    }
    assert content.count(b"\n") == 4


def test_what_kills_have_left_is_cleared_away_and_nothing_else(tmp_path):
    journals = (".process-0.journal.q", ".process-11.journal.q", ".tuning.journal.q")
    litter = (".run.json.a1b2", ".samples.csv.xyz", *journals)
    work = ("process-0.journal", "process-11.journal", "tuning.journal", "lock")
    kept = ("run.json", "samples.csv", ".mine", "process-notes.txt")
    for name in (*litter, *work, *kept):
        (tmp_path / name).touch()
    store.clear_away(tmp_path, is_complete=False)
    assert sorted(os.listdir(tmp_path)) == sorted((*work, *kept))
    store.clear_away(tmp_path, is_complete=True)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


@pytest.fixture
def full_disk(monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store.os, "fsync", full)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, full_disk):
    file = tmp_path / "run.json"
    file.write_text("old")
    with pytest.raises(HarnessError, match=r"run.json: No space left on device"):
        store.write_whole(file, "new")
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["run.json"]


def test_a_full_disk_stops_a_journal_with_one_line(full_disk, tmp_path):
    with pytest.raises(HarnessError, match=r"process-0.journal: No space left on device"):
        store.Journal(tmp_path / "process-0.journal").append("a 1", [ROW])


@pytest.mark.parametrize(
    ("content", "words"), [("{", "not sound JSON"), ("{}", "is a required property"), (None, "no such file")]
)
def test_a_damaged_run_json_is_refused_by_name(tmp_path, content, words):
    if content:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(HarnessError, match=words) as refused:
        store.read_info(tmp_path)
    assert str(tmp_path / "run.json") in str(refused.value)


def test_what_does_not_fit_the_schema_is_not_written(tmp_path):
    with pytest.raises(HarnessError, match="required property"):
        store.write_info(tmp_path, {"schema_version": 1})
    assert not (tmp_path / "run.json").exists()
