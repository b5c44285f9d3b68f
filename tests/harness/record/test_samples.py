"""A sound run loads; a damaged one is refused in one line that says where and why."""

import copy
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from harness.record import samples
from harness.record.errors import DamagedRun
from harness.record.samples import load_run
from harness.record.schema import schema

MakeRun = Callable[..., Path]


@pytest.fixture
def folder(make_run: MakeRun) -> Path:
    return make_run(isas=("avx2",), lengths=(4096,), processes=1, rounds=2, parts=("algorithms", "passes"))


def refusal(folder: Path) -> str:
    with pytest.raises(DamagedRun) as caught:
        load_run(folder)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 500
    return message


def edit(folder: Path, line: int, field: str, value: str) -> None:
    """Put a value into a cell of samples.csv; the header is line 1."""
    path = folder / "samples.csv"
    lines = path.read_text().split("\n")
    cells = lines[line - 1].split(",")
    cells[lines[0].split(",").index(field)] = value
    lines[line - 1] = ",".join(cells)
    path.write_text("\n".join(lines))


def test_integers_are_integers_and_empty_cells_are_empty_text(folder: Path) -> None:
    samples = load_run(folder).samples
    assert list(samples) == list(schema("samples")["properties"])
    assert samples["nanoseconds"].dtype == "int64"
    assert set(samples.loc[samples["experiment"] == "algorithms", "pass"]) == {""}


def test_a_compressed_file_loads_the_same(folder: Path, compress: Callable[[Path], Path]) -> None:
    plain = load_run(folder).samples
    compress(folder)
    assert load_run(folder).samples.equals(plain)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("isa", "avx1024", "'avx1024' is not one of ['scalar', 'avx2', 'avx512f']"),
        ("nanoseconds", "fast", "'fast' is not an integer"),
        ("nanoseconds", "1.5", "'1.5' is not an integer"),
        ("nanoseconds", "", "'' is not an integer"),
        ("nanoseconds", "9" * 30, "is not an integer"),
        ("nanoseconds", "-5", "'-5' is less than the minimum of 1"),
        ("elements", "0", "'0' is less than the minimum of 1"),
        ("process", "-1", "'-1' is less than the minimum of 0"),
        ("variant", "u4", "'u4' does not match"),
        ("cache_state", "lukewarm", "'lukewarm' is not one of"),
        ("flags", "Steal!", "'Steal!' does not match"),
        ("flags", "\r", "does not match"),
        ("compiler", "icc", "'icc' is not in run.json"),
        ("algorithm", "one-pass", "'one-pass' is not in run.json"),
        ("pass", "min", "'min' is not in run.json"),
        ("isa", "avx512f", "'avx512f' is not in run.json"),
    ],
)
def test_a_bad_cell_is_refused_by_file_line_field_and_reason(folder: Path, field: str, value: str, reason: str) -> None:
    edit(folder, 4, field, value)
    message = refusal(folder)
    assert f"samples.csv, line 4, {field}: " in message
    assert reason in message


@pytest.mark.parametrize(
    ("field", "value"),
    [("nanoseconds", " 5"), ("nanoseconds", "5 "), ("nanoseconds", "+5"), ("nanoseconds", "0" * 30 + "5")],
)
def test_what_pandas_takes_for_an_integer_and_is_none_is_refused(folder: Path, field: str, value: str) -> None:
    edit(folder, 4, field, value)
    assert f"samples.csv, line 4, {field}: '{value.strip()}' is not an integer" in refusal(folder)


def test_rows_that_are_read_at_once_are_those_that_are_read_cell_by_cell(folder: Path) -> None:
    rules = schema("samples")["properties"]
    text = (folder / "samples.csv").read_text(encoding="utf-8")
    found = samples._at_once(text.encode(), rules, dict.fromkeys(rules, 1))
    pd.testing.assert_frame_equal(found, samples._cell_by_cell(folder, text, rules))
    (cell, *others) = (row for row in found["compiler"] if row == "gcc")
    assert all(cell is other for other in others), "each text is in memory once"


def test_the_first_bad_line_is_named_whatever_its_field(folder: Path) -> None:
    edit(folder, 6, "experiment", "???")
    edit(folder, 3, "nanoseconds", "0")
    assert "line 3, nanoseconds" in refusal(folder)


def test_a_short_and_a_long_line_are_refused(folder: Path) -> None:
    path = folder / "samples.csv"
    lines = path.read_text().split("\n")
    for broken in (lines[4].rsplit(",", 2)[0], lines[4] + ",", ""):
        path.write_text("\n".join([*lines[:4], broken, *lines[5:]]))
        assert "samples.csv, line 5: " in refusal(folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda header: header.replace("nanoseconds", "seconds", 1),
            "has 'seconds' where its schema has 'nanoseconds'",
        ),
        (lambda header: header.replace("compiler,isa", "isa,compiler"), "has 'isa' where its schema has 'compiler'"),
        (lambda header: header + ",speedup", "has 'speedup' where its schema has no more columns"),
        (lambda header: header.removesuffix(",flags"), "has no more columns where its schema has 'flags'"),
    ],
)
def test_a_wrong_header_is_refused(folder: Path, change: Callable[[str], str], reason: str) -> None:
    path = folder / "samples.csv"
    header, rest = path.read_text().split("\n", 1)
    path.write_text(change(header) + "\n" + rest)
    assert reason in refusal(folder)


def test_a_file_that_was_cut_off_is_refused(folder: Path, compress: Callable[[Path], Path]) -> None:
    path = folder / "samples.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert "is cut off" in refusal(folder)
    path.write_bytes(whole)
    packed = compress(folder)
    packed.write_bytes(packed.read_bytes()[:-20])
    assert "samples.csv.gz: cannot be decompressed" in refusal(folder)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\n", "cannot be read"),
        (b"PK\x03\x04\n", "the header has"),
    ],
)
def test_something_else_than_rows_is_refused(folder: Path, content: bytes, reason: str) -> None:
    (folder / "samples.csv").write_bytes(content)
    assert reason in refusal(folder)


def test_a_file_that_only_calls_itself_compressed_is_refused(folder: Path) -> None:
    (folder / "samples.csv").rename(folder / "samples.csv.gz")
    assert "cannot be decompressed" in refusal(folder)


def test_a_compressed_file_may_be_empty_inside(folder: Path) -> None:
    (folder / "samples.csv").unlink()
    (folder / "samples.csv.gz").write_bytes(gzip.compress(b""))
    assert "is empty" in refusal(folder)


def test_a_header_without_rows_is_refused(folder: Path) -> None:
    path = folder / "samples.csv"
    path.write_text(path.read_text().split("\n", 1)[0] + "\n")
    assert "holds no samples" in refusal(folder)


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "samples.csv").unlink()
    assert "neither samples.csv nor samples.csv.gz" in refusal(folder)
    (folder / "run.json").unlink()
    assert "run.json: no such file" in refusal(folder)


def test_a_sample_that_stands_in_the_file_twice_is_refused(folder: Path) -> None:
    path = folder / "samples.csv"
    lines = path.read_text().split("\n")
    undisturbed = next(line for line in lines[1:] if line.endswith(","))
    path.write_text("\n".join([*lines[:-1], undisturbed, ""]))
    assert f"line {len(lines)}, process: this sample was there before" in refusal(folder)


def test_limits_come_from_the_schema_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stricter = copy.deepcopy(schema("samples"))
    stricter["properties"]["threads"]["minimum"] = 2
    monkeypatch.setattr(samples, "schema", lambda name: stricter)
    assert "line 2, threads: '1' is less than the minimum of 2" in refusal(folder)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("schema_version", 4, "schema_version: 4 is not known here (known: 1, 2, 3)"),
        ("tuning", [], "tuning: stands in a file of its own"),
        ("tables_sha256", "0" * 64, "tables_sha256: is not that of tuning.csv, accuracy.csv, exp.csv, domain.csv"),
        ("run", "quick", "run: 'quick' does not match"),
        ("protocol", {"name": "Fast"}, "protocol.name: 'Fast' does not match"),
        ("ended", "yesterday", "ended: "),
        ("ended", "2026-01-05T09:14:00", "ended: "),
        ("vetoes", {"samples": -1, "disturbed_samples": 0}, "vetoes.samples: -1 is less than the minimum of 0"),
        ("surprise", 1, "'surprise' was unexpected"),
        ("algorithms", {"two-pass": ["ext_sum", "teleport"]}, "is not in"),
    ],
)
def test_a_run_json_that_does_not_fit_is_refused(folder: Path, field: str, value: object, reason: str) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    assert reason in refusal(folder)


def test_a_run_in_progress_is_not_loaded(make_run: MakeRun) -> None:
    assert "ended: this run is not complete" in refusal(make_run(parts=("algorithms",), ended=None))


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\x00"])
def test_a_run_json_that_is_no_object_is_refused(folder: Path, content: str) -> None:
    (folder / "run.json").write_text(content)
    assert "run.json" in refusal(folder)
