"""Calibration: what was put in comes out, half is held out, and bands hold what they say."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.model import calibrate
from analysis.model.calibrate import COVERED, NAMES
from analysis.model.forecast import subject
from analysis.model.predict import predict
from harness.record.errors import HarnessError
from harness.record.machines import load_machines

KNOWN = {"overlap": 3.0, "in_core": 0.4, "cold_store": 1.2, "pass_cycles": 40.0, "l3_share": 0.8}
LENGTHS = [1000, 3000, 10_000, 50_000, 200_000, 1_000_000, 5_000_000, 10_000_000, 20_000_000, 100_000_000]


def draw_once(machine, isa):
    """A machine of which every uncertain input has one value."""
    own = subject(load_machines()[machine], isa, "gcc", calibrate.load(), np.random.default_rng(1))
    core = own.core
    first = {
        field: {key: value[:1] for key, value in getattr(core, field).items()}
        for field in ("l1_nanoseconds", "read_nanoseconds", "write_nanoseconds")
    }
    single = dataclasses.replace(core, clock_ghz=core.clock_ghz[:1], fetch_ratio=core.fetch_ratio[:1], **first)
    return dataclasses.replace(own, core=single)


def times_of(own, values, noise=0.0):
    """Times as `measured` has them, of a machine that is as the model says."""
    prediction = predict(own, calibrate.parameters(values, list(own.kernels)), LENGTHS, 0.0, np.random.default_rng(1))
    grids = {(name, ""): prediction.total(name)[0] for name in own.algorithms}
    grids |= {("", name): prediction.alone(name)[0] for name in own.kernels}
    rows = [
        {
            "isa": own.isa,
            "compiler": own.compiler,
            "algorithm": a,
            "pass": p,
            "elements": n,
            "nanoseconds_per_element": t,
        }
        for (a, p), times in grids.items()
        for n, t in zip(LENGTHS, times, strict=True)
    ]
    table = pd.DataFrame(rows)
    table["nanoseconds_per_element"] *= np.exp(noise * np.random.default_rng(2).standard_normal(len(table)))
    return table


def test_parameters_that_made_the_times_are_found_again(monkeypatch):
    monkeypatch.setattr(calibrate, "SHARES", (0.7, 0.8, 0.9))  # each takes a search of its own
    own = draw_once("zen2", "avx2")
    found = calibrate.fit(own, times_of(own, KNOWN))
    assert found["l3_share"] == KNOWN["l3_share"]
    for name, tolerance in {"overlap": 0.3, "in_core": 0.1, "cold_store": 0.1, "pass_cycles": 15}.items():
        assert found[name] == pytest.approx(KNOWN[name], abs=tolerance), name
    assert set(found) == {*NAMES, "l3_share"}


def test_what_the_model_expects_of_a_row_is_its_own_time():
    own = draw_once("zen2", "avx2")
    table = times_of(own, KNOWN)
    prediction = predict(own, calibrate.parameters(KNOWN, list(own.kernels)), LENGTHS, 0.0, np.random.default_rng(1))
    assert calibrate.expected(prediction, table)[0] == pytest.approx(table["nanoseconds_per_element"])


def test_every_second_length_of_one_compiler_and_isa_is_fitted_and_nothing_else():
    own = draw_once("zen2", "avx2")
    table = times_of(own, KNOWN)
    both = pd.concat([table, table.assign(compiler="clang"), table.assign(isa="avx512f")], ignore_index=True)
    fitted = both[calibrate.is_fitted(both, "gcc", "avx2")]
    assert set(fitted["compiler"]) == {"gcc"} and set(fitted["isa"]) == {"avx2"}
    assert sorted(fitted["elements"].unique()) == LENGTHS[::2]
    assert len(fitted) == len(table) / 2


def test_bands_hold_as_many_as_they_say():
    off = 0.1 * np.random.default_rng(3).standard_normal(4000)
    table = pd.DataFrame({"error_percent": 100 * np.expm1(off), "weight": 1.0, "pass": "max"})
    assert calibrate._spread(table) == pytest.approx(0.1, rel=0.05)
    algorithms = table.iloc[:40].assign(**{"pass": "", "error_percent": 30.0})
    assert calibrate._spread(pd.concat([table, algorithms])) == pytest.approx(np.log(1.3) / 1.2816, rel=0.01)
    assert pytest.approx(0.8) == COVERED


def test_a_calibration_survives_its_file(tmp_path):
    recorded, file = calibrate.load(), tmp_path / "calibration.json"
    file.write_bytes(calibrate.save(recorded))
    assert calibrate.load(file) == recorded


@pytest.mark.parametrize(("content", "words"), (("{", "is no calibration"), ('{"run": "x"}', "is no calibration: ")))
def test_a_damaged_calibration_is_one_clear_line(tmp_path, content, words):
    file = tmp_path / "calibration.json"
    file.write_text(content)
    with pytest.raises(HarnessError, match=words) as caught:
        calibrate.load(file)
    assert "\n" not in str(caught.value)
    with pytest.raises(HarnessError, match="No such file or directory"):
        calibrate.load(tmp_path / "none.json")


def test_bands_of_other_machines_are_as_wide_as_what_was_not_fitted_asks_for():
    recorded = calibrate.load()
    for spreads in ((0.3, 0.2, 0.1), (0.1, 0.3, 0.2), (0.1, 0.2, 0.3)):
        names = ("spread", "held_out_spread", "swapped_spread")
        assert dataclasses.replace(recorded, **dict(zip(names, spreads, strict=True))).wider_spread == 0.3
