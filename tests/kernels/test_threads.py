"""Several threads: what parts find becomes what the whole would have found, and each thread does its share."""

import os

import mpmath
import numpy as np
import pytest

from harness.native.softmax import run_passes
from tests.conftest import COMPILERS, SETTINGS, algorithm, variants

NONE, MAX, SUM, EXTENDED = range(4)


def combined(host, how, parts):
    carries = host.ffi.new("struct carry[]", [{"sum": s, "reference": r} for s, r in parts])
    total = host.ffi.new("struct carry *")
    host.lib.combine(how, total, carries, len(parts))
    return total.sum, total.reference


def test_parts_of_a_maximum_and_of_a_sum_combine(host):
    assert combined(host, MAX, [(0, -3), (0, 7), (0, 2)])[1] == 7
    assert combined(host, SUM, [(1.5, 7), (2.25, 7), (0.25, 7)]) == (4.0, 7)


@pytest.mark.parametrize("spread", [0, 5, 60, 300_000])
def test_sums_in_extended_range_combine_as_exactly_as_a_double_can(host, generator, spread):
    parts = [
        (float(generator.uniform(1, 1000)), float(generator.integers(-spread // 2, spread // 2 + 1))) for _ in range(9)
    ]
    total, reference = combined(host, EXTENDED, parts)
    assert reference == max(r for _, r in parts)
    with mpmath.workprec(200):
        exact = mpmath.fsum(mpmath.ldexp(mpmath.mpf(s), int(r - reference)) for s, r in parts)
        assert abs(total / exact - 1) <= 9 * mpmath.mpf(2) ** -53


def two_cpus():
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        pytest.skip("only one processor may be used")
    return allowed[:2]


@pytest.mark.parametrize("name", SETTINGS["algorithms"])
@pytest.mark.parametrize("elements", [100, 21_841, 100_003])
def test_two_threads_on_parts_of_a_vector_give_its_softmax(host, generator, name, elements):
    passes = algorithm(COMPILERS[0], "scalar", name)
    x = generator.uniform(-1000, 1000, elements).astype(np.float32)
    whole, parts = np.empty_like(x), np.empty_like(x)
    run_passes(host, passes, x, whole)
    cut, cpus, before = elements // 2 // 16 * 16, two_cpus(), os.sched_getaffinity(0)

    def share(start, end, cpu):
        pointers = {
            "x": host.ffi.cast("float *", x.ctypes.data) + start,
            "outputs": host.ffi.cast("float *", parts.ctypes.data) + start,
        }
        return {"operands": {**pointers, "output_stride": 0, "output_count": 1}, "n": end - start, "cpu": cpu}

    shares = host.ffi.new("struct share[]", [share(0, cut, cpus[0]), share(cut, elements, cpus[1])])
    nanoseconds = host.ffi.new("int64_t *")
    arguments = (host.passes(passes), len(passes), host.ffi.new("struct carry *"), shares, 2, 1, 3, 1, nanoseconds)
    try:
        assert host.lib.time_threads(*arguments) == 0
    finally:
        os.sched_setaffinity(0, before)
    assert nanoseconds[0] > 0
    # The sums are added in another order: one rounding of a double, then the same float operations.
    np.testing.assert_allclose(parts, whole, rtol=2e-7, atol=1e-38)


def test_a_processor_that_does_not_exist_is_an_error_and_nothing_hangs(host):
    (kernel,) = variants(COMPILERS[0], "scalar", "load")[:1]
    x = np.zeros(64, np.float32)
    operands = {"x": host.ffi.cast("float *", x.ctypes.data), "outputs": host.ffi.NULL, "output_count": 1}
    cpu = min(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    shares = host.ffi.new("struct share[]", [{"operands": operands, "n": 64, "cpu": c} for c in (cpu, 1000)])
    nanoseconds = host.ffi.new("int64_t *")
    try:
        assert host.lib.time_threads(
            host.passes([kernel]), 1, host.ffi.new("struct carry *"), shares, 2, 0, 1, 0, nanoseconds
        )
    finally:
        os.sched_setaffinity(0, before)
