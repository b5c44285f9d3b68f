"""The command line: it teaches, and tells what is wrong in one line."""

import errno
import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

import pytest

import analysis
from harness.reading import command_line
from tests.conftest import LOCALES, interrupted_while_it_loads

ROOT = Path(analysis.__file__).parents[1]
SMALL = {"isas": ("avx2",), "processes": 2, "rounds": 1}
MakeRun = Callable[..., Path]
main = functools.partial(command_line.main, "analysis")


def test_help_shows_the_commands_the_figures_and_examples() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analysis", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for word in ("figure", "summary", "list", "examples:", "results/runs/MACHINE/RUN/", "exit status"):
        assert word in done.stdout


@pytest.mark.parametrize("module", ["harness", "analysis", "analysis.model"])
def test_every_command_helps(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in import_module(f"{module}.commands").NAMES:
        with pytest.raises(SystemExit, match="0"):
            command_line.main(module, [name, "--help"])
        assert capsys.readouterr().out.startswith(f"usage: python -m {module} {name} [-h] ")


def test_a_figure_is_three_files(make_run: MakeRun, tmp_path: Path) -> None:
    folder = make_run(**SMALL)
    where = ["--figures", str(tmp_path / "figures"), "--tables", str(tmp_path / "tables")]
    assert main(["figure", "three-pass", str(folder), *where]) == 0
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["three-pass.png", "three-pass.svg"]
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["three-pass.csv"]


def test_the_summary_is_printed(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", str(make_run(**SMALL))]) == 0
    assert "Two-Pass against the better Three-Pass" in capsys.readouterr().out


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_the_claims_are_printed_in_every_locale(make_run: MakeRun, tmp_path: Path, locale: Mapping[str, str]) -> None:
    make_run(tmp_path / "größe" / "runs", **SMALL)
    done = subprocess.run(
        [sys.executable, "-m", "analysis", "claims", "--results", tmp_path / "größe"],
        cwd=ROOT,
        capture_output=True,
        env=os.environ | locale,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert rb"\xb1" in done.stdout, "± has no other way out"


def test_the_list_marks_the_run_that_is_drawn(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older = make_run(ended="2026-01-01T00:00:00+00:00", **SMALL)
    newer = make_run(ended="2026-01-02T00:00:00+00:00", **SMALL)
    begun = make_run(ended=None, **SMALL)
    assert main(["list", "--results", str(tmp_path / "results")]) == 0
    lines = capsys.readouterr().out.splitlines()
    marks = {folder: line[0] for folder in (older, newer, begun) for line in lines if str(folder) in line}
    assert marks == {older: " ", newer: "*", begun: " "}
    assert any("speedup" in line and "Two-Pass" in line for line in lines)


def test_the_list_shows_a_damaged_run_instead_of_failing(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (make_run(**SMALL) / "run.json").write_text("{")
    assert main(["list", "--results", str(tmp_path / "results")]) == 0
    assert "not sound JSON" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["summary"], ["figure", "speedup"], ["figure", "pie"]])
def test_bad_input_is_one_line_and_status_2(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--figures", str(tmp_path / "f"), "--tables", str(tmp_path / "t")] if command[0] == "figure" else []
    assert main([*command, str(tmp_path / "nowhere"), *where]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("analysis: ") and captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line_and_status_2(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(**SMALL)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    target = tmp_path / "figures"
    assert main(["figure", "three-pass", str(folder), "--figures", str(target), "--tables", str(target)]) == 2
    assert re.fullmatch(rf"analysis: {target}/\S+: No space left on device\n", capsys.readouterr().err)
    assert list(target.iterdir()) == []


def test_output_that_cannot_be_written_is_one_line_and_status_2() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run(
            [sys.executable, "-m", "analysis", "list"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (result.returncode, result.stderr) == (2, "analysis: output: No space left on device\n")


def test_claims_are_judged_and_written(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(isas=("avx2",), processes=8, rounds=2)
    where = ["--results", str(tmp_path / "results")]
    # Two-Pass does not overflow there; computing exp takes longer than memory, so a claim is not reproduced.
    assert main(["claims", *where, "--strict"]) == 1
    assert "memory-bound-avx2" in capsys.readouterr().out
    # Its own tests look at the page.
    monkeypatch.setattr("analysis.page.report.render", lambda found, _: f"a page of {len(found.judgements)} verdicts")
    assert main(["page", *where, "--output", str(tmp_path)]) == 0
    header = (tmp_path / "tables" / "claims.csv").read_text().splitlines()[0].split(",")
    assert {"id", "machine", "verdict", "value", "low", "high", "claimed", "reason"} <= set(header)
    assert "| no-overflow |" in (tmp_path / "claims.md").read_text()
    assert re.fullmatch(r"a page of \d+ verdicts", (tmp_path / "report.html").read_text())


def test_a_run_that_cannot_be_loaded_keeps_no_other_from_being_drawn_and_judged(
    make_run: MakeRun, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sound = make_run(isas=("avx2",), processes=2, rounds=2)
    damaged = make_run(machine="other", isas=("avx2",), processes=2, rounds=2)
    samples = damaged / "samples.csv"
    # As many rows as before: only to look at each of them tells.
    samples.write_text(samples.read_text(encoding="utf-8").replace(",two-pass,", ",twq-pass,"), encoding="utf-8")
    where = ["--figures", str(tmp_path / "figures"), "--tables", str(tmp_path / "tables")]
    assert main(["machines", str(damaged), str(sound), *where]) == 0
    told = capfd.readouterr().err
    assert told.startswith(f"analysis: skipped: {samples}, line ") and told.count("\n") == 1
    assert "'twq-pass' is not in run.json" in told
    table = (tmp_path / "tables" / "machines.csv").read_text(encoding="utf-8")
    assert "amd-epyc-9r14-25-17" in table and "other" not in table
    claims = ["--results", str(tmp_path / "results"), "--claims", str(ROOT / "config" / "claims.yaml")]
    assert main(["claims", *claims]) == 0
    out = capfd.readouterr().out
    assert " amd-epyc-9r14-25-17 " in out and " other " not in out


def test_strict_is_2_where_no_claim_can_be_tested(tmp_path: Path) -> None:
    where = ["--results", str(tmp_path), "--claims", str(ROOT / "config" / "claims.yaml")]
    assert main(["claims", *where, "--strict"]) == 2
    assert main(["claims", *where]) == 0


@pytest.mark.parametrize(
    ("module", "library", "command"),
    [("analysis", "rpds", "list"), ("analysis.model", "_multiarray_umath", "predict")],
)
def test_an_interrupt_while_libraries_are_imported_is_one_line(module: str, library: str, command: str) -> None:
    status, errors = interrupted_while_it_loads(module, library, command)
    assert (status, errors) == (130, f"{module}: interrupted; to go on, give the same command again\n")
