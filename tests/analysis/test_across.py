"""Machines side by side."""

import dataclasses
import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis import across
from analysis.across import Compared
from analysis.commands import machines as command
from analysis.render import render_machines
from analysis.tables.machines import machine
from harness.reading.command_line import main
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows
from harness.record.samples import Run, load_run

MakeRun = Callable[..., Path]
PARTS = ("algorithms", "passes", "controls")
SMALL = {"isas": ("avx2",), "lengths": (4096, 1_000_000, 56_000_000), "parts": PARTS}


@pytest.fixture
def two(make_run: MakeRun) -> list[Evidence]:
    return [Evidence((load_run(make_run(machine=name, **SMALL)),)) for name in ("zen4-b", "zen4-a")]


@pytest.fixture
def compared(two: list[Evidence]) -> list[Compared]:
    return [*map(Compared.of, two)]


def test_there_is_a_line_for_each_machine_and_isa(compared: list[Compared], full_run: Run) -> None:
    figure = across.draw([*compared, Compared.of(Evidence((full_run,)))])
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "amd-epyc-9r14-25-17 AVX512F",
        "amd-epyc-9r14-25-17 AVX2",
        "amd-epyc-9r14-25-17 scalar",
        "zen4-a AVX2",
        "zen4-b AVX2",
    ]


def test_lengths_are_drawn_relative_to_the_last_level_cache(compared: list[Compared]) -> None:
    figure = across.draw(compared)
    longest = max(line.get_xdata().max() for line in figure.axes[0].lines if line.get_marker() != "None")
    assert longest == pytest.approx(4 * 56_000_000 / (32 << 20))


def test_without_algorithms_nothing_is_drawn(two: list[Evidence]) -> None:
    run = two[0].newest
    without = dataclasses.replace(run, samples=run.samples[run.samples["experiment"] == "passes"])
    with pytest.raises(MissingRows):
        Compared.of(Evidence((without,)))
    with pytest.raises(MissingRows, match="no run has both"):
        across.draw([])


def test_the_same_runs_give_the_same_bytes(compared: list[Compared]) -> None:
    assert render_machines(compared) == render_machines(compared[::-1])


def test_the_table_is_that_of_all_machines(two: list[Evidence], compared: list[Compared]) -> None:
    rows = [row for its in sorted(two, key=lambda its: its.newest.machine.name) for row in machine(its)]
    pd.testing.assert_frame_equal(across.table(compared), pd.DataFrame(rows))


def many(one: Compared, count: int) -> list[Compared]:
    """As many machines, each better than the one before."""
    return [
        dataclasses.replace(one, name=f"made-up-{place:02}", rows=[better(row, place) for row in one.rows])
        for place in range(count)
    ]


def better(row: dict[str, Any], place: int) -> dict[str, Any]:
    more = {name: value + place for name, value in row.items() if name.startswith("best_speedup_percent")}
    return row | more | {"machine": f"made-up-{place:02}"}


def test_of_many_machines_each_has_a_row_the_best_on_top(compared: list[Compared]) -> None:
    figure = across.draw(many(compared[0], 60))
    (axes,) = figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == [f"made-up-{place:02}" for place in range(60)]
    assert "60 machines, 60 runs" in figure.texts[-1].get_text()
    heights = [text.get_window_extent().height for text in axes.get_yticklabels()]
    figure.draw_without_rendering()
    places = sorted(label.get_window_extent().y0 for label in axes.get_yticklabels())
    assert min(b - a for a, b in itertools.pairwise(places)) > 0.9 * max(heights)


def test_each_run_is_read_once_and_of_one_machine_at_a_time(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [make_run(machine=f"zen4-{place}", **SMALL) for place in range(3)]
    asked: list[list[Path]] = []
    load = command.load_runs
    monkeypatch.setattr(command, "load_runs", lambda those: asked.append(list(those)) or load(those))
    monkeypatch.setattr(command.parallel.os, "sched_getaffinity", lambda _: {0})
    out = folders[0].parents[3]
    main_status = main("analysis", ["machines", *map(str, folders), f"--figures={out}", f"--tables={out}"])
    assert (main_status, asked) == (0, [[folder] for folder in folders])
    alone = (out / "machines.csv").read_bytes()
    shutil.rmtree(folders[0].parents[2] / "kept")
    monkeypatch.setattr(command.parallel.os, "sched_getaffinity", lambda _: {0, 1})
    main("analysis", ["machines", *map(str, folders), f"--figures={out}", f"--tables={out}"])
    assert (out / "machines.csv").read_bytes() == alone, "whatever the number of processes"


@pytest.fixture
def runs(make_run: MakeRun) -> dict[str, list[Path]]:
    """Two runs of each of two machines, by name."""
    names, days = ("zen4-a", "zen4-b"), ("2026-01-02T00:00:00+00:00", "2026-01-01T00:00:00+00:00")
    return {name: [make_run(machine=name, ended=day, **SMALL) for day in days] for name in names}


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of the runs that are loaded from now on."""
    loaded: list[Path] = []
    load = command.load_runs
    monkeypatch.setattr(command, "load_runs", lambda those: loaded.extend(those) or load(those))
    return loaded


def drawn(runs: dict[str, list[Path]]) -> bytes:
    return str(render_machines([one for its in runs.values() if (one := command.compared(its))])).encode()


def test_what_is_compared_is_kept_and_gives_the_same_bytes(runs: dict[str, list[Path]], loads: list[Path]) -> None:
    before = drawn(runs)
    assert loads == [folder for its in runs.values() for folder in its]
    loads.clear()
    assert (drawn(runs), loads) == (before, [])


@pytest.mark.parametrize("change", ["rows", "run.json", "a run more", "another order", "code", "what is kept"])
def test_what_is_kept_is_made_anew_where_anything_that_decides_it_differs(
    runs: dict[str, list[Path]], loads: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: str
) -> None:
    newest, older = runs["zen4-a"]
    if change == "a run more":
        runs["zen4-a"] = [newest]
    drawn(runs)
    loads.clear()
    if change == "rows":
        # Neither size nor time tell.
        path = newest / "samples.csv"
        times = path.stat()
        path.write_text(path.read_text().replace("5,", "6,", 1))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    if change == "run.json":
        text = (newest / "run.json").read_text()
        (newest / "run.json").write_text(f" {text}")
    if change == "a run more":
        runs["zen4-a"] = [newest, older]
    if change == "another order":
        runs["zen4-a"] = [older, newest]
    if change == "code":
        monkeypatch.setattr(command, "ROOT", tmp_path)
    if change == "what is kept":
        (kept,) = newest.parents[2].glob("kept/machines/zen4-a.json")
        kept.write_text(kept.read_text().replace("speedups", "speed"))
    drawn(runs)
    expected = [folder for its in runs.values() for folder in its] if change == "code" else runs["zen4-a"]
    assert loads == expected


def test_where_a_run_cannot_be_loaded_nothing_is_kept_so_that_it_is_told_each_time(
    runs: dict[str, list[Path]], loads: list[Path]
) -> None:
    path = runs["zen4-a"][1] / "samples.csv"
    path.write_text(path.read_text().replace("algorithms", "algorithm", 1))
    for _ in range(2):
        loads.clear()
        assert command.compared(runs["zen4-a"])
        assert loads == runs["zen4-a"]


def test_of_runs_in_another_folder_nothing_is_kept(runs: dict[str, list[Path]], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "zen4-a"
    shutil.copytree(runs["zen4-a"][0].parent, elsewhere)
    assert command.compared([*elsewhere.iterdir()])
    assert not [*tmp_path.rglob("kept")]
