"""exp, at every float32 that a softmax can ask for."""

import subprocess

import pytest

from harness.native import build
from harness.record.files import ROOT
from harness.record.isa import ISAS
from tests.conftest import SETTINGS, fewer_variants, kernels_of

IN_RANGE = 1_118_738_843  # float32 numbers in [-87.3, 0]


@pytest.mark.parametrize("isa", ISAS)
def test_exp_is_within_2_ulp_everywhere(isa, tmp_path):
    kernels_of("gcc", isa)  # skips where the processor lacks the ISA
    program = tmp_path / "exp_check"
    flags = [*build.flags(SETTINGS, isa), *fewer_variants([(1, 1)], [1]), f"-I{ROOT / 'kernels'}"]
    source = str(ROOT / "tests" / "kernels" / "exp_check.c")
    subprocess.run(["gcc", *flags, source, "-o", str(program), "-lm"], check=True)
    total, worst = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    assert int(total) >= IN_RANGE
    assert 1 < float(worst) <= 2
