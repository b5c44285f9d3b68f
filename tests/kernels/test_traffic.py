"""The traffic that the paper counts and the kernels declare, counted by a cache simulator."""

import shutil
import subprocess

import pytest

from harness import build
from harness.config import FLOAT_BYTES
from tests.conftest import SETTINGS

ELEMENTS, FLOATS_PER_LINE = 1 << 20, 16
LAST_LEVEL = 256 << 10  # bytes: a sixteenth of x, so nothing of one pass is left for the next


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if not shutil.which("valgrind"):
        pytest.skip("valgrind, which counts data references and fetched lines, is not installed")
    compiler = build.find_compiler(SETTINGS, "gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    output = tmp_path_factory.mktemp("traffic") / "traffic"
    sources = [str(build.KERNELS.parent / "tests" / "kernels" / "traffic.c"), str(build.KERNELS / "kernels.c")]
    flags = [*build.flags(SETTINGS, "avx2"), f"-I{build.KERNELS}"]
    subprocess.run([*compiler.command, *flags, *sources, "-o", str(output)], check=True)
    return output


def simulated(program, tool, options, elements, passes):
    """Standard output and error of the passes under a tool of valgrind; a shape that spills nothing."""
    arguments = [word for name in passes for word in (name, "u2k1")]
    command = ["valgrind", f"--tool={tool}", *options, str(program), str(elements), *arguments]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return result.stdout, result.stderr


def referenced(program, elements, name):
    """Bytes of X and Y that a pass reads, plus those that it writes; constants and spilled registers lie elsewhere.

    Each counts once: gcc reads x[i] a second time in ext_sum and ext_scale, out of L1, to save a register.
    """
    told, trace = simulated(program, "lackey", ["--trace-mem=yes"], elements, [name])
    starts = [int(word, 16) for word in told.split()]
    touched = {"L": set(), "S": set()}
    for line in trace.splitlines():
        if line[:3] in (" L ", " S ", " M "):
            address, size = (int(part, base) for part, base in zip(line[3:].split(","), (16, 10), strict=True))
            if any(start <= address < start + FLOAT_BYTES * elements for start in starts):
                for kind in "LS" if line[1] == "M" else line[1]:
                    touched[kind].update(range(address, address + size))
    return len(touched["L"]) + len(touched["S"])


def fetched(program, elements, passes):
    """Lines that miss the last level of a simulated cache."""
    result = program.parent / f"{elements}-{'-'.join(passes)}"
    caches = ["--D1=32768,8,64", f"--LL={LAST_LEVEL},16,64"]
    simulated(program, "cachegrind", ["--cache-sim=yes", f"--cachegrind-out-file={result}", *caches], elements, passes)
    lines = result.read_text().splitlines()
    events, summary = (
        next(line for line in lines if line.startswith(word)).split()[1:] for word in ("events:", "summary:")
    )
    count = dict(zip(events, map(int, summary), strict=True))
    return count["DLmr"] + count["DLmw"]


@pytest.mark.parametrize(
    ("algorithm", "floats", "lines"),
    [("three-pass-recompute", 4, 4), ("three-pass-reload", 5, 4), ("two-pass", 3, 3)],
)
def test_an_algorithm_moves_what_the_paper_counts(program, algorithm, floats, lines):
    passes = SETTINGS["algorithms"][algorithm]
    few = 1 << 12
    assert sum(referenced(program, few, name) for name in passes) == floats * few * FLOAT_BYTES
    # The same program without an element: what it needs to start.
    count = fetched(program, ELEMENTS, passes) - fetched(program, 0, passes)
    assert count / (ELEMENTS / FLOATS_PER_LINE) == pytest.approx(lines, rel=0.003)
