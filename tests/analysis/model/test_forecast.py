"""What the model expects of the paper's machines: as wide as what is not known, and never a measurement."""

import numpy as np
import pytest

from analysis.claims.claims import load_claims
from analysis.model import forecast, validate
from analysis.model.times import REGIONS
from harness.record.machines import load_machines

PAIRS = [(name, isa) for name, isas in forecast.predicted_machines().items() for isa in isas]


def test_the_papers_machines_are_predicted_in_the_isas_that_it_measured():
    assert set(PAIRS) == {("skylake-x", "avx512f"), ("skylake-x", "avx2"), ("broadwell", "avx2"), ("zen2", "avx2")}


@pytest.mark.parametrize(("name", "isa"), PAIRS)
def test_bands_are_in_order_and_not_empty(name, isa):
    table = forecast.forecast(name, isa).table()
    assert set(table["algorithm"]) == {"", *validate.load()[1]}
    assert (table["low"] < table["median"]).all() and (table["median"] < table["high"]).all()


@pytest.mark.parametrize(("name", "isa"), PAIRS)
def test_out_of_cache_every_algorithm_takes_at_least_what_its_reads_take(name, isa):
    expected = forecast.forecast(name, isa)
    subject = expected.prediction.subject
    for algorithm, passes in subject.algorithms.items():
        fastest = np.median(len(passes) * subject.core.read_nanoseconds["memory"] / 16)
        assert np.median(expected.grids[forecast.NANOSECONDS, algorithm][:, -1]) > fastest


def test_what_passes_share_is_not_what_a_speedup_is_uncertain_of():
    expected = forecast.forecast("skylake-x", "avx512f")
    time, ratio = expected.prediction.total("two-pass")[:, -1], expected.prediction.ratio()[:, -1]
    assert np.std(np.log(ratio)) < np.std(np.log(time)) / 2


def test_the_same_seed_gives_the_same_prediction():
    first = forecast.table("zen2")
    forecast.forecast.cache_clear()
    assert forecast.table("zen2").equals(first)


def test_errors_are_those_that_are_recorded_and_wider_on_another_microarchitecture():
    recorded = validate.errors(validate.load()[0], validate.SPEEDUP, REGIONS[-1], "zen2")
    table = validate.load()[0]
    far = table[(table["kind"] == validate.SPEEDUP) & (table["region"] == REGIONS[-1])]
    wider = validate.OTHER_MICROARCHITECTURE * np.abs(np.log(far["expected"] / far["measured"]))
    assert recorded == pytest.approx(wider.to_numpy())
    made = forecast.forecast("zen2", "avx2")
    drawn = np.abs(np.log((1 + made.grids[forecast.SPEEDUP_PERCENT, ""] / 100) / made.prediction.ratio()))[:, -1]
    assert np.quantile(drawn, 0.8) == pytest.approx(np.quantile(recorded, 0.8), rel=0.1)


def test_published_variants_are_those_of_the_machine():
    published = forecast.forecast("skylake-x", "avx512f", forecast.PUBLISHED).prediction.subject.loops
    assert {name: published[name][0] for name in ("ext_sum", "ext_scale")} == {"ext_sum": "u9k3", "ext_scale": "u1k1"}
    chosen = forecast.forecast("skylake-x", "avx512f").prediction.subject
    assert chosen.loops != published and chosen.loops["max"] == published["max"]


def test_stores_past_the_caches_and_tables_are_predicted_without_a_line_of_their_own():
    made = forecast.forecast("zen2", "avx2").prediction
    assert {"two-pass-nt", "two-pass-table", "two-pass-nt-table"} <= set(made.subject.algorithms)
    assert "online" not in made.subject.algorithms
    plain, past = (np.median(made.total(name)[:, -1]) for name in ("two-pass", "two-pass-nt"))
    assert past < plain, "the output is not fetched before it is overwritten"


def test_the_largest_speedup_is_in_words_a_prediction():
    middle, low, high = forecast.forecast("skylake-x", "avx512f").largest()
    assert low < middle < high
    words = f"{middle:+.0f} % [{low:+.0f}, {high:+.0f}] (model)"
    assert forecast.told("skylake-x", "avx512f") == words
    claims = {claim.id: forecast.of_claim(claim) for claim in load_claims()}
    assert claims["skx-avx512"] == words and claims["memory-bound-avx512"] == ""


def test_no_machine_without_published_properties_is_predicted():
    assert load_machines()["amd-epyc-25-17"].performance is None
    assert "amd-epyc-25-17" not in forecast.predicted_machines()
