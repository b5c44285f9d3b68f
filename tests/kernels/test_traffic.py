"""The traffic that the paper counts and the kernels declare, counted by a cache simulator."""

import pytest

from harness.record.caches import FLOAT_BYTES
from tests import valgrind
from tests.conftest import SETTINGS

ELEMENTS, FLOATS_PER_LINE = 1 << 20, 16
LAST_LEVEL = 256 << 10  # bytes: a sixteenth of x, so nothing of one pass is left for the next


def referenced(program, elements, name):
    """Bytes of X and Y that a pass reads, plus those that it writes; constants and spilled registers lie elsewhere.

    Each counts once: gcc reads x[i] a second time in ext_sum and ext_scale, out of L1, to save a register.
    """
    told, trace = valgrind.run(program, "lackey", ["--trace-mem=yes"], elements, [name])
    starts = [int(word, 16) for word in told.split()]
    touched = {"L": set(), "S": set()}
    for line in trace.splitlines():
        if line[:3] in (" L ", " S ", " M "):
            address, size = (int(part, base) for part, base in zip(line[3:].split(","), (16, 10), strict=True))
            if any(start <= address < start + FLOAT_BYTES * elements for start in starts):
                for kind in "LS" if line[1] == "M" else line[1]:
                    touched[kind].update(range(address, address + size))
    return len(touched["L"]) + len(touched["S"])


@pytest.mark.parametrize(
    ("algorithm", "floats", "lines"),
    [("three-pass-recompute", 4, 4), ("three-pass-reload", 5, 4), ("two-pass", 3, 3)],
)
def test_an_algorithm_moves_what_the_paper_counts(traffic_program, algorithm, floats, lines):
    passes = SETTINGS["algorithms"][algorithm]
    few = 1 << 12
    assert sum(referenced(traffic_program, few, name) for name in passes) == floats * few * FLOAT_BYTES
    _, fetched = valgrind.misses(traffic_program, ELEMENTS, passes, LAST_LEVEL)
    assert fetched / (ELEMENTS / FLOATS_PER_LINE) == pytest.approx(lines, rel=0.003)
