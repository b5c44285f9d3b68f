"""Whatever becomes of a run's files: it is refused in one line, or drawn; never a traceback, never a hang."""

import hashlib
import json
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from analysis import figures
from analysis.summary import summary
from harness.exchange import bundle
from harness.reading.evidence import Evidence
from harness.record.errors import DamagedRun, HarnessError
from harness.record.files import ROOT
from harness.record.samples import Run, load_run, read_samples
from harness.record.store import INFO, SAMPLES_GZ, TABLES, check_whole, digest, read_record
from tests.mutations import mutated, mutated_bytes

SEEDS = 120
MakeRun = Callable[..., Path]


@pytest.fixture(scope="module")
def folder(make_module_run: MakeRun) -> Path:
    """A run with every experiment."""
    return make_module_run(isas=("avx2",), lengths=(4096, 1 << 24), processes=2, rounds=2)


@pytest.fixture(scope="module")
def small(make_module_run: MakeRun) -> Path:
    """A run of few rows."""
    few = ("algorithms", "breakdown", "peers")
    return make_module_run(isas=("avx2",), lengths=(4096,), processes=2, rounds=2, parts=few)


def information_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def look_at(run: Run, place: int) -> None:
    """The summary, or one of the figures, by its place: all of them take seconds."""
    names = [name for name in figures.names() if figures.experiment(name) in run.parts and name != "compilers"]
    looks = [lambda: summary(run).encode(), *(partial(draw, name, run) for name in names)]
    looks[place % len(looks)]()


def draw(name: str, run: Run) -> None:
    module, drawn = figures.load(name), figures.subject(name, Evidence((run,)))
    figure, table = module.draw(drawn), module.TABLE(drawn)
    table.to_csv().encode()
    for text in figure.texts:
        text.get_window_extent()


def assert_one_line(error: Exception, words: str) -> None:
    assert str(error).isprintable() and len(str(error)) < 700, words


def test_a_mutated_run_json_is_refused_in_one_line_or_drawn(folder: Path, tmp_path: Path) -> None:
    information, accepted = information_of(folder), 0
    for file in folder.glob("*.csv"):
        (tmp_path / file.name).symlink_to(file)
    for seed in range(SEEDS):
        words, content = mutated(information, random.Random(seed))
        with suppress(ValueError, RecursionError):  # of what JSON cannot write
            (tmp_path / "run.json").write_text(json.dumps(content), encoding="utf-8")
        try:
            run = load_run(tmp_path)
        except DamagedRun as error:
            assert_one_line(error, words)
            continue
        accepted += 1
        if accepted % 3:  # each takes as long as thirty refusals
            continue
        try:
            look_at(run, accepted // 3)
        except Exception as error:
            raise AssertionError(f"seed {seed}, {words}") from error
    assert accepted < SEEDS / 10, "of most mutations a check can know"


def test_a_mutated_run_json_of_the_first_version_is_refused_in_one_line_or_read(tmp_path: Path) -> None:
    old = next((ROOT / "results" / "recorded").glob("*/quick-*"))
    information, accepted = information_of(old), 0
    # What makes it large is mutated no less by one of each kind.
    information["tuning"] = [row for row in information["tuning"] if (row["isa"], row["pass"]) == ("avx2", "max")]
    elements = information["accuracy"]["elements"][:1]
    softmax = [row for row in information["accuracy"]["softmax"] if row["elements"] in elements]
    information["accuracy"] |= {"elements": elements, "softmax": softmax}
    for seed in range(SEEDS // 2):
        words, content = mutated(information, random.Random(seed))
        with suppress(ValueError, RecursionError):  # of what JSON cannot write
            (tmp_path / "run.json").write_text(json.dumps(content), encoding="utf-8")
        try:
            read_record(tmp_path)
            accepted += 1
        except DamagedRun as error:
            assert_one_line(error, words)
    assert 0 < accepted < SEEDS / 5, "of most mutations a check can know"


def test_a_mutated_table_is_refused_in_one_line_or_says_the_same(small: Path, tmp_path: Path) -> None:
    texts = {name: (small / f"{name}.csv").read_text(encoding="utf-8") for name in TABLES}
    information, sound = information_of(small), read_record(small)
    for seed in range(SEEDS):
        chance = random.Random(seed)
        name = chance.choice([name for name, text in texts.items() if text.count("\n") > 1])
        words, content = rows_mutated(texts[name], chance)
        for other, text in texts.items():
            (tmp_path / f"{other}.csv").write_bytes(content if other == name else text.encode())
        # By itself, and where whoever changed it has changed the checksum too.
        with suppress(UnicodeDecodeError):
            every = [content.decode() if other == name else text for other, text in texts.items()]
            for told in (information, information | {"tables_sha256": digest(every)}):
                (tmp_path / INFO).write_text(json.dumps(told), encoding="utf-8")
                try:
                    found = read_record(tmp_path)
                except DamagedRun as error:
                    assert_one_line(error, words)
                else:
                    assert told is not information or found == sound, f"seed {seed}, {name}: {words}"


def rows_mutated(text: str, chance: random.Random) -> tuple[str, bytes]:
    """A table with a row deleted, doubled or moved, a cell replaced, or bytes changed; and which, in words."""
    lines = text.splitlines()
    row = chance.randrange(1, len(lines))
    kind = chance.choice(("delete", "double", "move", "cell", "cell", "bytes"))
    if kind == "bytes":
        return mutated_bytes(text.encode(), chance)
    if kind == "cell":
        cells: list[Any] = lines[row].split(",")
        place = chance.randrange(len(cells))
        cells[place] = int(cells[place]) if cells[place].isdigit() else cells[place]
        kind, cells = mutated(cells, chance)
        lines[row] = ",".join(map(str, cells))
    elif kind == "delete":
        del lines[row]
    elif kind == "double":
        lines.insert(row, lines[row])
    else:
        lines.insert(chance.randrange(1, len(lines)), lines.pop(row))
    return f"line {row + 1}: {kind}", "".join(f"{line}\n" for line in lines).encode(errors="surrogatepass")


def test_of_mutated_rows_only_what_was_read_from_clocks_needs_the_checksum_to_be_refused(
    small: Path, tmp_path: Path
) -> None:
    text = (small / "samples.csv").read_text(encoding="utf-8")
    record = read_record(small)
    whole = replace(record, samples_sha256=hashlib.sha256(text.encode()).hexdigest())
    path, clocks = tmp_path / "samples.csv", ["nanoseconds", "clock_nanoseconds", "throughput_nanoseconds", "flags"]
    sound = load_run(small).samples.drop(columns=clocks)
    for seed in range(SEEDS):
        words, content = rows_mutated(text, random.Random(seed))
        path.write_bytes(content)
        try:
            found = read_samples(path, record)
        except DamagedRun as error:
            assert "samples.csv" in str(error)
            assert_one_line(error, words)
            continue
        assert found.drop(columns=clocks).equals(sound), f"seed {seed}, {words}"
        if content != text.encode():
            with pytest.raises(DamagedRun, match="not the rows that were measured"):
                check_whole(path, content.decode(), whole)


def test_a_mutated_bundle_is_refused_in_one_line_and_leaves_no_trace(small: Path, tmp_path: Path) -> None:
    sound = bundle.pack(small, tmp_path / "sound.tar.gz").read_bytes()
    record, files = bundle.check(sound, "")
    information, rows = information_of(small), (small / "samples.csv").read_text(encoding="utf-8")
    path, recorded = tmp_path / "mutated.tar.gz", tmp_path / "recorded"
    for seed in range(SEEDS):
        chance = random.Random(seed)
        kind = chance.choice(("bytes", bundle.MANIFEST, bundle.INFO, SAMPLES_GZ, "tuning.csv"))
        try:
            if kind == "bytes":
                words, content = mutated_bytes(sound, chance)
            elif kind == SAMPLES_GZ:
                words, changed = rows_mutated(rows, chance)
                content = bundle.archive({**files, kind: bundle.compress(changed)})
            elif kind == "tuning.csv":
                words, changed = rows_mutated(files[kind].decode(), chance)
                content = bundle.archive({**files, kind: changed})
            elif kind == bundle.INFO:
                words, changed = mutated(information, chance)
                content = bundle.archive({**files, kind: json.dumps(changed).encode()})
            else:
                words, changed = mutated(bundle.manifest(files), chance)
                content = archive(json.dumps(changed).encode(), files)
        except (ValueError, RecursionError):  # of what JSON cannot write
            continue
        path.write_bytes(content)
        try:
            found, _ = bundle.check(content, str(path))
        except HarnessError as error:
            assert_one_line(error, words)
            if seed % 10 == 0:
                with pytest.raises(HarnessError):
                    bundle.adopt(path, recorded)
                assert not recorded.exists(), words
        else:
            same = len(vars(found)) and {**vars(found), "folder": 0, "samples": 0} == {
                **vars(record),
                "folder": 0,
                "samples": 0,
            }
            assert kind in (bundle.INFO, SAMPLES_GZ) or same, f"seed {seed}, {kind}: {words}"


def archive(manifest: bytes, files: Mapping[str, bytes]) -> bytes:
    """A bundle with this manifest, whatever it says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "manifest", lambda _: json.loads(manifest))
        return bundle.archive(files)
