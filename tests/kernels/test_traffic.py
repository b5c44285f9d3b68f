"""The traffic that the paper counts and the kernels declare, counted by a cache simulator."""

import functools
from dataclasses import replace

import pytest

from harness.record.caches import FLOAT_BYTES
from harness.run.prepare import declared
from harness.statistics.traffic import logical_floats, write_allocate_floats
from tests import valgrind
from tests.conftest import COMPILERS, SETTINGS, kernels_of

ELEMENTS, FLOATS_PER_LINE = 1 << 19, 16
MOVED = (
    ("three-pass-recompute", 4, 4),
    ("three-pass-reload", 5, 4),
    ("two-pass", 3, 3),
    ("three-pass-recompute-nt", 4, 4),
    ("two-pass-nt", 3, 3),
    ("online", 3, 3),
    ("online-nt", 3, 3),
    ("block-reload", 4, 3),
    ("unified-max", 3, 3),
)
"""For each element, floats read and written, as the paper counts them, and lines fetched for as many floats."""
LAST_LEVEL = 128 << 10  # bytes: a sixteenth of x, so nothing of one pass is left for the next


@functools.cache
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


@pytest.mark.parametrize(("algorithm", "floats", "lines"), MOVED)
def test_an_algorithm_moves_what_the_paper_counts(traffic_program, algorithm, floats, lines):
    passes = SETTINGS["algorithms"][algorithm]
    few = 1 << 10
    assert sum(referenced(traffic_program, few, name) for name in passes) == floats * few * FLOAT_BYTES
    _, fetched = valgrind.misses(traffic_program, ELEMENTS, passes, LAST_LEVEL)
    assert fetched / (ELEMENTS / FLOATS_PER_LINE) == pytest.approx(lines, rel=0.004)


def test_every_algorithm_declares_what_it_moves():
    kernels = {kernel.name: declared(kernel) for kernel in kernels_of(COMPILERS[0], "scalar")}
    for name, floats, lines in MOVED:
        passes = [kernels[its] for its in SETTINGS["algorithms"][name]]
        assert sum(map(logical_floats, passes)) == floats
        # The simulator knows no stores past the caches, and fetches their lines as well.
        fetched = [replace(its, non_temporal=False) for its in passes]
        assert sum(write_allocate_floats(its) - its.writes_y for its in fetched) == lines
    # A table is of numbers, and a prefetch is of a line that is read anyway: what is moved of x and y is the same.
    others = {name for name in SETTINGS["algorithms"] if not name.endswith(("-table", "-prefetch"))}
    assert {name for name, *_ in MOVED} == others
