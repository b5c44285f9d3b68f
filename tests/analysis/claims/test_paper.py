"""What claims are about, against answers derived by hand."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.claims.paper import (
    floats_per_element,
    largest_speedup,
    results_not_finite,
    slowest_pass,
)
from analysis.tables.pass_limits import pooled_limits
from harness.reading.evidence import Evidence
from harness.record.errors import MissingRows
from tests.planted import FAR, run_with_passes


def test_a_pass_that_computes_longer_than_memory_takes_is_called_compute_bound(full_run):
    table = pooled_limits(Evidence((run_with_passes(full_run),)), "avx2").set_index("pass")
    # Processes differ by 0, 0.1, ... 0.7 %; their median is half-way.
    assert table.loc["exp_sum", "computing_percent"] == pytest.approx(150, abs=1)
    found = slowest_pass(Evidence((run_with_passes(full_run),)), "avx2")
    assert found.value == pytest.approx(65, abs=0.01)
    assert "exp_sum 1.65 × load (computing alone 1.50 ×, compute-bound)" in found.detail
    assert "exp_scale 1.05 × copy (computing alone 0.68 ×)" in found.detail
    # Five intervals at once, each of the smallest and the largest of eight processes.
    assert found.confidence == pytest.approx(1 - 5 * 2**-7)


def test_without_a_length_in_cache_nothing_is_said_of_computing(full_run):
    run = run_with_passes(full_run)
    far = replace(run, samples=run.samples[run.samples["elements"] == FAR])
    assert "computing" not in slowest_pass(Evidence((far,)), "avx2").detail


def test_the_largest_speedup_has_an_interval_for_all_lengths_at_once(full_run):
    found = largest_speedup(Evidence((full_run,)), "avx512f")
    rows = full_run.samples[full_run.samples["experiment"] == "algorithms"]
    lengths = {n for n in rows[rows["compiler"] == "gcc"]["elements"] if 4 * n > 33 * 2**20}
    assert f"the largest of {len(lengths)} out-of-cache lengths" in found.detail
    # Seven processes: 1 - 2^-6 for each length.
    assert found.confidence == pytest.approx(1 - len(lengths) * 2**-6)
    assert found.low <= found.value <= found.high


def test_results_that_are_not_finite_are_counted_over_all_isas(full_run):
    checks = [dict(check, not_finite=int(check["isa"] == "avx2")) for check in full_run.domain]
    run = replace(full_run, domain=tuple(checks))
    assert results_not_finite(Evidence((run,)), None, "two-pass").value == 1
    assert results_not_finite(Evidence((run,)), "avx512f", "two-pass").value == 0
    with pytest.raises(MissingRows, match="did not look at the domain"):
        results_not_finite(Evidence((replace(run, domain=()),)), None, "two-pass")


def test_floats_are_added_up_over_the_passes(full_run):
    found = floats_per_element(Evidence((full_run,)), None, "three-pass-reload")
    assert (found.value, found.is_counted) == (5, True)
    assert found.detail.startswith("1 (max) + 2 (exp_store) + 2 (scale)")


def test_a_missing_isa_is_told(full_run):
    run = replace(full_run, samples=full_run.samples[full_run.samples["isa"] != "avx2"])
    with pytest.raises(MissingRows, match="no round of AVX2 has both"):
        largest_speedup(Evidence((run,)), "avx2")
    assert not np.isnan(largest_speedup(Evidence((run,)), "avx512f").value)
