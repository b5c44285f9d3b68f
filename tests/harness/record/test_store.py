"""A run on disk: what is written is read again, and what is damaged is refused by name."""

import errno
import hashlib
import json
import os
from dataclasses import replace

import pytest

from harness.record import parsing, store
from harness.record.errors import DamagedRun, HarnessError
from harness.record.files import ROOT
from harness.record.run import Vetoes
from harness.record.store import read_record, write_record

ROW = dict.fromkeys(store.COLUMNS, "1") | {"flags": ""}


def test_samples_are_the_points_of_all_journals_under_a_header(tmp_path):
    journals = [store.Journal(tmp_path / f"process-{i}.journal") for i in range(2)]
    for journal in journals:
        journal.append({"a 1": [ROW]}, {})
    journals[1].append({"b 2": [ROW | {"flags": "clock;stolen"}]}, {})
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
    litter = (".run.json.a1b2", ".samples.csv.xyz", ".tuning.csv.xyz", *journals)
    work = ("process-0.journal", "process-11.journal", "tuning.journal", "lock")
    kept = ("run.json", "samples.csv", "tuning.csv", ".mine", "process-notes.txt")
    for name in (*litter, *work, *kept):
        (tmp_path / name).touch()
    store.clear_away(tmp_path, is_complete=False)
    assert sorted(os.listdir(tmp_path)) == sorted((*work, *kept))
    store.clear_away(tmp_path, is_complete=True)
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


@pytest.fixture
def folder(make_run):
    return make_run(isas=("avx2",), lengths=(4096,), processes=1, rounds=2, parts=("algorithms",))


@pytest.mark.parametrize("name", ["quick-0eeac39ee4b4", "paper-dc673599606b"])
def test_an_old_run_is_written_and_read_as_one_of_today(tmp_path, name):
    record = read_record(ROOT / "results" / "recorded" / "amd-epyc-25-17" / name)
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    assert sorted(os.listdir(tmp_path)) == sorted(["run.json", *(f"{table}.csv" for table in store.TABLES)])
    assert json.loads((tmp_path / "run.json").read_text())["schema_version"] == 3


def test_a_run_in_progress_is_one_file_that_is_replaced_in_one_step(folder, tmp_path):
    record = replace(read_record(folder), ended=None)
    write_record(tmp_path / "new", record)
    assert os.listdir(tmp_path / "new") == ["run.json"]
    assert read_record(tmp_path / "new") == record


def test_a_file_is_written_whole_or_not_at_all(folder, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    record = read_record(folder)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HarnessError, match=r"tuning.csv: No space left on device"):
        write_record(folder, replace(record, seed=2))
    assert read_record(folder) == record
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("ext_sum", "ext_sum,"), "line 2: 18 fields where 17 are expected"),
        (lambda text: text.replace("variant", "kind", 1), "line 1: the header has 'kind' where its schema has"),
        (lambda text: text.replace("true", "yes", 1), r"tuning\[0\].chosen: 'yes' is not of type 'boolean'"),
        (lambda text: text.replace("4096", "4096.5", 1), r"elements: 4096.5 is not of type 'integer'"),
        (lambda text: text.replace("4096", "9" * 30, 1), r"elements: '9+' is not of type 'integer'"),
        (lambda text: text.replace(",1000.0,", ",1e999,", 1), r"nanoseconds_median: '1e999' is not of type 'number'"),
        (lambda text: text.replace("u8k2", "\x1b[2J", 1), "not a sound table: .* cannot be shown"),
        (lambda text: text.replace("u8k2", '"u8k2', 1), "not a sound table|fields where"),
        (lambda text: text[:-1], "is cut off"),
        (lambda text: "", "is empty"),
        (lambda text: "".join(text.splitlines(keepends=True)[:-1]), "tables_sha256: is not that of"),
    ],
)
def test_a_damaged_table_is_refused_by_file_field_and_reason(folder, change, reason):
    path = folder / "tuning.csv"
    text = change(path.read_text())
    path.write_text(text)
    info = json.loads((folder / "run.json").read_text())
    if "tables" not in reason:
        texts = [(folder / f"{name}.csv").read_text() for name in store.TABLES]
        (folder / "run.json").write_text(json.dumps(info | {"tables_sha256": store.digest(texts)}))
    with pytest.raises(DamagedRun, match=reason) as refused:
        read_record(folder)
    assert str(refused.value).startswith(str(folder / ("run.json" if "tables" in reason else "tuning.csv")))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "odd", ["", "007", " 1", "-0", "1e5", "1.", "1,2", "[1", "NaN", "null", "true", "9" * 19, "1e18", "[" * 10**5]
)
def test_numbers_of_a_column_that_are_read_at_once_are_those_of_each_cell(odd: str) -> None:
    for kind in ("number", "integer"):
        for cells in ((odd,), ("5", odd), (odd, "2.5", "]"), ("1", "2")):
            column = list(parsing._column(cells, {"type": kind}))
            assert list(map(repr, column)) == list(map(repr, map(parsing._numeric, cells)))


def test_a_missing_table_is_named(folder):
    (folder / "exp.csv").unlink()
    with pytest.raises(DamagedRun, match=r"exp.csv: no such file"):
        read_record(folder)


@pytest.mark.parametrize(
    ("content", "words"), [("{", "not sound JSON"), ("{}", "is a required property"), (None, "no such file")]
)
def test_a_damaged_run_json_is_refused_by_name(tmp_path, content, words):
    if content:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(HarnessError, match=words) as refused:
        read_record(tmp_path)
    assert str(tmp_path / "run.json") in str(refused.value)


def test_what_does_not_fit_the_schema_is_not_written(folder, tmp_path):
    with pytest.raises(HarnessError, match="seed: -1 is less than the minimum"):
        write_record(tmp_path / "new", replace(read_record(folder), seed=-1))
    assert not (tmp_path / "new").exists()
