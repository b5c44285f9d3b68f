"""A run travels as one file: the same bytes each time, and nothing lands that is not sound."""

import errno
import gzip
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analysis.tables.speedups import pooled_speedups
from harness.exchange import bundle
from harness.native.build import HASHED
from harness.reading.catalog import evidence, find_runs
from harness.reading.evidence import bodies
from harness.record import instance, store
from harness.record import run as run_module
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from harness.record.parsing import read_table
from harness.record.run import SCHEMA_VERSION, Precision, Processes
from harness.record.samples import load_run, load_runs
from harness.record.store import read_record
from tests.recorded import one_of_each

MANIFEST, INFO, SAMPLES = "manifest.json", "run.json", "samples.csv.gz"
TABLES = [f"{name}.csv" for name in store.TABLES]


FEW = {"isas": ("avx2",), "lengths": (4096, 100_000), "processes": 2, "rounds": 2}


@pytest.fixture
def run(make_run):
    return make_run(**FEW)


@pytest.fixture(scope="module")
def sound(make_module_run, tmp_path_factory):
    """A sound bundle of that run: its bytes, and its files without the manifest."""
    content = bundle.pack(make_module_run(**FEW), tmp_path_factory.mktemp("sound") / "run.tar.gz").read_bytes()
    return content, bundle.check(content, "")[1]


@pytest.fixture
def packed(sound, tmp_path):
    path = tmp_path / "run.tar.gz"
    path.write_bytes(sound[0])
    return path


@pytest.fixture
def files(sound):
    """The contents of a sound bundle, without the manifest."""
    return dict(sound[1])


@pytest.fixture
def recorded(tmp_path):
    """A folder of recorded runs that holds one of another machine."""
    folder = tmp_path / "recorded"
    other = folder / "other-machine" / "quick-0123456789ab"
    other.mkdir(parents=True)
    (other / "run.json").write_text("another run")
    return folder


def tree(folder):
    """Every path below a folder with its content."""
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.fixture
def refused(tmp_path, recorded, monkeypatch):
    """refused(content, words) adopts a bundle of that content, which must fail in one line with these words and leave
    no trace, neither among the recorded runs nor where it was unpacked."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    folders = itertools.cycle((recorded, tmp_path / "not" / "there"))

    def check(content, words):
        path = tmp_path / "bundle.tar.gz"
        path.write_bytes(content)
        before = tree(tmp_path)
        with pytest.raises(HarnessError, match=words) as caught:
            bundle.adopt(path, next(folders))
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert message.isprintable() and len(message) < 500
        assert tree(tmp_path) == before

    return check


def tar(*contents, format=tarfile.USTAR_FORMAT):
    """A compressed archive of (name, content) or (TarInfo, content), whatever they are."""
    raw = b""
    for member, content in contents:
        if isinstance(member, str):
            member = tarfile.TarInfo(member)
            member.size = len(content)
        raw += member.tobuf(format) + content + b"\0" * (-len(content) % 512)
    return gzip.compress(raw + b"\0" * 1024)


def whole(files):
    """(name, content) of all members of a sound bundle."""
    return [(MANIFEST, json.dumps(bundle.manifest(files)).encode()), *files.items()]


def content_of(files):
    """What run.json and the tables of a bundle say, together."""
    info = json.loads(files[INFO])
    tables = {name: read_table(Path(), files[f"{name}.csv"].decode(), store.rows_of(name)) for name in store.TABLES}
    return {key: value for key, value in info.items() if key != "tables_sha256"} | tables


def with_info(files, change):
    """A bundle whose run.json and tables were changed by `change`, with a manifest that fits."""
    content = content_of(files)
    change(content)
    texts = {name: text.encode() for name, text in store.files_of(content).items()}
    return bundle.archive({**files, **texts})


def with_rows(files, change):
    """A bundle whose samples.csv is `change` of its lines, with a manifest that fits."""
    lines = gzip.decompress(files[SAMPLES]).decode().splitlines()
    text = "".join(f"{line}\n" for line in change(lines))
    return bundle.archive({**files, SAMPLES: bundle.compress(text.encode())})


def column(lines, name):
    return lines[0].split(",").index(name)


def with_cell(lines, number, name, value):
    """The lines with one cell replaced; the header is line 1."""
    cells = lines[number - 1].split(",")
    cells[column(lines, name)] = str(value)
    return [*lines[: number - 1], ",".join(cells), *lines[number:]]


def without(lines, **cells):
    """The lines without those that have these cells."""
    places = {column(lines, name): str(value) for name, value in cells.items()}
    return [line for line in lines if any(line.split(",")[place] != value for place, value in places.items())]


# Packing


def test_the_same_run_gives_the_same_bytes_whenever_it_is_packed(run, packed, tmp_path):
    for path in run.iterdir():
        os.utime(path, (0, 0))
        path.chmod(0o600)
    assert bundle.pack(run, tmp_path / "elsewhere" / "again.tar.gz").read_bytes() == packed.read_bytes()


def test_a_run_whose_samples_are_compressed_gives_the_same_bytes(run, packed, tmp_path, compress):
    compress(run)
    assert bundle.pack(run, tmp_path / "again.tar.gz").read_bytes() == packed.read_bytes()


def test_a_bundle_is_an_archive_of_plain_files_that_any_tar_lists(packed):
    with tarfile.open(packed) as archive:
        listed = archive.getmembers()
    assert [member.name for member in listed] == [MANIFEST, INFO, *TABLES, SAMPLES]
    assert {(m.type, m.mode, m.mtime, m.uid, m.gid, m.uname, m.gname) for m in listed} == {
        (tarfile.REGTYPE, 0o644, 0, 0, 0, "", "")
    }


def test_the_manifest_says_versions_sizes_and_hashes(packed):
    with tarfile.open(packed) as archive:
        manifest = json.load(archive.extractfile(MANIFEST))
        contents = {name: archive.extractfile(name).read() for name in (INFO, *TABLES, SAMPLES)}
    assert manifest == {
        "format_version": 1,
        "schema_version": 3,
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in contents.items()
        },
    }


def test_a_run_that_is_not_complete_is_not_packed(make_run, tmp_path):
    run = make_run(isas=("avx2",), lengths=(4096,), processes=1, rounds=2, ended=None)
    with pytest.raises(HarnessError, match="this run is not complete"):
        bundle.pack(run, tmp_path / "x.tar.gz")
    assert not (tmp_path / "x.tar.gz").exists()


def test_a_smoke_run_claims_nothing_so_it_is_filed_among_runs_that_were_measured_alone(make_run, tmp_path, recorded):
    run = make_run(protocol="smoke", isas=("avx2",), lengths=(4096,), processes=2, rounds=2)
    path = bundle.pack(run, tmp_path / "x.tar.gz")
    before = tree(recorded)
    with pytest.raises(HarnessError, match="a smoke run claims nothing; what is worth recording is"):
        bundle.adopt(path, recorded)
    assert tree(recorded) == before
    folder, new = bundle.bring(path, tmp_path / "brought")
    assert new and folder == tmp_path / "brought" / run.parent.name / run.name
    assert bundle.bring(path, run.parents[1]) == (run, False), "it lies there already"


def test_clocks_of_two_machines_may_differ_by_hours(files):
    soon = (datetime.now(UTC) + timedelta(hours=20)).isoformat(timespec="seconds")
    bundle.check(with_info(files, lambda i: i.update(ended=soon)), "")


def test_what_adopt_would_refuse_is_not_packed(run, tmp_path):
    samples = run / "samples.csv"
    samples.write_text("\n".join(with_cell(samples.read_text().splitlines(), 3, "nanoseconds", 1)) + "\n")
    with pytest.raises(HarnessError, match=rf"^{re.escape(str(run))}: .*line 3.*faster than possible"):
        bundle.pack(run, tmp_path / "x.tar.gz")
    assert not (tmp_path / "x.tar.gz").exists()


def test_a_folder_without_a_run_is_one_line(tmp_path):
    with pytest.raises(HarnessError, match=r"run.json: no such file"):
        bundle.pack(tmp_path)


def test_a_run_without_samples_is_one_line(run):
    (run / "samples.csv").unlink()
    with pytest.raises(HarnessError, match=r"neither samples\.csv nor"):
        bundle.pack(run)


# Adopting


def test_a_run_is_the_same_after_the_journey(run, packed, recorded):
    folder, new = bundle.adopt(packed, recorded)
    assert new
    assert folder == recorded / run.parent.name / run.name
    assert sorted(path.name for path in folder.iterdir()) == sorted([INFO, *TABLES, SAMPLES])
    before, after = load_run(run), load_run(folder)
    assert read_record(folder) == read_record(run) and after.name == before.name
    assert after.samples.equals(before.samples)
    assert bundle.pack(folder, recorded.parent / "again.tar.gz").read_bytes() == packed.read_bytes()


def test_what_is_adopted_can_be_read_by_all_and_lies_beside_what_was_there(packed, recorded):
    before = tree(recorded)
    folder, _ = bundle.adopt(packed, recorded)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    added = tree(recorded).keys() - before.keys()
    assert added == {folder.parent, folder, *(folder / name for name in (INFO, *TABLES, SAMPLES))}
    assert tree(recorded).items() >= before.items()


def test_a_second_adoption_is_recognized_and_changes_nothing(packed, recorded):
    folder, _ = bundle.adopt(packed, recorded)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert bundle.adopt(packed, recorded) == (folder, False)
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_the_same_run_compressed_by_another_zlib_is_recognized(files, packed, recorded, tmp_path):
    folder, _ = bundle.adopt(packed, recorded)
    other = tmp_path / "other.tar.gz"
    samples = zlib.compress(gzip.decompress(files[SAMPLES]), 1, bundle.GZIP)
    assert samples != files[SAMPLES]
    other.write_bytes(bundle.archive({**files, SAMPLES: samples}))
    assert bundle.adopt(other, recorded) == (folder, False)


@pytest.mark.parametrize("damage", ("other rows", "no rows", "cut off"))
def test_another_run_of_the_same_name_is_refused_and_the_first_one_stays(files, packed, recorded, tmp_path, damage):
    folder, _ = bundle.adopt(packed, recorded)
    if damage == "no rows":
        (folder / SAMPLES).unlink()
    elif damage == "cut off":
        (folder / SAMPLES).write_bytes(files[SAMPLES][:-9])
    else:
        packed.write_bytes(with_rows(files, lambda lines: with_cell(lines, 3, "nanoseconds", 10**9)))
    before = tree(tmp_path)
    with pytest.raises(HarnessError, match="holds another run of the same name; nothing was changed"):
        bundle.adopt(packed, recorded)
    assert tree(tmp_path) == before


def owned_record(run, host, ordinal=1):
    """What the run says as one on the host with this digit, of this ordinal."""
    record = read_record(run)
    record = replace(
        record,
        machine=replace(record.machine, host=host * 32, allowed=(0, 1)),
        protocol=replace(record.protocol, processes=Processes(2, 2), half_width_percent=2),
        precision=Precision(2, "processes", 0, {}),
        samples_sha256=hashlib.sha256((run / "samples.csv").read_bytes()).hexdigest(),
    )
    return instance.numbered(record, ordinal)


def owned(run, host, ordinal=1):
    """The run as one on the host with this digit, of this ordinal."""
    store.write_record(run, owned_record(run, host, ordinal))
    return run


def told(run):
    """What the run.json of a run and its tables say."""
    return run_module.content_of(read_record(run))


def test_runs_of_two_owners_of_one_product_are_both_adopted_and_pooled(run, tmp_path):
    folders = set()
    for host in "ab":
        store.write_record(run, replace(owned_record(run, host), kernels_hash="0" * 64))
        folder, new = bundle.adopt(bundle.pack(run, tmp_path / "run.tar.gz"), tmp_path / "of-all" / "recorded")
        assert new
        folders.add(folder)
    assert len(folders) == 2
    assert {machine: set(those) for machine, those in evidence(tmp_path / "of-all").items()} == {
        run.parent.name: folders
    }
    (pooled,) = bodies(load_runs(sorted(folders)))
    assert len(pooled.runs) == 2 and len({its.machine.host for its in pooled.runs}) == 2
    assert (pooled_speedups(pooled)["runs"] == 2).all()


def test_further_runs_are_adopted_beside_the_first_of_each_owner_but_of_one_name_only_the_same(run, tmp_path, recorded):
    folders = [
        bundle.adopt(bundle.pack(owned(run, host, ordinal), tmp_path / "run.tar.gz"), recorded)
        for host in "ab"
        for ordinal in (1, 2)
    ]
    names = [folder.name for folder, new in folders if new]
    assert len(set(names)) == 4
    assert [instance.ordinal_of(name) for name in names] == [1, 2, 1, 2]
    store.write_record(run, replace(read_record(run), started="2025-12-31T00:00:00+00:00"))
    with pytest.raises(HarnessError, match=f"{names[-1]} holds another run of the same name; nothing was changed"):
        bundle.adopt(bundle.pack(run, tmp_path / "run.tar.gz"), recorded)


def test_a_name_that_does_not_follow_from_the_instance_is_refused(run, files, refused):
    info = told(owned(run, "a"))
    other = "0" * 6 if info["run"][-6:] != "0" * 6 else "1" * 6
    for change in ({"run": info["run"][:-6] + other}, {"run": info["run"][:-7]}):
        refused(
            with_info(files, lambda i, change=change: i.update(info | change)), "does not follow from protocol.name"
        )
    refused(with_info(files, lambda i: i.update(run=info["run"])), "does not follow from protocol.name")


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ("machine", "allowed"),
        ("protocol", "processes"),
        *((None, key) for key in ("samples_sha256", "precision")),
    ],
)
def test_a_run_that_tells_its_host_tells_all_else_that_it_is_checked_by(run, files, refused, part, key):
    info = told(owned(run, "a"))
    (info[part] if part else info).pop(key)
    complete = content_of(files) | info

    def change(i):
        i.clear()
        i.update({name: value for name, value in complete.items() if name in info})

    refused(with_info(files, change), f"machine.host: {f'{part}.' if part else ''}{key} must be there as well")


def test_a_run_that_asks_for_fewer_processes_than_its_protocol_says_why(files, refused):
    few = {"processes": {"least": 2, "most": 2}}

    def change(i, **fields):
        i["skipped"] = []
        i["protocol"] |= fields

    words = r"protocol.processes: asks for \d, where quick has 8 at least"
    refused(with_info(files, lambda i: change(i, **few)), words)
    refused(with_info(files, change), words)
    eight = {"processes": {"least": 8, "most": 12}}
    refused(with_info(files, lambda i: change(i, **eight)), "2 processes, where at least 8 were asked for")


def test_the_recorded_runs_are_still_adopted(tmp_path):
    for folder in one_of_each():
        # What `adopt` would refuse is not packed.
        files = bundle.members(gzip.decompress(bundle.pack(folder, tmp_path / "run.tar.gz").read_bytes()))
        assert files[INFO] == (folder / INFO).read_bytes()
        assert json.loads(files[MANIFEST])["schema_version"] in (1, SCHEMA_VERSION)


def test_tables_that_are_not_those_of_the_run_json_are_refused(files, refused):
    other = files["tuning.csv"].replace(b"u8k2", b"u8k1")
    refused(bundle.archive({**files, "tuning.csv": other}), "tables_sha256: is not that of")
    recorded = next((ROOT / "results" / "recorded").glob("*/paper-*"))
    old = {INFO: (recorded / INFO).read_bytes(), SAMPLES: (recorded / SAMPLES).read_bytes()}
    refused(bundle.archive({**files, **old}), "'accuracy.csv' does not belong in a bundle")
    refused(bundle.archive({name: files[name] for name in (INFO, SAMPLES)}), "tuning.csv is missing")
    given = json.dumps(bundle.manifest(files) | {"schema_version": 2}).encode()
    known = {name: content for name, content in files.items() if name != "groups.csv"}
    refused(tar((MANIFEST, given), *known.items()), "manifest.json, schema_version: is not that of run.json")


def test_a_known_machine_with_the_pace_of_an_emulator_is_refused(files, refused):
    (recorded, *_) = (ROOT / "results" / "recorded" / "amd-epyc-25-17").glob("quick-*/run.json")

    def change(info):
        info["machine"] |= json.loads(recorded.read_text(encoding="utf-8"))["machine"]
        info["canary"]["throughput_nanoseconds"] *= 800

    refused(with_info(files, change), r"machine.name: an emulator \(suspected: an FMA .*\) is not amd-epyc-25-17")


@pytest.mark.parametrize("failing", ("mkdir", "write", "rename"))
def test_a_full_disk_leaves_no_trace(packed, tmp_path, monkeypatch, failing):
    _, files = bundle.check(packed.read_bytes(), "")
    before = tree(tmp_path)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    place = {"mkdir": (bundle.tempfile, "mkdtemp"), "write": (bundle, "write_whole"), "rename": (bundle.os, "rename")}
    run, _ = bundle.check(packed.read_bytes(), "")
    monkeypatch.setattr(bundle, "check", lambda *_: (run, files))
    monkeypatch.setattr(*place[failing], full)
    with pytest.raises(HarnessError, match="No space left on device"):
        bundle.adopt(packed, tmp_path / "results" / "recorded")
    assert tree(tmp_path) == before


def test_an_adoption_in_progress_is_not_taken_for_a_run(packed, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(bundle.os, "rename", lambda source, _: seen.append((source, find_runs(tmp_path))) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bundle.adopt(packed, tmp_path / "recorded")
    [(source, found)] = seen
    assert found == [] and not source.exists()


def test_what_a_killed_adoption_has_left_is_removed_after_a_day(packed, recorded):
    for name, days in ((".adopting-old", 2), (".adopting-now", 0)):
        (recorded / name).mkdir(parents=True)
        (recorded / name / INFO).touch()
        os.utime(recorded / name, (time.time() - days * 24 * 3600,) * 2)
    bundle.adopt(packed, recorded)
    assert [path.name for path in recorded.glob(".*")] == [".adopting-now"]


def test_of_two_adoptions_at_once_the_slower_one_recognizes_the_run(packed, recorded, monkeypatch):
    real = os.rename

    def late(source, target):
        monkeypatch.setattr(bundle.os, "rename", real)
        bundle.adopt(packed, recorded)
        real(source, target)

    monkeypatch.setattr(bundle.os, "rename", late)
    folder, new = bundle.adopt(packed, recorded)
    assert not new
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name]
    assert not list(recorded.glob(".*"))


def test_a_bundle_that_is_not_there_is_one_line(tmp_path):
    for path in (tmp_path / "nowhere.tar.gz", tmp_path):
        with pytest.raises(HarnessError, match=r"No such file|Is a directory"):
            bundle.adopt(path, tmp_path / "recorded")


# Damage


def test_a_bundle_that_was_cut_short_anywhere_is_refused(packed, refused):
    content = packed.read_bytes()
    for length in (0, 1, 9, 10, 11, len(content) // 3, len(content) // 2, len(content) - 8, len(content) - 1):
        refused(content[:length], r"is cut off|cannot be decompressed")


def test_a_bundle_with_a_flipped_bit_is_refused_or_is_the_same(files, packed, refused):
    content = packed.read_bytes()
    for place in (0, 1, 2, 3, *range(10, len(content), len(content) // 40), len(content) - 5, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        try:
            # Of the header of gzip some bits say nothing: only what comes out counts.
            assert bundle.check(bytes(damaged), "")[1] == files
        except HarnessError:
            refused(bytes(damaged), ": ")


def test_an_archive_with_a_flipped_bit_never_gives_other_files(files, packed):
    content = gzip.decompress(packed.read_bytes())
    for place in range(0, len(content), max(1, len(content) // 600)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        try:
            found = bundle.members(bytes(damaged))
            bundle.check_manifest(bundle.parse(found.pop(MANIFEST), MANIFEST), found)
            assert found == files
        except HarnessError:
            pass


def test_a_file_that_is_no_bundle_is_refused(refused, files):
    refused(b"a page that a server sent instead", "cannot be decompressed")
    refused(gzip.compress(b"text" * 1000), "is not a sound archive")
    refused(gzip.compress(b""), "is cut off")
    refused(gzip.compress(b"\0" * 10240), "is missing")


def test_what_follows_the_end_is_refused(packed, refused):
    content = packed.read_bytes()
    refused(content + b"more", "4 bytes follow its end")
    refused(content + content, "bytes follow its end")
    refused(gzip.compress(gzip.decompress(content) + b"more"), "something follows the end")


# Hostile archives


@pytest.mark.parametrize(
    "name",
    ["/etc/run.json", "../run.json", "a/../../run.json", "./run.json", "run.json/x", "run.py", "samples.csv", "x" * 99],
)
def test_a_member_of_any_other_name_is_refused(files, refused, name):
    refused(tar(*whole(files), (name, b"{}")), "does not belong in a bundle")


def test_a_name_that_would_steer_the_terminal_is_told_harmlessly(files, refused):
    refused(tar(*whole(files), ("\x1b[2J\nrun.json", b"")), "does not belong in a bundle")


@pytest.mark.parametrize("format", (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT))
def test_headers_that_rename_the_next_member_are_refused(files, refused, format):
    refused(tar(*whole(files), ("x" * 300, b""), format=format), "does not belong in a bundle")


@pytest.mark.parametrize(
    "kind",
    ["SYMTYPE", "LNKTYPE", "CHRTYPE", "BLKTYPE", "FIFOTYPE", "DIRTYPE", "CONTTYPE", "GNUTYPE_SPARSE", "XHDTYPE"],
)
@pytest.mark.parametrize("name", (SAMPLES, INFO))
def test_links_devices_and_whatever_else_is_not_a_plain_file_are_refused(files, refused, kind, name):
    member = tarfile.TarInfo(name)
    member.type = getattr(tarfile, kind)
    member.linkname = "/etc/passwd" if "LNK" in kind or "SYM" in kind else ""
    refused(tar(*(pair for pair in whole(files) if pair[0] != name), (member, b"")), f"{name} is not a plain file")


def test_a_folder_with_the_name_of_a_file_is_refused(files, refused):
    refused(tar(*whole(files)[:2], (f"{SAMPLES}/", b"")), "does not belong in a bundle")


@pytest.mark.parametrize("name", (MANIFEST, INFO, SAMPLES))
def test_a_member_that_is_there_twice_or_not_at_all_is_refused(files, refused, name):
    contents = whole(files)
    refused(tar(*contents, (name, dict(contents)[name])), f"{name} is there twice")
    refused(tar(*(pair for pair in contents if pair[0] != name)), f"{name} is missing")


@pytest.mark.parametrize(("size", "words"), [(-512, "has -512 bytes"), (1 << 40, "allowed are"), (1 << 20, "cut off")])
def test_a_size_that_is_not_true_is_refused(files, refused, size, words):
    member = tarfile.TarInfo(SAMPLES)
    member.size = size
    refused(tar(*whole(files)[:2], (member, files[SAMPLES]), format=tarfile.GNU_FORMAT), words)


def test_bombs_are_not_unpacked(files, refused, monkeypatch):
    for name in ("LARGEST_BUNDLE", "LARGEST_TABLE"):  # ours take seconds to make
        monkeypatch.setattr(bundle, name, 4 << 20)
    zeros = b"\0" * (bundle.LARGEST_TABLE + 1)
    inflated = []
    real = bundle.decompress
    monkeypatch.setattr(bundle, "decompress", lambda *a: inflated.append(real(*a)) or inflated[-1])
    refused(zlib.compress(zeros, 1, bundle.GZIP), "the archive: holds more than")
    refused(bundle.archive({**files, SAMPLES: zlib.compress(zeros, 1, bundle.GZIP)}), f"{SAMPLES}: holds more than")
    assert max(map(len, inflated)) < 10 << 20


def test_a_file_larger_than_any_bundle_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "endless.tar.gz"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(HarnessError, match="is larger than"):
        bundle.adopt(path, tmp_path / "recorded")


# Hostile contents


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format_version": 2}, r"manifest.json, format_version: 2 is not known here \(known: 1\)"),
        ({"format_version": "1"}, "format_version: '1' is not known"),
        ({"schema_version": 99}, "schema_version: 99 is not known"),
        ({"files": {}}, "run.json does not have the size and SHA-256"),
        ({"files": [1]}, "run.json does not have the size and SHA-256"),
        ({"run": "pass"}, "holds more than versions and files"),
        ({"format_version": True}, "format_version: True is not known here"),
        ({"schema_version": 1.0}, "schema_version: 1.0 is not known here"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(files, refused, change, words):
    manifest = {**bundle.manifest(files), **change}
    refused(tar((MANIFEST, json.dumps(manifest).encode()), *files.items()), words)


def test_a_file_that_is_not_the_manifests_is_refused(files, refused):
    other = {**files, INFO: files[INFO].replace(b"EPYC", b"XEON")}
    refused(tar(whole(files)[0], *other.items()), "run.json does not have the size and SHA-256")
    refused(tar((MANIFEST, b"{"), *files.items()), "manifest.json, line 1: not sound JSON")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not sound JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff\xfe", "not sound JSON"),
        (b"[" * 100_000, "run.json: not sound JSON"),
        (b'{"seed": ' + b"9" * 5000 + b"}", "has more than 18 digits"),
        (b'{"seed": NaN}', "NaN is not a number that a run holds"),
        (b'{"seed": -1e999}', "-1e999 is not a number that a run holds"),
        (b"{}", "run.json, top level: .* is a required property"),
    ],
)
def test_a_run_json_that_is_not_sound_is_refused(files, refused, content, words):
    refused(bundle.archive({**files, INFO: content}), words)


CHANGES = {
    "schema_version: 4 is not known here": lambda i: i.update(schema_version=4),
    "ended: this run is not complete": lambda i: i.update(ended=None),
    "run.json, ended: 2999-01-01.* is in the future": lambda i: i.update(ended="2999-01-01T00:00:00+00:00"),
    "ended: the run ended before it started": lambda i: i.update(ended="2020-01-05T09:14:00+00:00"),
    "run: .* does not match": lambda i: i.update(run="../../quick-0123456789ab"),
    "run.json: not sound JSON: 'quick-.*' holds a character that cannot be shown": lambda i: i.update(
        run=i["run"] + "\n"
    ),
    "does not follow from protocol.name, content_hash and what": lambda i: i.update(content_hash="0" * 64),
    "'full-.*' does not follow": lambda i: i.update(run=i["run"].replace("quick", "full")),
    "machine.name: '../x' does not match": lambda i: i["machine"].update(name="../x"),
    "machine.name: '' does not match": lambda i: i["machine"].update(name=""),
    "machine.name: 'x/y' does not match": lambda i: i["machine"].update(name="x/y"),
    "run.json: not sound JSON: 'zen4.n' holds a character that cannot be shown": lambda i: i["machine"].update(
        name="zen4\n"
    ),
    "has more than 100 characters": lambda i: i["machine"].update(name="x" * 101),
    "Additional properties are not allowed": lambda i: i.update(command="rm"),
    "compilers: 'A B' does not match": lambda i: i["compilers"].update({"A B": {}}),
    "where run.json counts 1,000,000": lambda i: i["vetoes"].update(samples=10**6),
    "no rows of passes gcc avx2 warm at 5 elements": lambda i: i["experiments"]["passes"][0]["elements"].append(5),
    "experiment: 'breakdown' is not in run.json": lambda i: i["experiments"].pop("breakdown"),
    "algorithms gcc avx2: no rows of one-pass": lambda i: i["algorithms"].update({"one-pass": ["ext_scale"]}),
    "'max' is not in": lambda i: i["kernels"].pop("max"),
    "kernels.max: neither reads nor writes": lambda i: i["kernels"]["max"].update(reads_x=0),
    "algorithms.two-pass: no pass has writes_y": lambda i: i["kernels"]["ext_scale"].update(writes_y=0),
    r"tuning.1..nanoseconds_low: 1e-17 is faster": lambda i: i["tuning"][1].update(nanoseconds_low=1e-17),
    "nanoseconds_high: 1e.17 is greater than": lambda i: i["tuning"][0].update(nanoseconds_high=1e17),
    "a clock of .* GHz is not possible": lambda i: i["canary"].update(clock_nanoseconds=1),
    "line .*: a clock of": lambda i: i["canary"].update(clock_adds=10**9),
    "is faster than possible": lambda i: i["kernels"]["load"].update(reads_x=100),
}


@pytest.mark.parametrize("words", CHANGES)
def test_a_run_json_that_does_not_fit_is_refused(files, refused, words):
    refused(with_info(files, CHANGES[words]), words)


def two_pass(lines):
    """The number of the first line of Two-Pass as a whole at 4096 elements."""
    wanted = {"algorithm": "two-pass", "pass": "", "elements": "4096"}
    places = {column(lines, name): value for name, value in wanted.items()}
    return next(n for n, line in enumerate(lines, 1) if all(line.split(",")[p] == v for p, v in places.items()))


ROWS = {
    "line 5, isa: 'avx1024' is not one of": lambda r: with_cell(r, 5, "isa", "avx1024"),
    "line 5, nanoseconds: 'fast' is not an integer": lambda r: with_cell(r, 5, "nanoseconds", "fast"),
    "line 5, compiler: 'icc' is not in run.json": lambda r: with_cell(r, 5, "compiler", "icc"),
    "line 1: the header has": lambda r: [r[0].replace("calls", "falls"), *r[1:]],
    "holds no samples": lambda r: r[:1],
    "line 3: 1 fields where 17 are expected": lambda r: [*r[:2], "\0", *r[3:]],
    "line .*, process: this sample was there before": lambda r: [
        *r,
        next(line for line in r[1:] if line.endswith(",")),
    ],
    "no rows of passes gcc avx2 warm at 4096": lambda r: without(r, experiment="passes", elements=4096),
    "rows of process 1, but of 1 processes only": lambda r: without(r, process=0),
    "algorithms gcc avx2: no rows of two-pass": lambda r: without(r, experiment="algorithms", algorithm="two-pass"),
    "breakdown gcc avx2: no rows of two-pass ext_sum": lambda r: without(
        r, experiment="breakdown", algorithm="two-pass", **{"pass": "ext_sum"}
    ),
    "passes gcc avx2: no rows of max": lambda r: without(r, experiment="passes", **{"pass": "max"}),
    "passes gcc avx2 warm at 4096 elements, process 1: 18 of 19 contenders": lambda r: without(
        r, experiment="passes", elements=4096, process=1, variant="u8k2", **{"pass": "load"}
    ),
    "process 1: its groups in run.json tell of another number of samples": lambda r: without(
        r, experiment="algorithms", elements=100_000, process=1
    ),
    "algorithms gcc avx2 paper at 4096 elements, process 1: 2 of 3 contenders": lambda r: without(
        r, experiment="algorithms", elements=4096, process=1, round=0, algorithm="two-pass"
    ),
    "names? neither an algorithm nor a pass": lambda r: with_cell(r, two_pass(r), "algorithm", ""),
    "a clock of 2e.04 GHz is not possible": lambda r: with_cell(r, 7, "clock_nanoseconds", 1),
    "line .*, nanoseconds: 1 is faster than possible": lambda r: with_cell(r, two_pass(r), "nanoseconds", 1),
    "calls: 24 where the round before has": lambda r: with_cell(r, two_pass(r), "calls", 10**17),
}


@pytest.mark.parametrize("words", ROWS)
def test_rows_that_are_damaged_incomplete_or_impossible_are_refused(files, refused, words):
    refused(with_rows(files, ROWS[words]), words)


# The command line


def harness(*arguments, cwd):
    """Called for real, where no compiler can be found and nothing is built."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": "/nowhere"}
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment)


def test_a_run_is_packed_and_adopted_by_two_commands(run, tmp_path):
    first = harness("pack", run, cwd=tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    name = f"{run.parent.name}-{run.name}.tar.gz"
    assert first.stdout.startswith(name)
    arguments = ("adopt", tmp_path / name, "--recorded", tmp_path / "results" / "recorded")
    second = harness(*arguments, cwd=tmp_path)
    folder = tmp_path / "results" / "recorded" / run.parent.name / run.name
    assert (second.returncode, second.stderr) == (0, "")
    assert second.stdout == f"{folder}: adopted\n"
    third = harness(*arguments, cwd=tmp_path)
    assert (third.returncode, third.stdout, third.stderr) == (0, f"{folder}: already adopted\n", "")
    assert load_run(folder).samples.equals(load_run(run).samples)


def test_a_refusal_is_one_line_and_status_2(packed, tmp_path):
    packed.write_bytes(packed.read_bytes()[:-20])
    result = harness("adopt", packed, "--recorded", tmp_path / "recorded", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"harness: {packed}: the archive: is cut off\n"
    assert not (tmp_path / "recorded").exists()
    result = harness("pack", tmp_path / "nowhere", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == f"harness: {tmp_path / 'nowhere' / 'run.json'}: no such file\n"


def test_bundles_do_not_change_what_a_run_is_called():
    assert not [room for room in HASHED if "exchange".startswith(room.removeprefix("harness/"))]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("skylake-x", "is not skylake-x"),
        ("all", "'all' does not follow from"),
        ("amd-epyc-9r14-25-99", "does not follow from"),
    ],
)
def test_a_run_under_a_name_that_is_not_its_processors_is_refused(tmp_path, make_run, name, reason):
    run = make_run(tmp_path / "runs", machine=name, isas=("avx2",))
    with pytest.raises(HarnessError, match=reason):
        bundle.pack(run, tmp_path / "x.tar.gz")
    assert not (tmp_path / "x.tar.gz").exists()
