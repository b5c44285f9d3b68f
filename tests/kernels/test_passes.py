"""The passes against high precision: every variant, length, tail and alignment, and inputs made to break them."""

import ctypes
import faulthandler
import functools
import mmap
import os
import resource
import signal

import mpmath
import numpy as np
import pytest

from harness.experiments.base import Roster
from harness.machine.detection import available_memory_bytes
from harness.native import build, verification
from harness.native.softmax import run_passes, softmax
from harness.record.isa import ISAS
from tests.conftest import COMPILERS, EMULATED, SETTINGS, algorithm, kernels_of, variants

ALGORITHMS = tuple(SETTINGS["algorithms"])
PASSES = tuple(dict.fromkeys(name for names in SETTINGS["algorithms"].values() for name in names))
PASSES_OF = SETTINGS["algorithms"]
BY_BLOCKS = [
    name for name in ALGORITHMS if not any(its == "max" or its.startswith("ext_sum") for its in PASSES_OF[name])
]
BLOCK = verification.constant("kernel.h", "BLOCK_ELEMENTS")
REDUCTIONS = ("exp_sum", "exp_store", "ext_sum", "block_sum", "block_store", "held_sum")
REDUCTIONS += tuple(f"{name}_{form}" for form in build.FORMS for name in REDUCTIONS[:3])
TOLERANCE = 3e-6
SMALLEST = 2.0**-125
EVERYWHERE = [(compiler, isa) for compiler in SETTINGS["compilers"] for isa in ISAS]


def test_the_rows_say_what_each_pass_is():
    rows = kernels_of(COMPILERS[0], "scalar")
    ours = {k.name: k.form_of for k in rows if k.computes and not k.twin_of}
    assert {name for name, form_of in ours.items() if not form_of or name in PASSES} == set(PASSES)
    plain = {k.name for k in rows if k.takes_exp and not k.twin_of and not k.form_of}
    assert plain - {"block_sum", "held_sum", "block_store"} == set(filter(None, ours.values()))
    assert {k.origin for k in rows if k.form_of} == {"later"}
    assert all((k.domain > 0) == k.computes for k in rows)
    assert all((k.origin == "ours") != k.computes for k in rows)
    assert {k.origin for k in rows} == {"paper", "later", "ours"}
    own = {(k.name, k.variant, k.needs, k.gives) for k in rows}
    assert {(k.twin_of, k.variant, k.needs, k.gives) for k in rows if k.twin_of} <= own


def in_extended_range(name):
    """Whether an algorithm looks for no maximum, and so rounds no difference to it."""
    return any(its.startswith("ext_sum") for its in SETTINGS["algorithms"][name])


def reference(x):
    """Softmax in 80-bit precision, of a row or of several."""
    wide = x.astype(np.longdouble)
    e = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_the_reference_itself_holds_against_50_digits(generator):
    x = generator.uniform(-30, 0, 100).astype(np.float32)
    with mpmath.workdps(50):
        terms = [mpmath.exp(mpmath.mpf(float(value))) for value in x]
        total = mpmath.fsum(terms)
        errors = [abs(mpmath.mpf(str(y)) * total / term - 1) for y, term in zip(reference(x), terms, strict=True)]
    assert max(errors) < 1e-16


def assert_accurate(y, expected, x, name):
    """Every y that is not tiny is within the stated error."""
    allowed = np.full(len(x), TOLERANCE)
    if not in_extended_range(name):
        allowed += np.abs(x.astype(np.float64) - x.max()) * 2.0**-24
    if name == "unified-max":  # what y and the sum refer to may be 16 below the largest
        allowed += 2 * 16 * 2.0**-24
    seen = expected >= SMALLEST
    error = np.abs(y[seen] - expected[seen]) / expected[seen]
    worst = (error - allowed[seen]).argmax()
    assert (error <= allowed[seen]).all(), f"x = {x[seen][worst]}: relative error {error[worst]:.2e}"
    assert np.abs(y[~seen]).max(initial=0) <= 2 * SMALLEST


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize(("compiler", "isa"), EVERYWHERE)
def test_every_length_and_tail_is_accurate(host, generator, compiler, isa, name):
    passes = algorithm(compiler, isa, name)
    for n in (*range(1, 300), 1000, 4096, 10_007, 100_003):
        x = generator.uniform(-1000, 1000, n).astype(np.float32)
        assert_accurate(softmax(host, passes, x), reference(x), x, name)


DISTRIBUTIONS = {
    "narrow": lambda g, n: g.uniform(-10, 10, n),
    "normal": lambda g, n: g.normal(size=n),
    "constant": lambda g, n: np.full(n, 0.1),
    "constant at the edge": lambda g, n: np.full(n, -1000.0),
    "one large among many small": lambda g, n: np.where(np.arange(n) == n // 2, 1000.0, -1000.0 + g.uniform(0, 1, n)),
    "ascending": lambda g, n: np.linspace(-1000, 1000, n),
    "descending": lambda g, n: np.linspace(1000, -1000, n),
    "zeros of both signs": lambda g, n: np.where(np.arange(n) % 2, 0.0, -0.0),
    "denormal": lambda g, n: np.full(n, 1e-40),
    "edge of the domain": lambda g, n: g.uniform(99_990, 100_000, n),
    "other edge of the domain": lambda g, n: -g.uniform(99_990, 100_000, n),
    "both edges": lambda g, n: np.where(np.arange(n) % 2, 1e5, -1e5),
}


@functools.cache
def distributed(distribution, edge):
    """An input of a distribution, up to this edge of a domain, and its softmax."""
    its = DISTRIBUTIONS[distribution](np.random.default_rng(20200113), 200_001)
    x = (its * (edge / 1e5)).astype(np.float32)
    return x, reference(x)


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_distribution_is_accurate(host, isa, name, distribution):
    passes = algorithm(COMPILERS[0], isa, name)
    x, expected = distributed(distribution, min(kernel.domain for kernel in passes))
    assert_accurate(softmax(host, passes, x), expected, x, name)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("pass_name", PASSES)
def test_every_variant_of_a_pass_gives_what_the_pass_says(host, generator, isa, pass_name):
    kernels = variants(COMPILERS[0], isa, pass_name)
    those = kernels[0]
    shapes = (12, 19) if those.origin == "paper" else (5, 5)
    assert len(kernels) == shapes[0 if those.completes else 1]
    name = next(name for name, passes in SETTINGS["algorithms"].items() if pass_name in passes)
    passes = algorithm(COMPILERS[0], isa, name)
    place = SETTINGS["algorithms"][name].index(pass_name)
    for n in (1, 100, 193 * kernels[0].lanes + 5):
        x = generator.uniform(-1000, 1000, n).astype(np.float32)
        for kernel in kernels:
            y = softmax(host, [*passes[:place], kernel, *passes[place + 1 :]], x)
            assert_accurate(y, reference(x), x, name)


@pytest.mark.parametrize("isa", [*ISAS, EMULATED])
def test_another_form_of_a_pass_gives_what_the_plain_one_gives_and_by_prefetches_the_same_bits(host, generator, isa):
    x = generator.uniform(-40, 0, 1003).astype(np.float32)
    roster = Roster(SETTINGS, kernels_of(COMPILERS[0], isa))
    for kernel in (its for its in roster.kernels if its.form_of):
        before, found = roster.before(kernel.form_of), []
        for its in (kernel, *(k for k in variants(COMPILERS[0], isa, kernel.form_of) if k.variant == kernel.variant)):
            y = np.ones_like(x)
            carry = run_passes(host, [*before, its], x, y)
            found.append((carry[0] * 2.0 ** (carry[1] if its.name.startswith("ext_sum") else 0), y))
        (total, y), (expected, other) = found
        assert total == pytest.approx(expected, rel=1e-6), kernel.variant
        np.testing.assert_allclose(y, other, rtol=5e-7, err_msg=kernel.variant)
        if kernel.name.endswith("_prefetch"):
            assert (total, y.tobytes()) == (expected, other.tobytes()), kernel.variant


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("pass_name", REDUCTIONS)
def test_no_order_of_terms_defeats_a_sum(host, isa, pass_name):
    """Terms that are too small to change the accumulator that already holds a large one: each is lost, and nothing but
    the fold bounds how many. The pattern meets every accumulator of each variant with the large term first."""
    low = np.float32(-16.64)  # exp is 0.995 times 2^-24, just below half an ulp of 1
    for kernel in variants(COMPILERS[0], isa, pass_name):
        for period in (1, 4, 8, 12, 20, 24, 32, 64):
            vector = np.arange(period * kernel.unroll * kernel.lanes) // kernel.lanes
            group, iteration = vector % kernel.unroll, vector // kernel.unroll
            pattern = np.where((iteration == 0) & (group < kernel.accumulators), np.float32(0), low)
            x = np.resize(pattern.astype(np.float32), 40_000 * kernel.lanes)
            before = variants(COMPILERS[0], isa, "max")[:1] if kernel.needs else []
            total, exponent = run_passes(host, [*before, kernel], x, np.empty_like(x))
            if pass_name.startswith("ext"):
                total *= 2.0**exponent
            large = len(x) - np.count_nonzero(x)
            expected = large + (len(x) - large) * np.exp(np.float64(low))
            assert abs(total / expected - 1) < 2.5e-6, (kernel.variant, period)


@pytest.fixture(scope="module")
def slowly_rising():
    """An input whose every block lies a little above the one before, and its softmax."""
    x = np.linspace(0, 0.05, 1 << 22).astype(np.float32)
    return x, reference(x).astype(np.float64)


@pytest.mark.parametrize("name", BY_BLOCKS)
@pytest.mark.parametrize("isa", ISAS)
def test_a_sum_that_is_rescaled_at_every_block_keeps_its_digits(host, slowly_rising, isa, name):
    """By a factor of which a float knows too little: what is lost is lost 2,000 times, to one side."""
    x, expected = slowly_rising
    assert_accurate(softmax(host, algorithm(COMPILERS[0], isa, name), x), expected, x, name)


@pytest.mark.parametrize("name", BY_BLOCKS)
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("step", (0, 15.9, 16.1, 80, 200, -15.9, -200))
def test_blocks_that_lie_above_those_before_are_accurate(host, generator, isa, name, step):
    for n in (BLOCK + 1, 2 * BLOCK, 3 * BLOCK - 1, 5 * BLOCK + 7):
        x = (np.arange(n) // BLOCK * step + generator.uniform(-3, 0, n)).astype(np.float32)
        assert_accurate(softmax(host, algorithm(COMPILERS[0], isa, name), x), reference(x), x, name)


@pytest.mark.parametrize("isa", ISAS)
def test_the_longest_constant_vector_is_summed_accurately(host, isa):
    n = 300_000_000
    if available_memory_bytes() < 3 * 4 * n:
        pytest.skip("less than 3.6 GB of memory are available")
    x = np.empty(n, np.float32)
    for name in ALGORITHMS:
        if not name.endswith(("-nt", "-table", "-prefetch")):  # these change no sum
            x.fill(0.1)
            *summing, _ = algorithm(COMPILERS[0], isa, name)
            total, exponent = run_passes(host, summing, x, x)
            if in_extended_range(name):
                total *= 2.0**exponent / np.exp(np.float64(np.float32(0.1)))
            assert abs(total / n - 1) < TOLERANCE, name


@pytest.mark.parametrize("isa", ISAS)
def test_a_long_vector_of_few_values_is_accurate(host, isa):
    n = 1 << 25
    x = np.tile(np.float32([0, -3.3, -7.7, -11.1]), n // 4)
    expected = np.exp(x[:4].astype(np.float64))
    expected /= expected.sum() * (n // 4)
    for name in ALGORITHMS:
        y = softmax(host, algorithm(COMPILERS[0], isa, name), x)
        assert_accurate(y[-4:], expected, x[:4], name)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("other", ("clang", "zig"))
def test_every_compiler_gives_the_same_bits(host, generator, isa, other):
    ours, theirs = (kernels_of(compiler, isa) for compiler in ("gcc", other))
    assert [(k.name, k.variant) for k in ours] == [(k.name, k.variant) for k in theirs]
    roster = Roster(SETTINGS, ours)
    for n in (37, 5003):
        x = generator.uniform(-1000, 1000, n).astype(np.float32)
        # Results that are not flushed, sums of terms that round.
        x[::3] = generator.uniform(990, 1000, len(x[::3]))
        for a, b in zip(ours, theirs, strict=True):
            first, results = roster.before(a.twin_of or a.form_of or a.name), []
            for kernel in (a, b):
                y = np.ones_like(x)
                results.append((run_passes(host, [*first, kernel], x, y), y.tobytes()))
            assert results[0] == results[1], (a.name, a.variant)


def guarded(n):
    """Two float32 vectors of n elements: one ends where a forbidden page begins, one begins where one ends."""
    page = mmap.PAGESIZE
    size = -(-n * 4 // page) * page
    area = mmap.mmap(-1, size + 2 * page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    protect = ctypes.CDLL(None).mprotect
    for at in (address, address + page + size):
        assert protect(ctypes.c_void_p(at), page, 0) == 0
    inside = np.frombuffer(area, np.float32, size // 4, page)
    return inside[len(inside) - n :], inside[:n]


@pytest.mark.parametrize(("compiler", "isa"), EVERYWHERE)
def test_no_kernel_reads_or_writes_outside(host, generator, compiler, isa):
    for kernel in kernels_of(compiler, isa):
        lanes = kernel.lanes
        for n in (1, 2, lanes - 1 or 1, lanes, lanes + 1, kernel.unroll * lanes * 2 + lanes + 3):
            for x, y in zip(guarded(n), guarded(n), strict=True):
                x[:] = generator.uniform(-10, 10, n)
                y[:] = 1
                run_passes(host, [kernel], x, y)


@pytest.mark.parametrize(("compiler", "isa"), EVERYWHERE)
def test_any_alignment_gives_the_same_bits_and_leaves_the_neighbours(host, generator, compiler, isa):
    for name in ALGORITHMS:
        passes = algorithm(compiler, isa, name)
        x = generator.uniform(-10, 10, 517).astype(np.float32)
        expected = softmax(host, passes, x)
        for offset in range(1, 17):
            source, target = np.zeros(600, np.float32), np.full(600, np.float32(7))
            source[offset : offset + 517] = x
            shift = 17 - offset
            run_passes(host, passes, source[offset : offset + 517], target[shift : shift + 517])
            assert (target[shift : shift + 517] == expected).all()
            assert (np.delete(target, np.s_[shift : shift + 517]) == 7).all()


@pytest.mark.parametrize(("compiler", "isa"), EVERYWHERE)
@pytest.mark.parametrize("pass_name", ("copy", "copy_nt", "update", "store"))
def test_bandwidth_loops_touch_every_element_once(host, generator, compiler, isa, pass_name):
    for kernel in variants(compiler, isa, pass_name):
        for n in (1, 33, 1500, 4096, 10_001):
            x = generator.uniform(-10, 10, n + 3).astype(np.float32)[3:]
            # Denormals are flushed, so that it shows what was updated.
            before = np.float32(1e-40 if pass_name == "update" else 7)
            y = np.full(n + 5, before)
            run_passes(host, [kernel], x, y[2 : n + 2])
            expected = {"update": np.zeros(n), "store": np.ones(n)}.get(pass_name, x)
            assert (y[2 : n + 2] == expected).all(), (kernel.variant, n)
            assert (y[[0, 1, -3, -2, -1]] == before).all()


@pytest.mark.parametrize(("compiler", "isa"), EVERYWHERE)
def test_the_loop_that_loads_reads_every_page(host, compiler, isa):
    pages, n = 12, 12 * 1024
    libc, memory = ctypes.CDLL(None, use_errno=True), mmap.mmap(-1, pages * mmap.PAGESIZE)
    x = np.frombuffer(memory, np.float32)[:n]

    def ends_by(kernel, page):
        """The signal that ends the loop where a page may not be read; 0 without one."""
        if child := os.fork():
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        try:
            faulthandler.disable()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if page is not None:
                libc.mprotect(ctypes.c_void_p(x.ctypes.data + page * mmap.PAGESIZE), mmap.PAGESIZE, 0)
            run_passes(host, [kernel], x, x)
            os._exit(0)
        finally:
            os._exit(1)

    for kernel in variants(compiler, isa, "load"):
        assert ends_by(kernel, None) == 0
        assert {ends_by(kernel, page) for page in range(pages)} == {-signal.SIGSEGV}, kernel.variant


@pytest.mark.parametrize("isa", ISAS)
def test_inputs_far_outside_the_domain_do_no_harm(host, generator, isa):
    for kernel in kernels_of(COMPILERS[0], isa):
        for scale in (1e6, 1e30, 3e38):
            for x, y in zip(guarded(333), guarded(333), strict=True):
                x[:] = generator.uniform(-1, 1, 333) * scale
                run_passes(host, [kernel], x, y)
