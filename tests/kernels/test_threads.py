"""Several threads: what parts find becomes what the whole would have found, and each thread does its share."""

import os

import mpmath
import numpy as np
import pytest

from harness.native.softmax import pointer, run_passes
from tests.conftest import COMPILERS, SETTINGS, algorithm, variants
from tests.kernels.test_passes import BY_BLOCKS


def combined(host, how, parts):
    carries = host.ffi.new("struct carry[]", [{"sum": s, "reference": r} for s, r in parts])
    total = host.ffi.new("struct carry *")
    host.lib.combine(getattr(host.lib, f"COMBINE_{how}"), total, carries, len(parts))
    return total.sum, total.reference


def test_parts_of_a_maximum_and_of_a_sum_combine(host):
    assert combined(host, "MAX", [(0, -3), (0, 7), (0, 2)])[1] == 7
    assert combined(host, "SUM", [(1.5, 7), (2.25, 7), (0.25, 7)]) == (4.0, 7)


@pytest.mark.parametrize("how", ("SUM", "BLOCKS"))
def test_sums_that_refer_to_different_maxima_combine(host, how):
    total, reference = combined(host, how, [(1.5, 7), (2.0, 9), (3.0, -4e4)])
    assert reference == 9
    assert total == pytest.approx(2 + 1.5 * np.exp(-2), rel=1e-15)


@pytest.mark.parametrize("spread", [0, 5, 60, 300_000])
def test_sums_in_extended_range_combine_as_exactly_as_a_double_can(host, generator, spread):
    parts = [
        (float(generator.uniform(1, 1000)), float(generator.integers(-spread // 2, spread // 2 + 1))) for _ in range(9)
    ]
    total, reference = combined(host, "EXTENDED", parts)
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
    whole = np.empty_like(x)
    run_passes(host, passes, x, whole)
    cut, cpus, before = elements // 2 // 16 * 16, two_cpus(), os.sched_getaffinity(0)

    parts = np.zeros((2, elements), np.float32)
    pointers = {"x": pointer(host, x), "outputs": pointer(host, parts[0])}
    operands = host.ffi.new("struct operands *", {**pointers, "output_stride": elements, "output_count": 2})
    shares = host.ffi.new("struct share[]", [(operands, 0, cut, cpus[0]), (operands, cut, elements - cut, cpus[1])])
    team, nanoseconds = host.ffi.new("struct team *", (shares, 2, True)), host.ffi.new("int64_t *")
    ready = host.algorithm(passes, carry=host.carry(cut, elements - cut))
    try:
        assert host.lib.time_threads(ready, team, host.repetition("paper", 3), nanoseconds) == 0
    finally:
        os.sched_setaffinity(0, before)
    assert nanoseconds[0] > 0
    assert operands.next_output == 1, "both threads wrote to one output after the other"
    assert host.lib.time_threads(ready, team, host.repetition("reused", 3), nanoseconds) == 0
    assert operands.next_output == 1, "the output stays"
    # The sums are added in another order: one rounding of a double, then the same float operations. But blocks that
    # begin elsewhere refer to another x, and the difference to it is rounded.
    for written in parts:
        np.testing.assert_allclose(written, whole, rtol=1e-5 if name in BY_BLOCKS else 2e-7, atol=1e-38)


def test_a_processor_that_does_not_exist_is_an_error_and_nothing_hangs(host):
    (kernel,) = variants(COMPILERS[0], "scalar", "load")[:1]
    x = np.zeros(64, np.float32)
    operands = host.ffi.new("struct operands *", {"x": pointer(host, x), "output_count": 1})
    cpu = min(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    shares = host.ffi.new("struct share[]", [(operands, 0, 64, cpu), (operands, 0, 64, 1000)])
    team, nanoseconds = host.ffi.new("struct team *", (shares, 2, False)), host.ffi.new("int64_t *")
    try:
        assert host.lib.time_threads(host.algorithm([kernel]), team, host.repetition("warm", 1), nanoseconds)
    finally:
        os.sched_setaffinity(0, before)
