"""Which run of a machine is measured next."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from harness.record import instance, store
from harness.run.folders import note_of, ordinals_wanted


@pytest.fixture
def unfinished(make_run):
    return make_run(isas=("avx2",), lengths=(4096,), processes=2, rounds=2, parts=("algorithms", "passes"))


def test_which_run_is_measured_next(unfinished, tmp_path):
    record = store.read_record(unfinished)
    first = replace(record, machine=replace(record.machine, host="a" * 32, allowed=(0, 1)))
    first = replace(first, name=instance.run_name(first))
    runs, recorded = tmp_path / "runs", tmp_path / "recorded"

    def add(room, name, complete=True):
        folder = room / first.machine.name / name
        shutil.copytree(unfinished, folder)
        if not complete:
            store.write_record(folder, replace(record, ended=None))

    def next_ones():
        return ordinals_wanted(runs, first, 0), ordinals_wanted(runs, first, 1)

    assert next_ones() == ([1], [1])
    add(recorded, first.name)
    assert next_ones() == ([2], [2]), "the name is taken"
    add(runs, first.name)
    assert next_ones() == ([1], [2])
    for other in (f"{first.name}-old", f"{first.name}-1", f"{first.name}-03", f"{first.name[:-1]}-7"):
        add(runs, other)
    assert next_ones() == ([1], [2]), "those are no names of such runs"
    add(runs, f"{first.name}-10")
    assert next_ones() == ([10], [11])
    add(recorded, f"{first.name}-12")
    assert next_ones() == ([10], [13])
    add(runs, f"{first.name}-4", complete=False)
    assert next_ones() == ([4], [4])
    assert ordinals_wanted(runs, first, 3) == [4, 13, 14], "the one that is stopped among them"


def test_runs_may_lie_in_the_current_folder(unfinished, tmp_path, monkeypatch):
    first = store.read_record(unfinished)
    monkeypatch.chdir(tmp_path)
    assert ordinals_wanted(Path(), first, 0) == [1]


def test_what_is_left_of_further_runs_is_known_by_who_asks_for_as_many_again(unfinished, tmp_path):
    record = store.read_record(unfinished)
    first = replace(record, machine=replace(record.machine, host="a" * 32, allowed=(0, 1)))
    first = replace(first, name=instance.run_name(first))
    room = tmp_path / "runs" / first.machine.name

    def left(again):
        return ordinals_wanted(room.parent, first, again)

    shutil.copytree(unfinished, room / first.name)
    assert left(3) == left(3) == [2, 3, 4], "nothing has begun"
    shutil.copytree(unfinished, room / f"{first.name}-2")
    assert left(3) == [3, 4], "between two runs"
    recorded = tmp_path / "recorded" / room.name
    recorded.mkdir(parents=True)
    (room / f"{first.name}-2").rename(recorded / f"{first.name}-2")
    assert left(3) == [3, 4], "what is recorded is measured"
    store.write_record(room / f"{first.name}-3", replace(record, ended=None))
    assert left(3) == [3, 4] and left(0) == [3]
    assert left(2) == [3, 4], "others are wanted, the stopped one among them"
    assert left(3) == [3, 4, 5]
    note_of(room, first).write_bytes(b"3 4 \xff")
    assert left(3) == [3, 4, 5], "a note that cannot be read is none"
