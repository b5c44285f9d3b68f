"""Old versions of run.json become the current one."""

import csv
import io
import json

import pytest

from harness.exchange import bundle
from harness.record import parsing, store
from harness.record.files import ROOT, write_whole
from harness.record.run import SCHEMA_VERSION, record_of
from harness.record.upgrade import OLD_TABLES, upgrade

RECORDED = [
    path
    for path in sorted((ROOT / "results" / "recorded").glob("*/*/run.json"))
    if json.loads(path.read_text())["schema_version"] == 1
]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_a_recorded_run_has_what_the_current_version_has(path):
    old = json.loads(path.read_text())
    record = record_of(upgrade(old))
    assert old["schema_version"] == 1 and upgrade(old)["schema_version"] == SCHEMA_VERSION
    assert record.primary == next(iter(old["compilers"]))
    assert record.kernels["copy_nt"].non_temporal and not record.kernels["copy"].non_temporal
    assert record.kernels["exp_sum"].computes and not record.kernels["load"].computes
    assert all(record.kernels[its.twin_of].twin_of == "" for its in record.kernels.values() if its.twin_of)
    assert record.protocol.processes.least >= 8 and record.memory.cpu in record.threads.cpus


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_what_was_tuned_in_one_process_at_two_lengths_has_no_interval(path):
    old = {
        (row["compiler"], row["isa"], row["pass"], row["variant"]): row
        for row in json.loads(path.read_text())["tuning"]
    }
    new = record_of(upgrade(json.loads(path.read_text()))).tuning
    assert len(new) == len(old) + 2 * sum(row["finalist"] for row in old.values())
    for row in new:
        was = old[row["compiler"], row["isa"], row["pass"], row["variant"]]
        lengths = [was["in_cache_elements"], was["out_of_cache_elements"]]
        times = [was["in_cache_nanoseconds"], was["out_of_cache_nanoseconds"]]
        known = dict(zip(lengths, times, strict=True)) | {None: (times[0] * times[1]) ** 0.5}
        assert row["nanoseconds_median"] == pytest.approx(known[row["elements"]]) and row["processes"] == 1
        assert row["relative_percent_low"] == row["relative_percent_high"]
        assert row.get("chosen_by") == ("time" if was["chosen"] else None)


def as_version_2(folder, to):
    """Writes the recorded run of a folder as version 2 had it, with its tables beside run.json."""
    content = json.loads((folder / "run.json").read_text())
    told = {**upgrade(content), "schema_version": 2, "tuning": content["tuning"]}
    tables = {name: told.pop(name) for name in OLD_TABLES[2]}
    columns = {name: store.rows_of(name, 2)["properties"] for name in tables}
    del told["groups"]
    texts = {}
    for name, rows in tables.items():
        text = io.StringIO()
        writer = csv.DictWriter(text, columns[name], lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: parsing._cell(value) for key, value in row.items()} for row in rows)
        texts[f"{name}.csv"] = text.getvalue()
    told["tables_sha256"] = store.digest(texts.values())
    write_whole({to / name: text.encode() for name, text in (texts | {"run.json": json.dumps(told)}).items()})
    (to / "samples.csv.gz").write_bytes((folder / "samples.csv.gz").read_bytes())


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_a_run_of_version_2_is_read_and_adopted_as_one_of_version_1_is(path, tmp_path):
    as_version_2(path.parent, tmp_path)
    assert store.read_record(tmp_path) == store.read_record(path.parent)
    bundle.pack(tmp_path, tmp_path / "bundle.tar.gz")  # which refuses what `adopt` would


def test_what_does_not_fit_its_version_is_left_to_the_schema():
    broken = {"schema_version": 1, "kernels": 7, "algorithms": {"two-pass": 3}, "compilers": [], "accuracy": None}
    upgraded = upgrade(broken)
    assert upgraded["kernels"] == 7 and upgraded["accuracy"] is None
