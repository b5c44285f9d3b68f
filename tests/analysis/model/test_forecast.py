"""What the model expects of the paper's machines: as wide as what is not known, and never a measurement."""

import numpy as np
import pytest

from analysis.model import calibrate, forecast
from analysis.model.forecast import SCENARIOS
from analysis.model.predict import limits_table, quantiles, speedup_table, times_table
from harness.record.machines import load_machines

PAIRS = [(name, isa) for name, isas in forecast.predicted_machines().items() for isa in isas]


def test_the_papers_machines_are_predicted_in_the_isas_that_it_measured():
    assert set(PAIRS) == {("skylake-x", "avx512f"), ("skylake-x", "avx2"), ("broadwell", "avx2"), ("zen2", "avx2")}


@pytest.mark.parametrize(("name", "isa"), PAIRS)
def test_bands_are_in_order_and_not_empty(name, isa):
    prediction = forecast.forecast(name, isa)
    for table, value in (
        (times_table(prediction), "nanoseconds_per_element"),
        (speedup_table(prediction), "speedup_percent"),
    ):
        assert (table[f"{value}_low"] < table[f"{value}_median"]).all()
        assert (table[f"{value}_median"] < table[f"{value}_high"]).all()
    assert (times_table(prediction)["textbook_nanoseconds_per_element"] > 0).all()


@pytest.mark.parametrize(("name", "isa"), PAIRS)
def test_out_of_cache_every_algorithm_takes_at_least_what_its_reads_take(name, isa):
    prediction = forecast.forecast(name, isa)
    line = prediction.subject.core.read_nanoseconds["memory"]
    for algorithm, passes in prediction.subject.algorithms.items():
        fastest = np.median(len(passes) * line / 16)
        assert np.median(prediction.total(algorithm)[:, -1]) > fastest


def test_the_same_seed_gives_the_same_prediction():
    first = forecast.forecast("zen2", "avx2").speedup()
    forecast.forecast.cache_clear()
    assert (forecast.forecast("zen2", "avx2").speedup() == first).all()


def test_twice_the_bandwidth_helps_nobody_in_cache_and_everybody_out_of_it():
    now, then = (forecast.forecast("skylake-x", "avx512f", scenario) for scenario in list(SCENARIOS)[:2])
    for algorithm in now.subject.algorithms:
        before, after = (np.median(p.total(algorithm), axis=0) for p in (now, then))
        far = forecast.out_of_cache(now)
        assert (after[far] < 0.95 * before[far]).all()
        assert (after <= before * (1 + 1e-9)).all()


def test_without_write_allocate_what_writes_gains_and_what_reads_does_not():
    now, then = (forecast.forecast("broadwell", "avx2", s) for s in ("as it is", "no write-allocate"))
    before, after = ({name: np.median(t.total[:, -1]) for (_, name), t in p.passes.items()} for p in (now, then))
    assert after["ext_scale"] < before["ext_scale"]
    assert after["ext_sum"] == pytest.approx(before["ext_sum"])


def test_another_compiler_changes_the_loops_alone():
    now, then = (forecast.forecast("zen2", "avx2", s) for s in ("as it is", "compiled by clang"))
    assert then.subject.compiler == "clang"
    assert now.subject.loops != then.subject.loops
    assert (now.subject.core.clock_ghz == then.subject.core.clock_ghz).all()


def test_every_pass_has_a_limit_at_every_length():
    prediction = forecast.forecast("skylake-x", "avx2")
    table = limits_table(prediction)
    passes = sum(len(names) for names in prediction.subject.algorithms.values())
    assert len(table) == passes * len(prediction.elements)
    assert set(table["bound_by"]) <= {"computation", "L2", "L3", "memory"}
    reads = table[table["pass"] == "max"].sort_values("elements")
    assert reads["bound_by"].iloc[-1] == "memory"


def test_the_largest_speedup_is_in_words_a_prediction():
    middle, low, high = forecast.largest_speedup("skylake-x", "avx512f")
    assert low < middle < high
    assert forecast.told("skylake-x", "avx512f") == f"{middle:+.0f} % [{low:+.0f}, {high:+.0f}] (model)"


def test_overlap_is_not_known_better_than_by_a_factor_of_two():
    recorded = calibrate.load()
    guess = forecast.parameters(recorded, ["max"], np.random.default_rng(1))
    assert guess.overlap.min() < 0.6 * recorded.overlap and guess.overlap.max() > 1.8 * recorded.overlap
    assert guess.in_core["max"].min() < 0.05 and guess.in_core["max"].max() > 0.95
    assert set(guess.l3_share) <= set(calibrate.SHARES)


def test_quantiles_are_those_of_the_draws():
    found = quantiles(np.arange(101.0)[:, None], "x")
    assert (found["x_low"][0], found["x_median"][0], found["x_high"][0]) == (10, 50, 90)


def test_no_machine_without_published_properties_is_predicted():
    assert load_machines()["amd-epyc-25-17"].performance is None
    assert "amd-epyc-25-17" not in forecast.predicted_machines()
