"""The domain that kernels state is looked at in every run."""

import numpy as np
import pytest

from harness.experiments.base import Roster
from harness.run import domain
from tests.conftest import COMPILERS, SETTINGS, kernels_of


@pytest.mark.parametrize("isa", ["scalar", "avx2", "avx512f"])
def test_no_algorithm_overflows_anywhere_in_its_domain(host, isa):
    found = domain.check(host, {(COMPILERS[0], isa): Roster(SETTINGS, kernels_of(COMPILERS[0], isa))})
    assert [check["algorithm"] for check in found] == list(SETTINGS["algorithms"])
    for check in found:
        assert check["largest_magnitude"] == 100_000
        assert check["results"] == 6 * domain.ELEMENTS
        assert check["not_finite"] == 0
        # Three-Pass rounds x - max, up to 2e5: 2^-24 of that is 1.2 % of a result.
        assert check["largest_sum_error"] < (1e-5 if check["algorithm"] == "two-pass" else 0.02)


def test_results_that_are_not_finite_are_counted(host, monkeypatch):
    broken = np.array([1.0, np.nan, np.inf], np.float32)
    monkeypatch.setattr(domain, "results_of", lambda *_: broken)
    for check in domain.check(host, {(COMPILERS[0], "scalar"): Roster(SETTINGS, kernels_of(COMPILERS[0], "scalar"))}):
        assert check["not_finite"] == 12
        assert check["largest_sum_error"] is None


def test_the_inputs_reach_both_ends_and_stay_inside():
    vectors = list(domain.vectors(1e5))
    assert max(float(x.max()) for x in vectors) == 1e5
    assert min(float(x.min()) for x in vectors) == -1e5
    assert all(x.dtype == np.float32 and len(x) == domain.ELEMENTS for x in vectors)
