"""Which run of which machine is drawn."""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import analysis
from harness.reading import catalog
from harness.reading.catalog import complete_runs, find_runs, machines, newest_complete
from harness.record import store
from harness.record.parsing import text_of
from harness.record.run import SCHEMA_VERSION, content_of, record_of
from harness.record.samples import load_runs
from harness.record.upgrade import OLD_VERSIONS

ROOT = Path(analysis.__file__).parents[1]
KNOWN = (*OLD_VERSIONS, SCHEMA_VERSION)
SMALL = {"isas": ("avx2",), "lengths": (4096,), "processes": 1, "rounds": 1, "parts": ("algorithms",)}
MakeRun = Callable[..., Path]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def change(folder: Path, **fields: object) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_the_newest_complete_run_of_each_machine_is_drawn(results: Path, make_run: MakeRun) -> None:
    make_run(results / "recorded", ended="2026-01-01T00:00:00+00:00", **SMALL)
    newest = make_run(results / "runs", ended="2026-01-03T00:00:00+00:00", **SMALL)
    make_run(results / "runs", ended="2026-01-02T00:00:00+00:00", **SMALL)
    make_run(results / "runs", ended=None, **SMALL)
    other = make_run(results / "recorded", machine="other", **SMALL)
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": newest, "other": other}
    assert machines(results) == {"amd-epyc-9r14-25-17", "other"}
    assert len(find_runs(results)) == 5


def test_the_moment_counts_not_the_hour_of_the_time_zone(results: Path, make_run: MakeRun) -> None:
    make_run(results / "runs", ended="2026-01-01T10:00:00+05:00", **SMALL)
    later = make_run(results / "runs", ended="2026-01-01T09:00:00+00:00", **SMALL)
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": later}


def test_a_run_that_was_given_a_machines_name_never_displaces_one_of_that_machine(
    results: Path, make_run: MakeRun
) -> None:
    given = make_run(results / "runs", ended="2026-01-02T00:00:00+00:00", **SMALL)
    change(given, machine=json.loads((given / "run.json").read_text())["machine"] | {"overridden": True})
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": given}
    detected = make_run(results / "recorded", ended="2026-01-01T00:00:00+00:00", **SMALL)
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": detected}


def test_a_smoke_run_is_drawn_only_where_there_is_no_other(results: Path, make_run: MakeRun) -> None:
    smoke = make_run(results / "runs", protocol="smoke", ended="2026-01-02T00:00:00+00:00", **SMALL)
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": smoke}
    quick = make_run(results / "runs", protocol="quick", ended="2026-01-01T00:00:00+00:00", **SMALL)
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": quick}


def test_a_run_in_both_rooms_counts_as_the_recorded_one(results: Path, make_run: MakeRun) -> None:
    measured = make_run(results / "runs", **SMALL)
    recorded = results / "recorded" / measured.parent.name / measured.name
    shutil.copytree(measured, recorded)
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": recorded}


@pytest.mark.parametrize("how", ["as they are", "compressed", "other rows", "another run.json", "cut off"])
def test_of_two_equal_names_in_both_rooms_none_vanishes_unless_they_are_one_run(
    results: Path, make_run: MakeRun, compress: Callable[[Path], Path], capsys: pytest.CaptureFixture[str], how: str
) -> None:
    measured = make_run(results / "runs", **SMALL)
    recorded = results / "recorded" / measured.parent.name / measured.name
    shutil.copytree(measured, recorded)
    if how in ("compressed", "cut off"):
        packed = compress(recorded)
    if how == "cut off":
        packed.write_bytes(packed.read_bytes()[:-9])
    if how == "other rows":
        (recorded / "samples.csv").write_text((measured / "samples.csv").read_text().replace("0", "1"))
    if how == "another run.json":
        change(recorded, started="2026-01-05T08:00:00+00:00")
    if how in ("as they are", "compressed"):
        assert newest_complete(results) == {"amd-epyc-9r14-25-17": recorded}
        return
    newest_complete(results)
    (line,) = capsys.readouterr().err.splitlines()
    assert str(measured) in line or str(recorded) in line
    assert how != "another run.json" or (str(measured) in line and str(recorded) in line and "remove one" in line)


HASH, OTHER_HASH = "a" * 64, "b" * 64


@pytest.fixture
def body(results: Path, make_run: MakeRun) -> list[Path]:
    """Three runs of the same kernels, the newest first."""
    folders = [make_run(results / "runs", ended=f"2026-01-0{day}T00:00:00+00:00", **SMALL) for day in (3, 2, 1)]
    for folder in folders:
        change(folder, kernels_hash=HASH)
    return folders


def test_runs_in_which_the_same_was_timed_are_one_body_of_evidence(results: Path, body: list[Path]) -> None:
    assert catalog.evidence(results) == {"amd-epyc-9r14-25-17": body}


@pytest.mark.parametrize(
    "changed",
    [
        {"kernels_hash": "b" * 64},
        {"kernels_hash": None},
        {"protocol": {"name": "smoke"}},
        {"protocol": {"name": "quick", "tuning": "paper"}},
        {"protocol": {"name": "quick", "rotation": 8}},
        {
            "protocol": {
                "name": "quick",
                "experiments": {"algorithms": {"contenders": "algorithms", "cache_state": "cold"}},
            }
        },
        {"machine": {"overridden": True}},
        {"machine": {"emulator": "QEMU"}},
    ],
)
def test_a_run_in_which_something_else_was_timed_or_that_is_no_evidence_is_not_pooled(
    results: Path, body: list[Path], changed: dict[str, object]
) -> None:
    record = store.read_record(body[1])
    content = content_of(record)
    for key, value in changed.items():
        content[key] = {**content[key], **value} if isinstance(value, dict) else value
    other = record_of({key: value for key, value in content.items() if value is not None})
    assert catalog.body(other) != catalog.body(record)


def test_a_run_of_another_protocol_is_pooled(body: list[Path]) -> None:
    record = store.read_record(body[0])
    longer = record_of(
        {**content_of(record), "protocol": {**content_of(record)["protocol"], "name": "paper", "minutes": 9}}
    )
    assert catalog.body(longer) == catalog.body(record)


def test_a_run_of_a_few_lengths_more_is_pooled_but_never_stands_for_the_machine(
    results: Path, make_run: MakeRun
) -> None:
    days = [f"2026-01-0{day}T00:00:00+00:00" for day in (1, 2, 3)]
    whole = [make_run(results / "runs", ended=day, **SMALL | {"parts": catalog.POOLED}) for day in days[:2]]
    more = make_run(results / "recorded", ended=days[2], **SMALL | {"lengths": (5000,)})
    for folder in (*whole, more):
        change(folder, kernels_hash=HASH)
    assert catalog.evidence(results) == {"amd-epyc-9r14-25-17": [whole[1], whole[0], more]}
    change(more, kernels_hash="b" * 64)
    assert catalog.evidence(results) == {"amd-epyc-9r14-25-17": [whole[1], whole[0]]}
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": whole[1]}


def test_a_run_that_has_a_further_experiment_is_pooled(body: list[Path]) -> None:
    record = store.read_record(body[0])
    content = content_of(record)
    assert "frontier-rising" in content["protocol"]["experiments"]
    del content["protocol"]["experiments"]["frontier-rising"]
    assert catalog.body(record_of(content)) == catalog.body(record)


def test_behind_a_run_that_stands_alone_come_those_that_tell_how_much_runs_differ(
    results: Path, make_run: MakeRun, body: list[Path]
) -> None:
    alone = make_run(results / "runs", ended="2026-01-09T00:00:00+00:00", **SMALL)
    assert catalog.evidence(results) == {"amd-epyc-9r14-25-17": [alone, *body]}
    assert catalog.evidence(results, body[1]) == {"amd-epyc-9r14-25-17": body}


def test_without_results_there_is_nothing_to_draw(results: Path, make_run: MakeRun) -> None:
    assert newest_complete(results) == {}
    make_run(results / "runs", ended=None, **SMALL)
    (results / "runs" / "amd-epyc-9r14-25-17" / "killed-at-once").mkdir()
    assert newest_complete(results) == {}


def test_a_damaged_newest_run_is_skipped_and_that_is_said(
    results: Path, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    older = make_run(results / "runs", ended="2026-01-01T00:00:00+00:00", **SMALL)
    newest = make_run(results / "runs", ended="2026-01-02T00:00:00+00:00", **SMALL)
    change(newest, schema_version=99)
    for _ in range(2):
        assert newest_complete(results) == {"amd-epyc-9r14-25-17": older}
    reason = f"{newest / 'run.json'}, schema_version: 99 is not known here (known: {', '.join(map(str, KNOWN))})"
    assert capsys.readouterr().err == f"analysis: skipped: {reason}\n", "once, in one line"


def test_a_run_that_lost_rows_is_skipped_without_pandas(
    results: Path, make_run: MakeRun, compress: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = compress(make_run(results / "recorded", **SMALL))
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-1])))
    assert newest_complete(results) == {}
    assert capsys.readouterr().err == f"analysis: skipped: {path}: 2 rows, where run.json counts 3\n"


def test_a_damaged_older_run_does_no_harm(results: Path, make_run: MakeRun) -> None:
    older = make_run(results / "runs", ended="2026-01-01T00:00:00+00:00", **SMALL)
    newest = make_run(results / "runs", ended="2026-01-02T00:00:00+00:00", **SMALL)
    change(older, schema_version=99)
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": newest}


@pytest.mark.parametrize("content", ["{", '{"ended": 5}', '{"ended": "2026-01-05"}', '{"ended": "soon"}'])
def test_a_run_whose_end_cannot_be_read_is_skipped(results: Path, make_run: MakeRun, content: str) -> None:
    folder = make_run(results / "runs", **SMALL)
    (folder / "run.json").write_text(content)
    assert newest_complete(results) == {}
    assert find_runs(results)[0].problem


def test_a_run_in_the_folder_of_another_machine_is_skipped(
    results: Path, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(results / "runs", **SMALL)
    folder.parent.rename(results / "runs" / "somebody-else")
    assert newest_complete(results) == {}
    assert "'amd-epyc-9r14-25-17' is not the name of its folder, 'somebody-else'" in capsys.readouterr().err


def test_a_copy_under_another_name_is_no_second_run(
    results: Path, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(results / "runs", **SMALL)
    shutil.copytree(folder, folder.with_name("quick-copy"))
    assert complete_runs(results) == {"amd-epyc-9r14-25-17": [folder]}
    assert f"run: '{folder.name}' is not the name of its folder, 'quick-copy'" in capsys.readouterr().err


def test_a_link_to_nothing_keeps_no_other_run_from_being_found(
    results: Path, make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(results / "runs", **SMALL)
    damaged = folder.with_name("quick-0123456789ab")
    damaged.mkdir()
    (damaged / "run.json").write_text("{}")
    (damaged / "samples.csv").symlink_to("nowhere")
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": folder}
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_was_found_is_kept_until_a_file_or_the_code_changes(
    results: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    days = [f"2026-01-0{day}T00:00:00+00:00" for day in (2, 1)]
    newest, older = (as_today(make_run(results / "runs", ended=day, **SMALL)) for day in days)
    in_progress = make_run(results / "runs", ended=None, **SMALL)
    looked, read = count(monkeypatch, "_look"), count(monkeypatch, "read")
    before = catalog.drawn(results)
    assert {*looked} == {newest, older, in_progress} and read == [in_progress, newest]
    for _ in range(2):
        forget(looked, read)
        assert catalog.drawn(results) == before
        assert looked == read == [in_progress]
    forget(looked, read)
    change(newest, schema_version=99)
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": older}
    assert older in read, "since it takes the place"
    assert capsys.readouterr().err.count("schema_version: 99 is not known") == 1
    monkeypatch.setattr(catalog, "_code", lambda: "other code")
    forget(looked, read)
    find_runs(results)
    assert {*looked} == {newest, older, in_progress}


def count(monkeypatch: pytest.MonkeyPatch, name: str) -> list[Path]:
    """The folders that a function of the catalog is called for from now on."""
    those: list[Path] = []
    find = getattr(catalog, name)
    monkeypatch.setattr(catalog, name, lambda folder: those.append(folder) or find(folder))
    return those


def forget(*counted: list[Path]) -> None:
    """What a process does that has just begun."""
    catalog._found.cache_clear()
    for those in counted:
        those.clear()


def as_today(folder: Path) -> Path:
    """Has a run tell the hash of its rows, as all do that are measured today."""
    change(folder, samples_sha256=store.digest([text_of(folder / "samples.csv")]))
    return folder


def damage(folder: Path, how: str) -> None:
    """Damages what is beside run.json."""
    if how == "a table":
        path = folder / "tuning.csv"
        path.write_text(path.read_text().replace("gcc", "cc", 1))
    elif how == "a table, with its hash":
        path = folder / "tuning.csv"
        path.write_text(path.read_text().replace("true", "false", 1))
        change(folder, tables_sha256=store.digest(text_of(folder / f"{name}.csv") for name in store.TABLES))
    else:
        path = folder / "samples.csv"
        path.write_text(path.read_text().replace("0", "1", 1))


@pytest.mark.parametrize("how", ["a table", "a table, with its hash", "rows"])
def test_a_run_that_is_damaged_beside_its_run_json_stands_for_no_machine(
    results: Path, make_run: MakeRun, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    days = [f"2026-01-0{day}T00:00:00+00:00" for day in (1, 2, 3)]
    oldest, older, newest = (as_today(make_run(results / "runs", ended=day, **SMALL)) for day in days)
    for folder in (newest, older):
        damage(folder, how)
    for _ in range(2):
        assert newest_complete(results) == {"amd-epyc-9r14-25-17": oldest}
        assert catalog.evidence(results) == {"amd-epyc-9r14-25-17": [oldest]}
        forget()
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize("how", ["a table", "a table, with its hash", "rows"])
def test_a_damaged_run_that_stands_for_none_is_left_out_where_it_is_loaded(
    results: Path, body: list[Path], capsys: pytest.CaptureFixture[str], how: str
) -> None:
    damage(as_today(body[2]), how)
    assert catalog.evidence(results) == {"amd-epyc-9r14-25-17": body}
    assert [run.folder for run in load_runs(body)] == body[:2]
    assert capsys.readouterr().err.count(str(body[2])) == 1


def test_a_damaged_run_is_no_company_to_the_one_that_stands(
    results: Path, body: list[Path], make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    further = make_run(results / "runs", ended="2026-01-01T00:00:30+00:00", **SMALL)
    for folder in (body[2], further):
        change(folder, kernels_hash=OTHER_HASH)
    assert catalog.evidence(results) == {"amd-epyc-9r14-25-17": body[:2]}
    damage(as_today(body[1]), "rows")
    assert catalog.evidence(results) == {"amd-epyc-9r14-25-17": [body[0], further, body[2]]}
    assert capsys.readouterr().err.count(str(body[1])) == 1


def test_a_damaged_copy_hides_no_run(results: Path, body: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    copy = results / "recorded" / body[2].parent.name / body[2].name
    shutil.copytree(as_today(body[2]), copy)
    assert catalog.evidence(results) == {"amd-epyc-9r14-25-17": [*body[:2], copy]}
    damage(copy, "rows")
    assert catalog.evidence(results) == {"amd-epyc-9r14-25-17": body}
    assert capsys.readouterr().err.count(str(copy)) == 1


def test_a_run_with_wrong_results_is_in_no_body_once_it_is_read(results: Path, body: list[Path]) -> None:
    for folder in body:
        as_today(folder)
    give_wrong_results(body[1])
    found = load_runs(catalog.evidence(results)["amd-epyc-9r14-25-17"])
    assert [run.folder for run in catalog.in_bodies(found, catalog.body)[0]] == [body[0], body[2]]
    give_wrong_results(body[0])
    newest, *others = catalog.drawn(results)["amd-epyc-9r14-25-17"]
    assert newest.folder == body[0] and newest.facts.body not in [run.facts.body for run in others]


def give_wrong_results(folder: Path) -> None:
    content = content_of(store.read_record(folder))
    accuracy = [{**row, "largest_relative_error": 0.5} for row in content["accuracy"]]
    store.write_record(folder, record_of(content | {"accuracy": accuracy}))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"code": 1, "runs": {}}', '{"runs": 5}'])
def test_what_is_kept_and_cannot_be_read_is_found_again(results: Path, make_run: MakeRun, content: str) -> None:
    folder = make_run(results / "runs", **SMALL)
    (results / "kept").mkdir()
    (results / "kept" / "catalog.json").write_text(content)
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": folder}


def test_where_nothing_can_be_kept_runs_are_found_all_the_same(results: Path, make_run: MakeRun) -> None:
    folder = make_run(results / "runs", **SMALL)
    (results / "kept").write_text("no folder")
    assert newest_complete(results) == {"amd-epyc-9r14-25-17": folder}


def test_finding_runs_and_figures_imports_neither_pandas_nor_matplotlib() -> None:
    code = (
        "import sys; from analysis import figures; from harness.reading import catalog; from pathlib import Path;"
        "catalog.newest_complete(Path('nowhere')); figures.names();"
        "assert not {'pandas', 'matplotlib', 'scipy', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_analysis_never_imports_what_touches_hardware() -> None:
    rooms = ("native", "sampling", "run", "doctor")
    # The model's simulator is compiled.
    for path in {*(ROOT / "analysis").rglob("*.py")} - {*(ROOT / "analysis" / "model").rglob("*.py")}:
        text = path.read_text(encoding="utf-8")
        assert not any(f"harness.{room}" in text or f"harness import {room}" in text for room in rooms), path
