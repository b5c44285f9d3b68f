"""A bundle carries a complete run from one machine to another: packed there, checked and filed here, never executed.

It is a gzip-compressed tar archive, MACHINE-RUN.tar.gz, which every system can list and unpack. In it are manifest.json
(versions; size and SHA-256 of the others), run.json, samples.csv.gz and, but for the first version of run.json, tables;
and where that was asked for ro-crate-metadata.json, which is for other tools: nothing here reads it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.exchange.plausibility import check_rows
from harness.machine import identity

# What is adopted is read as the figures will read it; a second validator of rows would come to differ from the first.
# record.samples is imported where it is used: pandas takes longer to load than most commands of the harness take.
from harness.record.errors import HarnessError, one_line
from harness.record.files import clear_abandoned, write_whole
from harness.record.machines import emulator, load_machines
from harness.record.parsing import parse
from harness.record.run import SCHEMA_VERSION, Record
from harness.record.store import INFO, SAMPLES_GZ, TABLES, read_record, samples_file, tables_of
from harness.record.upgrade import OLD_VERSIONS

if TYPE_CHECKING:
    from harness.record.samples import Run

FORMAT_VERSION = 1
MANIFEST, CRATE = "manifest.json", "ro-crate-metadata.json"
ADOPTING = ".adopting-"
Files = Mapping[str, bytes]
"""Contents by file name."""

# In bytes; a bundle is held in memory. The largest run, `full` with three compilers, has up to a million rows, of 82
# bytes each and 13 when compressed, and half a megabyte of run.json and its tables.
LARGEST = {
    MANIFEST: 1 << 16,
    CRATE: 1 << 18,
    INFO: 4 << 20,
    SAMPLES_GZ: 32 << 20,
    **{f"{name}.csv": 2 << 20 for name in TABLES},
}
LARGEST_TABLE = 128 << 20
# Some ten times a quick run; of the shortest rows the table could hold far more, and pandas gigabytes.
MOST_ROWS = 1_000_000
LARGEST_BUNDLE = sum(LARGEST.values()) + 2 * tarfile.RECORDSIZE
LONGEST_MACHINE_NAME = 100
CLOCKS_DIFFER = timedelta(days=1)  # at most, of two machines

GZIP = 31  # for zlib: with the header and trailer of gzip. They hold neither a name nor a time.


def pack(
    folder: Path, output: Path | None = None, described: Callable[[Record, Files], Files] = lambda run, files: {}
) -> Path:
    """Writes the bundle of a complete run and returns its path (default: MACHINE-RUN.tar.gz in the current folder).
    `described`: files that tell other tools of the run, from it and those of the bundle.

    The same run gives the same bytes, whether its samples are compressed or not (other versions of zlib may compress
    otherwise). Raises HarnessError for a run that is not complete, or that `adopt` would refuse.
    """
    run = read_record(folder)
    if not run.is_complete:
        raise HarnessError(f"{folder}: this run is not complete; `python -m harness measure` goes on with it")
    names = wanted(version_of(read(folder / INFO, LARGEST[INFO])))
    files = {name: read(folder / name, LARGEST[name]) for name in names if name != SAMPLES_GZ}
    files |= {SAMPLES_GZ: compress(read_samples(folder))}
    bundle = archive(files, described(run, files))
    check(bundle, str(folder))
    path = output or Path(f"{run.machine.name}-{run.name}.tar.gz")
    write_whole({path: bundle})
    return path


def adopt(path: Path, recorded: Path) -> tuple[Path, bool]:
    """Files the run of a bundle as evidence, under `recorded`/MACHINE/RUN. Returns that folder, and whether it is new:
    a run that is there already is left as it is.

    Raises HarnessError, and leaves no trace, where the bundle is damaged, hostile or not plausible, or another run has
    this name; also for a smoke run.
    """
    run, files = check(read(path, LARGEST_BUNDLE), str(path))
    if run.protocol.is_smoke:
        raise HarnessError(
            f"{path}: {INFO}: a smoke run claims nothing; what is worth recording is a run of any other protocol "
            "(--runs files it among those that were measured)"
        )
    return file_run(path, run, files, recorded)


def bring(path: Path, runs: Path) -> tuple[Path, bool]:
    """As `adopt`, but among the runs that were measured, where one of smoke may lie too."""
    return file_run(path, *check(read(path, LARGEST_BUNDLE), str(path)), runs)


def file_run(path: Path, run: Record, files: Files, room: Path) -> tuple[Path, bool]:
    """Files the run of the bundle at `path` under `room`/MACHINE/RUN. Raises HarnessError where another has this
    name."""
    folder = room / run.machine.name / run.name
    if not os.path.lexists(folder):
        try:
            file_whole(files, folder)
            return folder, True
        except OSError as error:
            # Another adoption may have been faster.
            if not folder.exists():
                raise HarnessError(f"{folder}: {error.strerror}") from error
    if not holds(folder, files):
        raise HarnessError(f"{path}: {folder} holds another run of the same name; nothing was changed")
    return folder, False


def file_whole(files: Files, folder: Path) -> None:
    """Writes a folder that holds these files, whole or not at all. Raises OSError; then no folder is left behind."""
    missing = [parent for parent in folder.parents if not parent.exists()]  # innermost first
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        clear_abandoned(folder.parents[1], ADOPTING)
        # Where no run is looked for, and in the same file system.
        temporary = Path(tempfile.mkdtemp(prefix=ADOPTING, dir=folder.parents[1]))
        try:
            write_whole({temporary / name: content for name, content in files.items()})
            temporary.chmod(0o755)
            os.rename(temporary, folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    except BaseException:
        for parent in missing:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def holds(folder: Path, files: Files) -> bool:
    """Whether the run in `folder` is this one, however its samples are compressed."""
    try:
        others = files.keys() - {SAMPLES_GZ}
        return read_samples(folder) == decompress(files[SAMPLES_GZ], LARGEST_TABLE, SAMPLES_GZ) and all(
            read(folder / name, LARGEST[name]) == files[name] for name in others
        )
    except HarnessError:
        return False


# Reading and writing


def read(path: Path, largest: int) -> bytes:
    """The content of a file of at most `largest` bytes. Raises HarnessError."""
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise HarnessError(f"{path}: {error.strerror}") from error
    if len(content) > largest:
        raise HarnessError(f"{path}: is larger than {largest:,} bytes")
    return content


def read_samples(folder: Path) -> bytes:
    """samples.csv of a run's folder, not compressed. Raises HarnessError."""
    path = samples_file(folder)
    content = read(path, LARGEST_TABLE)
    return decompress(content, LARGEST_TABLE, str(path)) if path.suffix == ".gz" else content


def compress(content: bytes) -> bytes:
    """The content as a gzip file, the same bytes each time."""
    return zlib.compress(content, 9, GZIP)


def decompress(content: bytes, largest: int, name: str) -> bytes:
    """What a gzip file holds: never more than `largest` bytes are unpacked. Raises HarnessError."""
    stream = zlib.decompressobj(GZIP)
    try:
        plain = stream.decompress(content, largest + 1)
    except zlib.error as error:
        raise HarnessError(f"{name}: cannot be decompressed: {error}") from error
    if len(plain) > largest:
        raise HarnessError(f"{name}: holds more than {largest:,} bytes")
    if not stream.eof:
        raise HarnessError(f"{name}: is cut off")
    if stream.unused_data:
        raise HarnessError(f"{name}: {len(stream.unused_data):,} bytes follow its end")
    return plain


def version_of(info: bytes) -> Any:
    """The version of a run.json. One that is not sound passes for one of today, and is refused where it is read."""
    version = None
    with contextlib.suppress(HarnessError):
        version = parse(info, INFO).get("schema_version")
    return version if version in OLD_VERSIONS else SCHEMA_VERSION


def wanted(version: Any) -> tuple[str, ...]:
    """The files of a complete run, beside the manifest, whose run.json is of this version."""
    return (INFO, *(f"{name}.csv" for name in tables_of(version)), SAMPLES_GZ)


def manifest(files: Files) -> dict[str, Any]:
    """What manifest.json says of these files."""
    return {
        "format_version": FORMAT_VERSION,
        "schema_version": version_of(files[INFO]),
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        },
    }


def archive(files: Files, described: Files | None = None) -> bytes:
    """The bundle of these files, and of those that describe them; the same bytes each time."""
    everything = {MANIFEST: (json.dumps(manifest(files), indent=1) + "\n").encode(), **files, **(described or {})}
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in everything.items():
            member = tarfile.TarInfo(name)  # of mode 0644; time, owner and group are 0
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return compress(content.getvalue())


def members(tar: bytes) -> dict[str, bytes]:
    """The files of a bundle. Raises HarnessError for an archive that holds anything else.

    Header by header, since tarfile itself would follow what an archive says about links, holes and long names.
    """
    found: dict[str, bytes] = {}
    at, block = 0, tarfile.BLOCKSIZE
    while tar[at : at + block].strip(b"\0"):
        try:
            header = tarfile.TarInfo.frombuf(tar[at : at + block], "ascii", "backslashreplace")
        except tarfile.HeaderError as error:
            raise HarnessError(f"is not a sound archive: {error}") from error
        name = header.name
        if name not in LARGEST:
            raise HarnessError(f"{name[:100]!r} does not belong in a bundle; what does: {', '.join(LARGEST)}")
        if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise HarnessError(f"{name} is not a plain file")
        if name in found:
            raise HarnessError(f"{name} is there twice")
        if not 0 <= header.size <= LARGEST[name]:
            raise HarnessError(f"{name} has {header.size:,} bytes; allowed are {LARGEST[name]:,}")
        found[name] = tar[at + block : at + block + header.size]
        at += block + -(-header.size // block) * block
    if len(tar) < at + block:
        raise HarnessError("is cut off")
    if tar[at:].strip(b"\0"):
        raise HarnessError("something follows the end of the archive")
    for name in (MANIFEST, INFO):
        if name not in found:
            raise HarnessError(f"{name} is missing")
    return found


# Checking


def check(bundle: bytes, source: str) -> tuple[Record, dict[str, bytes]]:
    """The run of a bundle, and its files without the manifest. Nothing is written where a run could be found.

    Raises HarnessError, in one line that begins with `source`, for whatever is not sound or not plausible.
    """
    try:
        files = members(decompress(bundle, LARGEST_BUNDLE, "the archive"))
        files.pop(CRATE, None)
        check_manifest(parse(files.pop(MANIFEST), MANIFEST), files)
        if decompress(files[SAMPLES_GZ], LARGEST_TABLE, SAMPLES_GZ).count(b"\n") > MOST_ROWS:
            raise HarnessError(f"{SAMPLES_GZ}: more than {MOST_ROWS:,} rows")
        run = load(files)
        check_provenance(run)
        check_rows(run)
    except HarnessError as error:
        raise HarnessError(f"{source}: {one_line(error)}") from error
    return run, files


def check_manifest(given: Mapping[str, Any], files: Files) -> None:
    """Raises HarnessError where manifest.json is of another version or does not describe these files."""
    for key, versions in (("format_version", (FORMAT_VERSION,)), ("schema_version", (*OLD_VERSIONS, SCHEMA_VERSION))):
        if repr(given.get(key)) not in map(repr, versions):  # True is 1, but no version
            found, known = one_line(repr(given.get(key))), ", ".join(map(str, versions))
            raise HarnessError(f"{MANIFEST}, {key}: {found} is not known here (known: {known})")
    names, expected = wanted(given["schema_version"]), manifest(files)
    if missing := [name for name in names if name not in files]:
        raise HarnessError(f"{missing[0]} is missing")
    if strange := files.keys() - {*names}:
        raise HarnessError(f"{min(strange)!r} does not belong in a bundle; what does: {', '.join((MANIFEST, *names))}")
    if given["schema_version"] != expected["schema_version"]:
        raise HarnessError(f"{MANIFEST}, schema_version: is not that of {INFO}")
    listed = given.get("files")
    for name, facts in expected["files"].items():
        if not isinstance(listed, dict) or listed.get(name) != facts:
            raise HarnessError(f"{name} does not have the size and SHA-256 that {MANIFEST} gives")
    if given != expected:
        raise HarnessError(f"{MANIFEST} holds more than versions and files")


def load(files: Files) -> Run:
    """The run that the files are, as the analysis reads it. Raises HarnessError naming file, line, field and reason."""
    from harness.record.samples import load_run

    with tempfile.TemporaryDirectory() as folder:
        try:
            write_whole({Path(folder, name): content for name, content in files.items()})
            return load_run(Path(folder))
        # pandas raises ValueError for text that is no table at all; what nests too deeply, RecursionError.
        except (HarnessError, ValueError, RecursionError) as error:
            raise HarnessError(str(error).replace(f"{folder}{os.sep}", "")) from error


def check_provenance(run: Record) -> None:
    """Raises HarnessError where the machine's name is not that of its processor or of no folder, or where the run has
    not ended yet by the clock of this machine."""
    machine = run.machine.name
    if len(machine) > LONGEST_MACHINE_NAME:
        raise HarnessError(f"{INFO}, machine.name: has more than {LONGEST_MACHINE_NAME} characters")
    try:
        identity.check_name(run.machine)
    except HarnessError as error:
        raise HarnessError(f"{INFO}, {error}") from error
    # Whatever the run says of itself: its canaries tell.
    if (told := emulator(run)) and machine in load_machines() and not run.machine.overridden:
        raise HarnessError(f"{INFO}, machine.name: an emulator ({told}) is not {machine}")
    if run.ended and datetime.fromisoformat(run.ended) > datetime.now(UTC) + CLOCKS_DIFFER:
        raise HarnessError(f"{INFO}, ended: {run.ended} is in the future, by the clock of this machine")
