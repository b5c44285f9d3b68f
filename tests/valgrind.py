"""Passes under valgrind's tools, which count what they touch and what caches of two levels fetch for them."""

import shutil
import subprocess

import pytest

from harness.native import build
from tests.conftest import SETTINGS, fewer_variants

FIRST_LEVEL, FIRST_LEVEL_WAYS, LAST_LEVEL_WAYS, LINE = 32 << 10, 8, 16, 64
SHAPE = 2, 1  # vectors and accumulators that spill nothing


@pytest.fixture(scope="session")
def traffic_program(tmp_path_factory):
    """tests/kernels/traffic.c with the AVX2 kernels; skips where valgrind or gcc is not installed."""
    if not shutil.which("valgrind"):
        pytest.skip("valgrind, which counts data references and fetched lines, is not installed")
    compiler = build.find_compiler(SETTINGS, "gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    output = tmp_path_factory.mktemp("traffic") / "traffic"
    sources = [str(build.KERNELS.parent / "tests" / "kernels" / "traffic.c"), str(build.KERNELS / "kernels.c")]
    flags = [*build.flags(SETTINGS, "avx2"), *fewer_variants([SHAPE], SHAPE[:1]), f"-I{build.KERNELS}"]
    subprocess.run([*compiler.command, *flags, *sources, "-o", str(output), "-lm"], check=True)
    return output


def run(program, tool, options, elements, passes):
    """Standard output and error of the passes under a tool of valgrind."""
    vectors, accumulators = SHAPE
    arguments = [word for name in passes for word in (name, f"u{vectors}k{accumulators}")]
    command = ["valgrind", f"--tool={tool}", *options, str(program), str(elements), *arguments]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return result.stdout, result.stderr


def misses(program, elements, passes, last_level):
    """Lines that miss the first and the last level (of so many bytes) of a simulated cache, less those that the same
    program misses without an element."""
    (first, last), (first_of_none, last_of_none) = (_misses(program, n, passes, last_level) for n in (elements, 0))
    return first - first_of_none, last - last_of_none


def _misses(program, elements, passes, last_level):
    result = program.parent / f"{elements}-{last_level}-{'-'.join(passes)}"
    caches = [f"--D1={FIRST_LEVEL},{FIRST_LEVEL_WAYS},{LINE}", f"--LL={last_level},{LAST_LEVEL_WAYS},{LINE}"]
    run(program, "cachegrind", ["--cache-sim=yes", f"--cachegrind-out-file={result}", *caches], elements, passes)
    lines = result.read_text().splitlines()
    events, summary = (
        next(line for line in lines if line.startswith(word)).split()[1:] for word in ("events:", "summary:")
    )
    count = dict(zip(events, map(int, summary), strict=True))
    return count["D1mr"] + count["D1mw"], count["DLmr"] + count["DLmw"]
