"""What claims are about, against answers derived by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.claims.quantities import (
    QUANTITIES,
    UNITS,
    floats_per_element,
    largest_speedup,
    out_of_cache,
    pass_limits,
    results_not_finite,
    slowest_pass,
)
from harness.record.errors import MissingRows

FAR, NEAR = 1 << 25, 4096


@pytest.fixture
def with_passes(full_run):
    """with_passes(times) is a run of eight processes; times[pass] is nanoseconds per element, near and far."""

    def make(times):
        table = [
            ("passes", "gcc", "avx2", "", name, variant, elements, 1, "warm", process, 0, 0, 1,
             round(elements * time * 1000 * (1 + 0.001 * process)), 5000, 1, "")
            for (name, variant), pair in times.items()
            for elements, time in zip((NEAR, FAR), pair, strict=True)
            for process in range(8)
        ]  # fmt: skip
        return replace(full_run, samples=pd.DataFrame(table, columns=list(full_run.samples)))

    return make


TIMES = {
    ("max", "u1k1"): (20, 100), ("exp_sum", "u1k1"): (150, 165), ("exp_store", "u1k1"): (160, 260),
    ("exp_scale", "u1k1"): (170, 262.5), ("scale", "u1k1"): (20, 210),
    ("load", "u1k1"): (10, 110), ("load", "u4k1"): (10, 100), ("copy", "u1k1"): (20, 250),
    ("copy_nt", "u1k1"): (100, 200), ("update", "u1k1"): (20, 200), ("store", "u1k1"): (20, 180),
}  # fmt: skip


def test_each_pass_is_compared_with_the_fastest_loop_that_moves_the_same_data(with_passes):
    table = pass_limits(with_passes(TIMES), "avx2").set_index("pass")
    # copy_nt is faster, but fetches no line of Y: not the same traffic.
    assert table["loop"].to_dict() == {
        "max": "load u4k1", "exp_sum": "load u4k1", "exp_scale": "copy u1k1", "exp_store": "copy u1k1",
        "scale": "update u1k1",
    }  # fmt: skip
    over = table["over_memory_percent_median"]
    assert over.to_dict() == pytest.approx(
        {"max": 0, "exp_sum": 65, "exp_scale": 5, "exp_store": 4, "scale": 5}, abs=0.01
    )


def test_a_pass_that_computes_longer_than_memory_takes_is_called_compute_bound(with_passes):
    table = pass_limits(with_passes(TIMES), "avx2").set_index("pass")
    # Processes differ by 0, 0.1, ... 0.7 %; their median is half-way.
    assert table.loc["exp_sum", "computing_percent"] == pytest.approx(150, abs=1)
    found = slowest_pass(with_passes(TIMES), "avx2", None)
    assert found.value == pytest.approx(65, abs=0.01)
    assert "exp_sum 1.65 × load (computing alone 1.50 ×, compute-bound)" in found.detail
    assert "exp_scale 1.05 × copy (computing alone 0.68 ×)" in found.detail
    # Five intervals at once, each of the smallest and the largest of eight processes.
    assert found.confidence == pytest.approx(1 - 5 * 2**-7)


def test_without_a_length_in_cache_nothing_is_said_of_computing(with_passes):
    run = with_passes(TIMES)
    far = replace(run, samples=run.samples[run.samples["elements"] == FAR])
    assert "computing" not in slowest_pass(far, "avx2", None).detail


def test_only_lengths_beyond_every_cache_count(full_run):
    held = (32 + 1) * 2**20 / 4  # L2 and L3 in floats
    rows = pd.DataFrame({"elements": [held, held + 1, 1000]})
    assert out_of_cache(rows, full_run)["elements"].tolist() == [held + 1]
    with pytest.raises(MissingRows, match="no length was measured that is out of cache"):
        out_of_cache(rows.head(1), full_run)


def test_the_largest_speedup_has_an_interval_for_all_lengths_at_once(full_run):
    found = largest_speedup(full_run, "avx512f", None)
    rows = full_run.samples[full_run.samples["experiment"] == "algorithms"]
    lengths = {n for n in rows[rows["compiler"] == "gcc"]["elements"] if 4 * n > 33 * 2**20}
    assert f"the largest of {len(lengths)} out-of-cache lengths" in found.detail
    # Seven processes: 1 - 2^-6 for each length.
    assert found.confidence == pytest.approx(1 - len(lengths) * 2**-6)
    assert found.low <= found.value <= found.high


def test_results_that_are_not_finite_are_counted_over_all_isas(full_run):
    checks = [dict(check, not_finite=int(check["isa"] == "avx2")) for check in full_run.information["domain"]]
    run = replace(full_run, information={**full_run.information, "domain": checks})
    assert results_not_finite(run, None, "two-pass").value == 1
    assert results_not_finite(run, "avx512f", "two-pass").value == 0
    with pytest.raises(MissingRows, match="did not look at the domain"):
        results_not_finite(replace(run, information={**run.information, "domain": []}), None, "two-pass")


def test_floats_are_added_up_over_the_passes(full_run):
    found = floats_per_element(full_run, None, "three-pass-reload")
    assert (found.value, found.is_counted) == (5, True)
    assert found.detail.startswith("1 (max) + 2 (exp_store) + 2 (scale)")


def test_every_quantity_has_a_unit_and_a_missing_isa_is_told(full_run):
    assert QUANTITIES.keys() == UNITS.keys()
    run = replace(full_run, samples=full_run.samples[full_run.samples["isa"] != "avx2"])
    with pytest.raises(MissingRows, match="no rows of AVX2"):
        largest_speedup(run, "avx2", None)
    assert not np.isnan(largest_speedup(run, "avx512f", None).value)


def test_a_process_without_a_common_calm_round_still_counts(with_passes):
    run = with_passes(TIMES)
    samples = run.samples
    # In process 0 load and exp_sum were never calm in the same round.
    both = samples[(samples["process"] == 0) & samples["pass"].isin(["load", "exp_sum"])]
    second = both.assign(round=1, flags="")
    second.loc[second["pass"] == "load", "flags"] = "clock"
    first = samples["flags"].mask((samples["process"] == 0) & (samples["pass"] == "exp_sum"), "clock")
    mixed = pd.concat([samples.assign(flags=first), second], ignore_index=True)
    table = pass_limits(replace(run, samples=mixed), "avx2").set_index("pass")
    assert table.loc["exp_sum", "processes"] == 8
    assert table.loc["exp_sum", "over_memory_percent_median"] == pytest.approx(65, abs=0.01)
