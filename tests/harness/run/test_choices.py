"""What is known of variants before they are tuned, and which of them each process looks at."""

import dataclasses
from types import SimpleNamespace

import pytest

from harness.experiments.base import Roster
from harness.record import instance
from harness.record.errors import HarnessError
from harness.record.store import read_record, write_record
from harness.run import choices
from harness.run.choices import Choices, earlier_choices
from harness.statistics.variants import Favoured
from tests.harness.sampling.test_tuning import PAIR, ROSTER, TABLE

HASH = "a" * 64


@pytest.fixture
def file(make_run, tmp_path):
    """file(variant, **changes) files a complete run that chose this variant of ext_sum; returns its Record."""
    folder = make_run(isas=("avx2",), lengths=(4096,), processes=1, rounds=2, parts=("algorithms",))
    first, count = dataclasses.replace(read_record(folder), kernels_hash=HASH), iter(range(100))

    def file(variant="u8k2", **changes):
        number = next(count)
        named = {"u8k2": variant, "u12k1": "u12k1" if variant != "u12k1" else "u8k2"}
        tuning = tuple({**row, "variant": named[row["variant"]]} for row in first.tuning if row["pass"] == "ext_sum")
        ended = f"2026-02-01T00:{number:02}:00+00:00"
        its = {"tuning": tuning, "content_hash": f"{number:012}".ljust(64, "0"), "ended": ended} | changes
        record = dataclasses.replace(first, **its)
        record = dataclasses.replace(record, name=instance.run_name(record))
        write_record(tmp_path / "rooms" / ("runs", "recorded")[number % 2] / record.machine.name / record.name, record)
        return record

    return file


@pytest.fixture
def rooms(tmp_path):
    return [tmp_path / "rooms" / "runs", tmp_path / "rooms" / "recorded", tmp_path / "rooms" / "nowhere"]


def test_what_most_runs_of_the_same_kernels_chose_comes_first_and_then_what_the_newest_did(file, rooms):
    now = file()
    for variant in ("u2k2", "u2k2", "u4k1", "u1k1"):
        file(variant)
    assert earlier_choices(now, rooms) == {("gcc", "avx2", "ext_sum"): ["u2k2", "u1k1", "u4k1", "u8k2"]}


def test_what_is_not_like_this_run_or_claims_nothing_is_not_asked(file, rooms):
    now = file(ended=None)
    machine = now.machine
    others = [
        {"kernels_hash": "b" * 64},
        {"kernels_hash": None},
        {"machine": dataclasses.replace(machine, stepping=machine.stepping + 1)},
        {"machine": dataclasses.replace(machine, brand="AMD EPYC 9R15")},
        {"machine": dataclasses.replace(machine, emulator="QEMU")},
        {"protocol": dataclasses.replace(now.protocol, name="smoke")},
        {"ended": None},
    ]
    for changes in others:
        file(**changes)
    assert earlier_choices(now, rooms) == {}
    nothing = dataclasses.replace(now, kernels_hash=None)
    assert earlier_choices(nothing, rooms) == {}, "two runs that tell no hash are not known to be alike"
    by_order = tuple({**row, "chosen_by": "paper"} if row["chosen"] else row for row in now.tuning)
    file(tuning=by_order)
    assert earlier_choices(now, rooms) == {}
    file()
    assert earlier_choices(now, rooms) == {("gcc", "avx2", "ext_sum"): ["u8k2"]}


def test_a_damaged_run_is_not_asked(file, rooms):
    now = file()
    broken = rooms[0] / "machine" / "quick-1"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text("{", encoding="utf-8")
    assert len(earlier_choices(now, rooms)) == 1


def of(favoured, most=2):
    keys = {(*PAIR, name): favoured.get(name, Favoured({})) for name in ROSTER.passes}
    return Choices({PAIR: ROSTER}, keys, most)


def rows_of(times, process=0):
    """Rows of a process in which each variant of a pass takes as long as `times` tells by its unroll factor."""
    place = {"process": process, "compiler": PAIR[0], "isa": PAIR[1], "algorithm": "x", "elements": 100}
    return [{**place, "pass": k.name, "variant": k.variant, "nanoseconds": times(k.unroll)} for k in TABLE]


def test_the_first_process_looks_at_all_variants_and_the_others_at_what_it_leaves():
    ours = of({"ext_scale": Favoured({"u3k1": ["zen2"]})})
    first = ours.fields(0, [])
    assert {name for field in first for name in field.tuned} == set(ROSTER.passes)
    assert all(len(field.variants["exp_sum"]) == 7 for field in first if "exp_sum" in field.tuned)
    assert next(field for field in first if "ext_scale" in field.tuned).variants["ext_scale"][0] == "u3k1"
    second = ours.fields(1, rows_of(lambda unroll: 100.0 + 2 * unroll))
    assert {len(field.variants[name]) for field in second for name in field.tuned} == {2, 3}
    assert next(field for field in second if "ext_scale" in field.tuned).variants["ext_scale"] == (
        "u1k1", "u2k1", "u3k1"
    )  # fmt: skip


def test_the_table_has_every_pass_in_the_order_of_the_algorithms():
    measured = rows_of(lambda unroll: 100.0 + 2 * unroll)
    table = of({}).table([*reversed(measured)])
    assert list(dict.fromkeys(row["pass"] for row in table)) == ROSTER.passes
    assert all(row["variant"] == "u1k1" for row in table if row["chosen"])


def test_a_variant_that_is_wanted_must_be_there(monkeypatch, tmp_path):
    run = SimpleNamespace(
        record=SimpleNamespace(machine=SimpleNamespace(name="zen2"), kernels_hash=None),
        config={"tuning": "paper"},
        rosters=lambda: {PAIR: Roster(ROSTER.config, TABLE)},
    )
    monkeypatch.setattr(choices.identity, "wanted_variants", lambda *_: {"avx2": {"max": "u99k1"}})
    with pytest.raises(HarnessError, match="tuning: max has no variant u99k1"):
        Choices.of(run, [tmp_path])
