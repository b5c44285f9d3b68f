"""What Python hands to C lives as long as C may use it."""

import gc

import pytest

from harness.native import build, extensions
from harness.record.errors import HarnessError


@pytest.mark.parametrize(
    ("elements", "floats"), [(1, 16), (16 * 1920, 16), (16 * 1920 + 1, 32), (300_000_000, 156_256)]
)
def test_blocks_have_cache_lines_of_their_own(host, elements, floats):
    assert host.lib.block_floats(elements) == floats
    assert host.lib.BLOCK_ELEMENTS == 1920


def test_an_algorithm_keeps_the_memory_for_its_blocks(host):
    ready = host.algorithm([], carry=host.carry(5000, 100_000))
    others = [host.algorithm([]) for _ in range(10)]
    gc.collect()
    blocks = host.kept[host.kept[ready]]
    assert ready.initial.blocks == blocks
    assert len(blocks) == 16 + 64
    assert all(other.initial.blocks == host.ffi.NULL for other in others)
    kept = len(host.kept)
    del ready
    gc.collect()
    assert len(host.kept) < kept


def test_an_object_that_this_machine_cannot_load_is_one_line(tmp_path):
    path = build.extension_path(tmp_path, "gcc", "avx2")
    path.parent.mkdir()
    path.write_bytes(b"of another system")
    with pytest.raises(HarnessError, match=rf"{path} cannot be loaded on this machine: .+"):
        extensions.load(tmp_path, "gcc", "avx2")
