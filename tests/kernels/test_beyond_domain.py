"""Beyond the domain a result is right or NaN: masks, whole rows far away, infinities, in every ISA and algorithm.

What stands below is what README and passes.h say.
"""

import ctypes
import re
import subprocess

import numpy as np
import pytest

from harness.native import build
from harness.native.softmax import run_passes
from harness.record.files import ROOT
from harness.record.isa import ISAS
from tests.conftest import COMPILERS, EMULATED, SETTINGS, algorithm, kernels_of, variants
from tests.kernels.test_passes import ALGORITHMS, BLOCK, BY_BLOCKS, REDUCTIONS, TOLERANCE, in_extended_range, reference
from tests.kernels.test_threads import combined

LARGEST = float(np.finfo(np.float32).max)
MASKS = (-1e4, -1e5, -1e6, -1e7, -1e8, -1e9, -LARGEST, -np.inf)
PLACES = [*((compiler, isa) for compiler in SETTINGS["compilers"] for isa in ISAS), (COMPILERS[0], EMULATED)]


def farthest(name, isa):
    """The largest |x| that Two-Pass can count the exponent of."""
    table = any(its.endswith("_table") for its in SETTINGS["algorithms"][name])
    return 2 ** (21 if not table else 17 if "avx512f" in isa else 18) * np.log(2)


def masked_is_right(isa, mask):
    """Whether masked elements are 0 and the others right; else every result is NaN."""
    return "avx512f" in isa or mask >= -1e9


def fully_masked_is_right(name, isa, mask):
    """Whether a row of nothing but this has 1/n everywhere; else every result is NaN."""
    return np.isfinite(mask) and (not in_extended_range(name) or abs(mask) < farthest(name, isa))


def result(host, passes, x):
    y = np.full_like(x, 7)
    run_passes(host, passes, x, y)
    return y


def assert_right(y, x):
    """Every y of a row, or of several, is right, exactly 0 where it is below float32's normal numbers."""
    expected = reference(x).astype(np.float64)
    normal = expected >= 2.0**-125
    np.testing.assert_allclose(y[normal], expected[normal], rtol=TOLERANCE)
    assert np.abs(y[~normal]).max(initial=0) <= 2.0**-124


def assert_right_or_nan(y, x):
    if not np.isnan(y).all():
        assert_right(y, x)


def rows(generator, mask, n):
    """Rows of n elements with some masked: by value or by addition, few or all but one, first or last."""
    x = generator.normal(size=n).astype(np.float32)
    for masked in (np.arange(n) % 2 == 1, np.arange(n) > 0, np.arange(n) < n - 1, np.arange(n) == n // 2):
        yield np.where(masked, np.float32(mask), x), masked
        yield np.where(masked, x + np.float32(mask), x), masked


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize(("compiler", "isa"), PLACES)
@pytest.mark.parametrize("mask", MASKS)
def test_masked_elements_are_0_or_the_row_is_nan(host, generator, compiler, isa, name, mask):
    passes = algorithm(compiler, isa, name)
    for n in (2, 3, 17, 100, 1000):
        for x, masked in rows(generator, mask, n):
            y = result(host, passes, x)
            if masked_is_right(isa, mask):
                assert (y[masked] == 0).all()
                assert_right(y, x)
            else:
                assert np.isnan(y).all()


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize(("compiler", "isa"), PLACES)
@pytest.mark.parametrize("mask", MASKS)
def test_a_fully_masked_row_is_even_or_nan(host, compiler, isa, name, mask):
    passes = algorithm(compiler, isa, name)
    for n in (1, 5, 16, 33, 700):
        y = result(host, passes, np.full(n, mask, np.float32))
        if fully_masked_is_right(name, isa, mask):
            np.testing.assert_allclose(y, 1 / n, rtol=TOLERANCE)
        else:
            assert np.isnan(y).all()


@pytest.mark.parametrize("isa", [*ISAS, EMULATED])
@pytest.mark.parametrize("mask", (-1e7, -1e9, -1e30, -LARGEST, -np.inf))
def test_no_variant_makes_up_a_result(host, generator, isa, mask):
    """[0, -1e7, 1] gave 1 for the masked element: the bits of its exponent wrapped."""
    compiler = COMPILERS[0]
    x = np.tile(np.float32([0, mask, 1]), 130)
    for name in ALGORITHMS:
        passes = algorithm(compiler, isa, name)
        for place, pass_name in enumerate(SETTINGS["algorithms"][name]):
            for kernel in variants(compiler, isa, pass_name):
                y = result(host, [*passes[:place], kernel, *passes[place + 1 :]], x)
                assert_right_or_nan(y, x)
                assert np.isnan(y).all() or mask != -1e30


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("isa", [*ISAS, EMULATED])
def test_any_magnitude_is_right_or_nan(host, generator, isa, name):
    """Rows around any float32 of either sign, and rows with a mask that far below: never plausible and wrong."""
    passes = algorithm(COMPILERS[0], isa, name)
    sizes = np.geomspace(1e4, LARGEST, 400), generator.uniform(8e6, 1.8e7, 100), generator.uniform(1e5, 3e6, 100)
    magnitude = np.concatenate([*sizes, [LARGEST]])
    at = np.float32([-magnitude, magnitude])[..., None]
    noise = generator.normal(size=(2, *at.shape[:-1], 37)).astype(np.float32)
    far = np.where(np.arange(37) % 3 == 1, at, noise[1])
    with np.errstate(over="ignore"):
        x = np.clip([at + noise[0], far], -LARGEST, LARGEST)
    x, magnitude = x.reshape(-1, 37), np.tile(magnitude, 4)
    y = np.array([result(host, passes, row) for row in x])
    told = ~np.isnan(y).all(axis=1)
    assert_right(y[told], x[told])
    if in_extended_range(name):
        beyond = np.abs(x.max(axis=1)) > farthest(name, isa) + 1
        assert not told[beyond].any(), "no exponent counts that far"
        assert told[~beyond & (magnitude < farthest(name, isa) - 100)].all()
    else:
        assert told[magnitude < 1e9].all()


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("isa", [*ISAS, EMULATED])
@pytest.mark.parametrize("poison", (np.nan, -np.nan, np.inf))
def test_nan_or_infinity_anywhere_makes_every_result_nan(host, generator, isa, name, poison):
    passes = algorithm(COMPILERS[0], isa, name)
    for n, at in ((1, 0), (100, 0), (100, 99), (5000, 2777)):
        x = generator.uniform(-10, 10, n).astype(np.float32)
        for others in (0, -np.inf, 3e38):
            x[at // 2] = others if others else x[at // 2]
            x[at] = poison
            assert np.isnan(result(host, passes, x)).all()


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("isa", [*ISAS, EMULATED])
@pytest.mark.parametrize("pass_name", (*REDUCTIONS, "max"))
def test_a_fully_masked_part_adds_nothing_or_nan(host, generator, isa, pass_name, mask):
    """As threads that share a row combine what each found."""
    kernel = variants(COMPILERS[0], isa, pass_name)[-1]
    seen = generator.normal(size=300).astype(np.float32)
    how = "MAX" if pass_name == "max" else "EXTENDED" if pass_name.startswith("ext") else "SUM"
    before = [variants(COMPILERS[0], isa, "max")[0]] if kernel.needs else []
    found = []
    for part in (seen, np.full(300, mask, np.float32)):
        # Both parts refer to the maximum of the whole, which a leading element stands for.
        part = np.concatenate([[seen.max()], part]).astype(np.float32) if how == "SUM" else part
        found.append(run_passes(host, [*before, kernel], part, np.empty_like(part)))
    for parts in (found, found[::-1], [found[1], found[0], found[1]]):
        total, at = combined(host, how, parts)
        if how == "MAX":
            assert at == seen.max()
        elif not masked_is_right(isa, mask):
            assert np.isnan(total)
        elif how == "SUM":
            assert total == pytest.approx(found[0][0] + len(parts) - 1, rel=1e-6)
        else:
            assert total * 2.0**at == pytest.approx(np.exp(seen.astype(np.float64)).sum(), rel=1e-5)


@pytest.mark.parametrize("name", BY_BLOCKS)
@pytest.mark.parametrize("isa", [*ISAS, EMULATED])
@pytest.mark.parametrize("mask", MASKS)
def test_masked_blocks_are_0_or_what_is_no_result_is_nan(host, generator, isa, name, mask):
    """Whole blocks that are masked, before and behind those that are seen."""
    passes = algorithm(COMPILERS[0], isa, name)
    for seen in (slice(0, 10), slice(BLOCK, BLOCK + 10), slice(2 * BLOCK + 5, 3 * BLOCK), slice(BLOCK - 1, None)):
        x = np.full(3 * BLOCK + 100, mask, np.float32)
        x[seen] = generator.normal(size=len(x[seen]))
        y = result(host, passes, x)
        told = ~np.isnan(y)
        assert told.all() == masked_is_right(isa, mask)
        expected = reference(x)
        np.testing.assert_allclose(y[told], expected[told].astype(np.float64), rtol=TOLERANCE, atol=2.0**-125)


def test_parts_that_are_nowhere_combine_to_no_number(host):
    for bad in ((1.0, np.inf), (np.nan, 3.0), (np.nan, np.nan)):
        for parts in ([bad, (2.0, 1.0)], [(2.0, 1.0), bad], [bad, bad]):
            total, at = combined(host, "EXTENDED", parts)
            assert np.isnan(total) or abs(at) >= 2**21


@pytest.mark.parametrize("isa", ["avx512f"])
def test_the_emulated_avx512f_gives_the_bits_of_the_real_one(host, generator, isa):
    kernels_of(COMPILERS[0], isa)  # skips where there is none
    for scale in (1.0, 1e3, 1e5, 1e7, 1e30, 3e38):
        x = (generator.uniform(-1, 1, 1003) * scale).astype(np.float32)
        for name in ALGORITHMS:
            emulated = algorithm(COMPILERS[0], EMULATED, name)
            for kernel in emulated:
                assert any(k.variant == kernel.variant for k in variants(COMPILERS[0], isa, kernel.name))
            real = [
                next(k for k in variants(COMPILERS[0], isa, kernel.name) if k.variant == kernel.variant)
                for kernel in emulated
            ]
            a, b = result(host, emulated, x), result(host, real, x)
            assert ((a.view(np.uint32) == b.view(np.uint32)) | (np.isnan(a) & np.isnan(b))).all()


NAN, INF = np.nan, np.inf
# Intel's manual, VSCALEFPS, table of special cases: a by rows, b by columns NaN, ∞, -∞, 0.
SPECIAL = [
    (NAN, (NAN, INF, 0.0, NAN)),
    (INF, (NAN, INF, NAN, INF)),
    (-INF, (NAN, -INF, NAN, -INF)),
    (0.0, (NAN, NAN, 0.0, 0.0)),
    (-0.0, (NAN, NAN, -0.0, -0.0)),
    (1.5, (NAN, INF, 0.0, 1.5)),
    (-1.5, (NAN, -INF, -0.0, -1.5)),
]


def test_the_emulated_scaling_has_the_manuals_special_cases(tmp_path):
    source, library = tmp_path / "scalef.c", tmp_path / "scalef.so"
    source.write_text("#include <immintrin.h>\nfloat scalef(float a, float b) { return emulated_scalef(a, b); }\n")
    include = f"-I{ROOT / 'tests' / 'kernels' / 'avx512f'}"
    compiler = build.find_compiler(SETTINGS, COMPILERS[0])
    command = [*compiler.command, "-O1", "-Wno-psabi", "-mfma", include, "-shared", "-fPIC", str(source)]
    subprocess.run([*command, "-o", str(library), "-lm"], check=True)
    scalef = ctypes.CDLL(str(library)).scalef
    scalef.argtypes, scalef.restype = [ctypes.c_float] * 2, ctypes.c_float
    for a, expected in SPECIAL:
        for b, value in zip((NAN, INF, -INF, 0.0), expected, strict=True):
            told = scalef(a, b)
            assert np.isnan(told) if np.isnan(value) else (told, np.signbit(told)) == (value, np.signbit(value)), (a, b)
    assert scalef(1.5, 3.9) == 12
    assert scalef(1.5, -0.5) == 0.75
    assert scalef(2.0**100, -220.0) == 2.0**-120
    assert scalef(1.5, 200.0) == INF


def told(value):
    return {-np.inf: "−∞", -LARGEST: "−FLT_MAX"}.get(value) or f"−10^{np.log10(-value):.0f}"


def test_the_readme_has_this_table():
    rows = [re.split(r" *\| *", line)[1:-1] for line in (ROOT / "README.md").read_text("utf-8").splitlines()]
    table = {mask: cells for first, *cells in filter(None, rows) for mask in first.split(", ") if mask.startswith("−")}
    assert set(table) == set(map(told, MASKS))
    for mask in MASKS:
        some, every = table[told(mask)]
        everywhere = masked_is_right("avx2", mask)
        assert some == ("right, masked elements 0" if everywhere else "AVX512F: right; scalar, AVX2: NaN")
        three, two = (fully_masked_is_right(name, "avx2", mask) for name in ("three-pass-reload", "two-pass"))
        assert every == ("right, 1/n each" if two else "Three-Pass: right; Two-Pass: NaN" if three else "NaN")
