"""Rows that were lost, doubled or changed are noticed wherever a run is loaded."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.record.completeness import check_rows
from harness.record.errors import DamagedRun
from harness.record.run import Precision, Processes, Vetoes
from harness.record.samples import Run, load_run
from harness.record.schema import schema
from harness.statistics.intervals import with_text

ELEMENTS = 4096
PATH = Path("samples.csv")
PARTS = ("algorithms", "passes", "breakdown", "controls", "peers")
Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def module_run(make_module_run: Callable[..., Path]) -> Run:
    return load_run(make_module_run(isas=("avx2",), lengths=(ELEMENTS, 100_000), processes=2, rounds=2, parts=PARTS))


@pytest.fixture
def rows(module_run: Run) -> pd.DataFrame:
    # As text, which can be changed to what no row has.
    return with_text(module_run.samples)


def drop(where: pd.Series, rows: pd.DataFrame) -> pd.DataFrame:
    return rows[~where].reset_index(drop=True)


def changed(rows: pd.DataFrame, row: int, **cells: object) -> pd.DataFrame:
    rows.loc[row, list(cells)] = list(cells.values())
    return rows


def swapped(rows: pd.DataFrame, one: int, other: int) -> pd.DataFrame:
    order = [*rows.index]
    order[one], order[other] = other, one
    return rows.loc[order].reset_index(drop=True)


def algorithms(rows: pd.DataFrame) -> pd.Series:
    return (rows["experiment"] == "algorithms") & (rows["elements"] == ELEMENTS)


CHANGES: dict[str, Change] = {
    "line 5, round: .* 2 of 3 contenders": lambda r: drop(r.index == 4, r),
    "no rows of algorithms gcc avx2 paper at 4096": lambda r: drop(algorithms(r), r),
    "rows of process 1, but of 1 processes only": lambda r: drop(r["process"] == 0, r),
    "line 2, round: 1 where 0 is next": lambda r: drop(r["round"] == 0, r),
    "line 3, position: 0 where its round has 1": lambda r: r.assign(position=0),
    "line 2, round: 1 where 0 is next ": lambda r: r.assign(round=1 - r["round"]),
    "line 2, variant: '' is not of": lambda r: changed(r, 0, variant=""),
    "variant: 'u1k1' is not of 0 passes": lambda r: r.assign(
        variant=r["variant"].where(r["algorithm"] != "numpy", "u1k1")
    ),
    "line 3, calls: 7 where its round has": lambda r: changed(r, 1, calls=7),
    "line 5, calls: 7 where the round before has": lambda r: r.assign(
        calls=r["calls"].where(~((r["round"] == 1) & algorithms(r)), 7)
    ),
    "line 5, elements: .* at 101000 elements is not in": lambda r: r.assign(
        elements=r["elements"].where(r["round"] == 0, 101_000)
    ),
    "line 2, experiment: 'speed' is not in run.json": lambda r: changed(r, 0, experiment="speed"),
    "line 2, pass: 'pcsses' is not in run.json": lambda r: changed(r, 0, **{"pass": "pcsses"}),
    "line .*, process: this sample was there before": lambda r: pd.concat([r, r[:3]], ignore_index=True),
    "line 3, round: this sample was there before": lambda r: pd.concat([r[:1], r[:1], r[2:]], ignore_index=True),
    "0 rows with flags, where run.json counts": lambda r: r.assign(flags=""),
    "pass: '.*' is not followed by what comes after it": lambda r: swapped(
        r, *r.index[(r["algorithm"] == "two-pass") & (r["experiment"] == "breakdown")][:2]
    ),
    "algorithms gcc avx2: no rows of two-pass": lambda r: drop(
        (r["experiment"] == "algorithms") & (r["algorithm"] == "two-pass"), r
    ),
}


@pytest.mark.parametrize("words", CHANGES)
def test_rows_that_no_run_can_have_left_are_refused_by_line_and_reason(
    rows: pd.DataFrame, module_run: Run, words: str
) -> None:
    with pytest.raises(DamagedRun, match=words.strip()) as refused:
        check_rows(PATH, CHANGES[words](rows), module_run)
    assert "\n" not in str(refused.value)


def test_more_rounds_than_were_asked_for_are_complete(rows: pd.DataFrame, module_run: Run) -> None:
    """Disturbed rounds are measured again, in some processes and not in others."""
    fewer = drop(algorithms(rows) & (rows["process"] == 1) & (rows["round"] == 1), rows)
    check_rows(PATH, fewer, counted(fewer, module_run))


def test_a_length_that_was_known_earlier_took_part_in_fewer_processes(rows: pd.DataFrame, module_run: Run) -> None:
    fewer = drop(algorithms(rows) & (rows["process"] == 1), rows)
    check_rows(PATH, fewer, counted(fewer, module_run))


def counted(rows: pd.DataFrame, run: Run) -> Run:
    return replace(run, vetoes=Vetoes(len(rows), int((rows["flags"] != "").sum())))


def asking(run: Run, least: int, most: int) -> Run:
    return replace(run, protocol=replace(run.protocol, processes=Processes(least, most), half_width_percent=2))


def test_fewer_processes_than_the_protocols_least_are_refused_unless_its_minutes_were_spent(
    rows: pd.DataFrame, module_run: Run
) -> None:
    run = asking(module_run, 8, 12)
    check_rows(PATH, rows, replace(run, precision=Precision(2, "minutes", 1, {})))
    with pytest.raises(DamagedRun, match="2 processes, where at least 8 were asked for"):
        check_rows(PATH, rows, replace(run, precision=Precision(2, "precision", 1, {})))


def test_more_processes_than_the_protocol_has_are_refused(rows: pd.DataFrame, module_run: Run) -> None:
    with pytest.raises(DamagedRun, match="2 processes, where at most 1 were asked for"):
        check_rows(PATH, rows, asking(module_run, 1, 1))


def test_rows_cut_off_at_a_whole_point_are_noticed_by_their_count(make_run: Callable[..., Path]) -> None:
    folder = make_run(isas=("avx2",), lengths=(ELEMENTS,), processes=2, rounds=2, parts=("algorithms", "passes"))
    path = folder / "samples.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    column = lines[0].split(",").index("process")
    kept = [line for line in lines if not (line.startswith("passes") and line.split(",")[column] == "1")]
    path.write_text("".join(kept), encoding="utf-8")
    with pytest.raises(DamagedRun, match=r"rows, where run\.json counts|rows with flags"):
        load_run(folder)


def test_a_changed_time_is_noticed_by_the_checksum(make_run: Callable[..., Path], edit_information: Callable) -> None:
    folder = make_run(isas=("avx2",), lengths=(ELEMENTS,), processes=2, rounds=2, parts=("algorithms",))
    path = folder / "samples.csv"
    edit_information(folder, samples_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    load_run(folder)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    place = list(schema("samples")["properties"]).index("nanoseconds")
    cells = lines[3].split(",")
    cells[place] = str(int(cells[place]) + 1)
    path.write_text("".join([*lines[:3], ",".join(cells), *lines[4:]]), encoding="utf-8")
    with pytest.raises(DamagedRun, match=r"samples\.csv: these are not the rows that were measured"):
        load_run(folder)
