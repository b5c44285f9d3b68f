"""The model against runs: nothing is fitted, bands hold what they say, and each run is held against its own kernels."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.model import in_core, validate
from analysis.model.validate import ALGORITHM, ALIKE, APART, LATER, PASS, SPEEDUP
from harness.record.errors import HarnessError
from harness.record.files import csv_bytes
from harness.record.samples import load_run
from harness.statistics import selection

LENGTHS = (1000, 50_000, 1_500_000, 56_000_000)
BLOCK = ["machine", "compiler", "isa", "region"]


@pytest.fixture
def known(make_run):
    """A run whose variants are known, and loops of its kernels."""
    run = load_run(make_run(isas=("avx2",), lengths=LENGTHS, parts=("algorithms", "passes")))
    used = {name for names in run.algorithms.values() for name in names}
    chosen = {"compiler": run.primary, "isa": "avx2", "variant": "u4k1", "chosen": True}
    run = dataclasses.replace(run, tuning=tuple({**chosen, "pass": name} for name in used))
    kernels, microarchitecture = in_core.of_run(run)
    row = {"kernels": kernels, "microarchitecture": microarchitecture, "compiler": run.primary, "isa": "avx2"}
    ends = {"variant": "u4k1", "cycles_low": 6.0, "cycles_high": 7.0}
    return run, pd.DataFrame([{**row, **ends, "pass": name} for name in used])


def table(blocks, off):
    """20 rows of a kind and block each, off by what `off` says of them."""
    rows = [{**dict(zip([*BLOCK, "kind"], block, strict=True)), "measured": 1.0} for block in blocks for _ in range(20)]
    return pd.DataFrame([{**row, "expected": np.exp(off(row))} for row in rows])


BLOCKS = [
    ("one", "gcc", "avx2", "memory"),
    ("one", "clang", "avx2", "memory"),
    ("other", "gcc", "avx512f", "memory"),
    ("other", "gcc", "avx2", "memory"),
    ("one", "gcc", "avx2", "L2"),
]


def widths(blocks, off, alike, apart):
    made = table(blocks, off)
    found = made.assign(width=validate.half_widths(made, alike, apart)).groupby([*BLOCK, "kind"])["width"]
    assert (found.nunique() == 1).all()
    return found.first()


def test_a_band_holds_as_many_as_it_says_of_what_comes_next():
    random = np.random.default_rng(3)
    inside = [abs(random.normal()) <= validate.half_width(random.normal(size=40)) for _ in range(4000)]
    assert 0.78 < np.mean(inside) < 0.83
    assert validate.half_width([0.1, 0.2, 0.3, 0.4]) == 0.4
    assert validate.half_width([0.1, 0.2]) == np.inf


def test_a_band_is_as_wide_as_the_errors_of_its_machines_other_blocks_of_its_kind_and_region():
    def off(row):
        quiet = row["machine"] == "other"
        return (0.1 if row["kind"] == SPEEDUP else 0.2) * (0.1 if quiet else 3 if row["compiler"] == "clang" else 1)

    found = widths([(*block, kind) for block in BLOCKS for kind in (SPEEDUP, ALGORITHM)], off, ALIKE, APART)
    assert found["one", "clang", "avx2", "memory", SPEEDUP] == pytest.approx(0.1)
    assert found["one", "gcc", "avx2", "memory", ALGORITHM] == pytest.approx(0.6)
    assert found["other", "gcc", "avx2", "memory", ALGORITHM] == pytest.approx(0.02)
    assert found["one", "gcc", "avx2", "L2", ALGORITHM] == np.inf


def test_a_band_by_other_machines_knows_none_of_its_own_and_later_algorithms_have_those_of_the_papers():
    def off(row):
        return 0.3 if row["machine"] == "other" else 0.1

    found = widths([(*block, ALGORITHM) for block in BLOCKS] + [(*BLOCKS[0], LATER)], off, ["region"], ["machine"])
    assert found["one", "gcc", "avx2", "memory", ALGORITHM] == pytest.approx(0.3)
    assert found["one", "gcc", "avx2", "memory", LATER] == pytest.approx(0.3)
    assert found["other", "gcc", "avx512f", "memory", ALGORITHM] == pytest.approx(0.1)


def test_all_that_a_run_measured_is_compared(make_run):
    table = validate.measured(load_run(make_run(parts=("algorithms", "passes"))))
    assert set(table["kind"]) == {SPEEDUP, ALGORITHM, PASS} and set(table["isa"]) == set(in_core.VECTORS)
    assert set(table.loc[table["kind"] == ALGORITHM, "name"]) == {*selection.THREE_PASS, selection.TWO_PASS}
    assert (table["measured"] > 0).all() and not table.duplicated([*table.columns[:-1]]).any()


def test_a_run_without_passes_on_their_own_is_compared_by_its_algorithms(make_run):
    assert set(validate.measured(load_run(make_run(parts=("algorithms",))))["kind"]) == {SPEEDUP, ALGORITHM}


def test_a_run_is_compared_with_what_the_model_expects_of_its_own_kernels(known):
    run, loops = known
    found = validate.compare([run], loops)
    assert len(found) == len(validate.measured(run)) and set(found["run"]) == {run.name}
    assert np.abs(np.log(found["expected"] / found["measured"])).median() < 1
    others = loops.assign(kernels="others", cycles_low=1.0)
    again = validate.compare([run], pd.concat([loops, others]))
    assert (again["expected"] == found["expected"]).all()
    assert not list(validate.subjects([run], others))


def test_what_predictions_need_survives_its_files(known, tmp_path):
    run, loops = known
    made = validate.compare([run], loops).round(6)
    (tmp_path / "validation.csv").write_bytes(csv_bytes(made))
    (tmp_path / "algorithms.json").write_bytes(validate.algorithms_file([run], loops))
    table, algorithms, passes = validate.load(tmp_path)
    assert algorithms == {name: list(of) for name, of in run.algorithms.items()}
    assert passes == {name: run.kernels[name] for of in run.algorithms.values() for name in of}
    rows = made[(made["kind"] == SPEEDUP) & (made["region"] == "memory")]
    errors = np.abs(np.log(rows["expected"] / rows["measured"])).to_numpy()
    assert validate.errors(table, SPEEDUP, "memory", run.machine.name) == pytest.approx(errors, abs=1e-4)
    wider = validate.OTHER_MICROARCHITECTURE * errors
    assert validate.errors(table, SPEEDUP, "memory", "one that was not measured") == pytest.approx(wider, abs=1e-4)


def test_a_machine_that_was_measured_has_errors_of_its_own():
    made = table([(*BLOCKS[0], SPEEDUP), (*BLOCKS[2], SPEEDUP)], lambda row: 0.2 if row["machine"] == "one" else 0.1)
    assert validate.errors(made, SPEEDUP, "memory", "other") == pytest.approx(np.full(20, 0.1))


@pytest.mark.parametrize("content", ("{", '{"passes": 1}', '{"passes": {"max": {"reads": 1}}}'))
def test_what_is_damaged_or_not_there_is_one_clear_line(tmp_path, content):
    with pytest.raises(
        HarnessError, match=r"algorithms\.json: is damaged or not there: .*No such file or directory.*refresh"
    ):
        validate.load(tmp_path / "none")
    (tmp_path / "validation.csv").write_text("kind\n")
    (tmp_path / "algorithms.json").write_text(content)
    with pytest.raises(HarnessError, match=r"algorithms\.json: is damaged or not there: .*refresh") as caught:
        validate.load(tmp_path)
    assert "\n" not in str(caught.value)
