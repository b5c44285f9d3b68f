"""exp, at every float32 that a softmax can ask for."""

import math
import re
import subprocess

import numpy as np
import pytest
from scipy.optimize import linprog

from harness.native import build
from harness.record.files import ROOT
from harness.record.isa import ISAS
from tests.conftest import EMULATED, EMULATION_FLAGS, SETTINGS, fewer_variants, kernels_of

IN_RANGE = 1_118_738_843  # float32 numbers in [-87.3, 0]


@pytest.mark.parametrize("isa", [*ISAS, EMULATED])
@pytest.mark.parametrize("exp", ("polynomial", "table"))
def test_exp_is_within_2_ulp_everywhere(isa, exp, tmp_path):
    """By one lane at every 11th block of numbers, which is the same source as by eight; in plain C at every 1009th."""
    stride, flags = 11 if isa == "scalar" else 1, [*build.flags(SETTINGS, isa), *fewer_variants([(1, 1)], [1])]
    if isa == EMULATED:
        stride, flags = 1009, ["-std=gnu11", "-ffp-contract=off", *EMULATION_FLAGS]
    else:
        kernels_of("gcc", isa)  # skips where the processor lacks the ISA
    program = tmp_path / "exp_check"
    flags += [f"-I{ROOT / 'kernels'}", f"-DTABLE={int(exp == 'table')}"]
    source = str(ROOT / "tests" / "kernels" / "exp_check.c")
    subprocess.run(["gcc", *flags, source, "-o", str(program), "-lm"], check=True)
    total, worst = subprocess.run([program, str(stride)], capture_output=True, text=True, check=True).stdout.split()
    assert int(total) >= IN_RANGE // stride
    assert 1 < float(worst) <= 2


def floats(file, name):
    """The numbers of an array in a source file."""
    text = (ROOT / "kernels" / file).read_text(encoding="utf-8")
    (found,) = re.findall(rf"\b{name}\[\d*\][^=;]*= \{{(.*?)\}}", text, re.DOTALL)
    return [number.strip() for number in found.split(",")]


def as_bits(value):
    return int(np.float32(value).view(np.int32))


def test_the_tables_hold_the_powers():
    """Rounded; or of their bits what 1 + k/8 has not."""
    powers = [float.fromhex(number.removesuffix("f")) for number in floats("isa/avx512f.h", "powers")]
    assert powers == [float(np.float32(2.0 ** (k / 32))) for k in range(32)]
    for isa in ("scalar", "avx2"):
        found = [int(number, 0) for number in floats(f"isa/{isa}.h", "mantissas")]
        assert found == [as_bits(2.0 ** (k / 8)) - as_bits(1 + k / 8) for k in range(8)]


@pytest.mark.parametrize(("name", "steps", "stated"), [("eighths", 8, 2.6e-8), ("finer", 32, 5.4e-8)])
def test_the_short_polynomials_are_as_good_as_any_of_their_degree(name, steps, stated):
    """The largest relative error, and that of the best real coefficients, which is found by linear programming."""
    coefficients = [float.fromhex(number.removesuffix("f")) for number in floats("exp.h", name)]
    half = np.log(2) / (2 * steps)
    t = half * np.cos(np.linspace(0, np.pi, 2000))
    columns = np.array([(t / half) ** i * np.exp(-t) for i in range(1, len(coefficients) + 1)]).T
    wanted = np.expm1(t) * np.exp(-t)
    ours = columns @ [c * half**i for i, c in enumerate(coefficients, 1)] - wanted
    scale = 1e8  # numbers near 1, for the solver
    limits = np.ones((len(t), 1))
    bounds = np.block([[columns * scale, -limits], [-columns * scale, -limits]])
    taylor = np.array([half**i / math.factorial(i) for i in range(1, len(coefficients) + 1)])
    left = scale * (wanted - columns @ taylor)
    free = [(None, None)] * len(coefficients)
    best = linprog([0] * len(free) + [1], bounds, np.concatenate([left, -left]), bounds=[*free, (0, None)]).fun / scale
    assert best <= np.abs(ours).max() <= min(stated, 1.03 * best)
