"""An object of an ISA contains no instruction of a later one."""

import math
import re
import shutil
import subprocess
from collections import Counter

import pytest

from harness.native import build
from tests.conftest import BUILT, COMPILERS, kernels_of
from tests.kernels.test_traffic import FLOATS_PER_LINE


def instructions(compiler, target):
    """(function, first byte, text) of every instruction of an extension."""
    if shutil.which("objdump") is None:
        pytest.skip("objdump is not installed")
    path = build.extension_path(BUILT, compiler, target)
    if not path.exists():
        pytest.skip(f"{path.name} is not built")
    listing = subprocess.run(["objdump", "-d", "-w", path], capture_output=True, text=True, check=True).stdout
    function, found = "", []
    for line in listing.splitlines():
        if header := re.match(r"[0-9a-f]+ <(.+)>:", line):
            function = header[1]
        elif code := re.match(r"\s+[0-9a-f]+:\t([0-9a-f]{2}) (?:[0-9a-f]{2} )*\s*\t(.+)", line):
            found.append((function, code[1], code[2]))
    return found


def is_evex(first_byte, text):
    """0x62 opens EVEX in 64-bit mode; zmm and opmask registers exist nowhere else."""
    return first_byte == "62" or re.search(r"%zmm|%k[0-7]", text) is not None


def is_vex(first_byte, text):
    return first_byte in ("c4", "c5") or is_evex(first_byte, text)


@pytest.mark.parametrize("compiler", COMPILERS)
def test_avx512f_extensions_use_evex(compiler):
    assert sum(is_evex(byte, text) for _, byte, text in instructions(compiler, "avx512f")) > 1000


@pytest.mark.parametrize("compiler", COMPILERS)
def test_avx2_extensions_have_no_avx512_instruction(compiler):
    found = instructions(compiler, "avx2")
    assert sum("%ymm" in text for _, _, text in found) > 1000
    assert not [(function, text) for function, byte, text in found if is_evex(byte, text)]


@pytest.mark.parametrize("compiler", COMPILERS)
def test_scalar_extensions_work_on_one_lane(compiler):
    found = instructions(compiler, "scalar")
    assert sum(re.match(r"vfn?madd\d*ss", text) is not None for _, _, text in found) > 1000
    # clang 14 copies constants and elements that it spills eight at a time, which is no arithmetic.
    wide = [text for _, byte, text in found if is_evex(byte, text) or "%ymm" in text]
    assert not [text for text in wide if not re.match(r"vmov(dqu|[ua]p[sd])|vzeroupper", text)]
    # Integer exponents use packed instructions on their one lane; float arithmetic does not.
    assert not [text for _, _, text in found if re.match(r"v?(add|sub|mul|max|fn?madd\d*)ps", text)]


def test_the_host_part_runs_on_any_x86_64():
    vector = {function for function, byte, text in instructions(COMPILERS[0], "host") if is_vex(byte, text)}
    assert vector <= {"canary_throughput"}


@pytest.mark.parametrize("isa", ("scalar", "avx2"))
@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_rows_say_which_passes_store_past_the_caches(compiler, isa):
    rows = {f"{k.form_of or k.name}_{k.variant}": k.non_temporal for k in kernels_of(compiler, isa)}
    streaming = {function for function, _, text in instructions(compiler, isa) if re.match(r"v?movnt(i|ps|dq)", text)}
    assert streaming == {name for name, non_temporal in rows.items() if non_temporal}


@pytest.mark.parametrize("isa", ("scalar", "avx2"))
@pytest.mark.parametrize("compiler", COMPILERS)
def test_passes_prefetch_once_for_each_line_that_an_iteration_reads(compiler, isa):
    found = Counter(function for function, _, text in instructions(compiler, isa) if text.startswith("prefetch"))
    rows = [k for k in kernels_of(compiler, isa) if k.name.endswith("_prefetch")]
    lines = {f"{k.form_of}_{k.variant}": math.ceil(k.unroll * k.lanes / FLOATS_PER_LINE) for k in rows}
    # A compiler may have made several loops of one.
    assert {name: count % lines.get(name, count + 1) for name, count in found.items()} == dict.fromkeys(lines, 0)
