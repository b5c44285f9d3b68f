"""What is said of accuracy, against what is known of it."""

import numpy as np
import pytest

from harness.experiments.base import Roster
from harness.native.softmax import pointer
from harness.run import accuracy
from tests.conftest import COMPILERS, SETTINGS, kernels_of


def test_references_are_right_to_80_bits(host, generator):
    x = generator.uniform(-50, 50, 5000).astype(np.float32)
    terms = np.empty(len(x), np.longdouble)
    total = host.lib.reference_terms(pointer(host, x), len(x), host.ffi.cast("long double *", terms.ctypes.data))
    wide = np.exp(x.astype(np.longdouble) - x.max())
    np.testing.assert_allclose(terms, wide, rtol=1e-18)
    assert float(total) == pytest.approx(float(wide.sum()), rel=1e-15)


def test_a_sum_that_plain_additions_would_lose_is_kept(host):
    x = np.full(1 << 20, -40.0, np.float32)
    x[0] = 0.0
    terms = np.empty(len(x), np.longdouble)
    wide = host.ffi.cast("long double *", terms.ctypes.data)
    total = float(host.lib.reference_terms(pointer(host, x), len(x), wide)) - 1
    assert total == pytest.approx((len(x) - 1) * float(np.exp(np.longdouble(-40))), rel=1e-3)


def error_of(host, y, expected):
    terms = np.asarray(expected, np.longdouble)
    wide = host.ffi.cast("long double *", terms.ctypes.data)
    return host.lib.softmax_error(pointer(host, np.asarray(y, np.float32)), wide, 1.0, len(terms))


def test_errors_are_relative_and_those_of_tiny_values_do_not_count(host):
    found = error_of(host, [0.5, 0.25 * 1.5, 0.0], [0.5, 0.25, 1e-40])
    assert found.largest == pytest.approx(0.5)
    assert found.rms == pytest.approx(0.5 / 2**0.5)
    assert found.sum == pytest.approx(-0.125)
    assert found.not_finite == 0
    assert error_of(host, [0.5, 0.5, 1e-37], [0.5, 0.5, 1e-40]).largest > 1, "what should be flushed and is not"
    for wrong in ([np.nan, 0.5], [0.5, np.inf], [np.nan, np.nan]):
        found = error_of(host, wrong, [0.5, 0.5])
        assert found.not_finite == np.count_nonzero(~np.isfinite(wrong))
        assert found.largest == abs(found.sum) == host.lib.LARGEST_ERROR


def test_every_float_is_counted_once_in_the_histogram(host):
    kernel = next(k for k in kernels_of(COMPILERS[0], "avx2") if k.name == "exp_store")
    found = accuracy.exp_errors(host, "avx2", kernel, lowest=-1e-37)
    # As many floats lie in [-1e-37, -0] as there are bit patterns.
    assert sum(found["counts"]) == int(np.float32(1e-37).view(np.uint32)) + 1
    assert found["largest_ulps"] <= 0.5  # exp is 1 there
    assert found["counts"][0] == sum(found["counts"])


@pytest.fixture(scope="module")
def rows(host):
    rosters = {isa: Roster(SETTINGS, kernels_of(COMPILERS[0], isa)) for isa in ("scalar", "avx2")}
    found = list(accuracy.check(host, rosters, [1000, 300_000]))
    # What came after the paper has no sums as published.
    ways = len(SETTINGS["algorithms"]) + 3
    assert {accuracy.softmaxes(roster) for roster in rosters.values()} == {ways}
    assert len(found) == 2 * len(accuracy.DISTRIBUTIONS) * 2 * ways
    assert len({row["algorithm"] for row in found if row["accumulation"] == "lanes"}) == 3
    return found


def test_ours_is_accurate_on_every_distribution(rows):
    for row in rows:
        if row["accumulation"] == "folded" and row["distribution"] != "edge of the domain":
            # Three-Pass rounds x - max, up to 2000.
            allowed = 3e-6 if row["algorithm"].startswith("two-pass") else 3e-6 + 2000 * 2**-24
            assert row["largest_relative_error"] <= allowed, row
            assert row["order_violations"] == (None if row["algorithm"] == "block-reload" else 0), row
        assert row["not_finite"] == 0


def test_lanes_lose_digits_of_a_long_sum_of_equal_terms(rows):
    def error(accumulation):
        return max(
            row["largest_relative_error"]
            for row in rows
            if (row["algorithm"], row["accumulation"], row["distribution"], row["elements"], row["isa"])
            == ("two-pass", accumulation, "constant", 300_000, "scalar")
        )

    assert error("lanes") > 5 * error("folded")


def test_a_shift_changes_little_and_leaves_the_domain_only_unasked(rows):
    for row in rows:
        if row["distribution"] == "edge of the domain":
            assert row["shift_difference"] is None
        elif row["algorithm"] == "two-pass" and row["accumulation"] == "folded":
            assert row["shift_difference"] < 1e-5
