"""The arena and the rotation of outputs in it."""

import numpy as np
import pytest

from harness.native import memory
from harness.native.memory import OUTPUT_OFFSET_BYTES, PAGE_BYTES, Arena, Layout
from harness.native.verification import constant
from tests.conftest import COMPILERS, fake_files, kernels_of

LAYOUT = Layout(longest=100_000, rotation_bytes=3_000_000)


@pytest.mark.parametrize("elements", (1, 1000, 1024, 30_000, 100_000))
def test_an_output_comes_around_only_after_the_rotation_was_written(elements):
    between = (LAYOUT.output_count(elements) - 1) * LAYOUT.stride_bytes(elements)
    assert between >= LAYOUT.rotation_bytes
    assert LAYOUT.output_count(elements) >= 2


@pytest.mark.parametrize("elements", (1, 999, 1024, 30_000, 77_777, 100_000))
def test_every_output_lies_in_the_arena_behind_the_input(elements):
    end = LAYOUT.outputs_at + LAYOUT.output_count(elements) * LAYOUT.stride_bytes(elements)
    assert LAYOUT.outputs_at >= LAYOUT.longest * 4
    assert end <= LAYOUT.arena_bytes


def test_outputs_are_staggered_against_the_input_modulo_4_kib():
    assert LAYOUT.outputs_at % PAGE_BYTES == OUTPUT_OFFSET_BYTES


@pytest.mark.parametrize(("elements", "stride"), [(1, 64), (16, 64), (17, 128), (1000, 4032)])
def test_outputs_follow_each_other_line_by_line(elements, stride):
    assert LAYOUT.stride_bytes(elements) == stride


def test_the_input_is_uniform_and_given_by_its_seed(host):
    def filled(seed):
        arena = Arena(host, LAYOUT)
        arena.fill(-1000, 1000, seed)
        x = np.frombuffer(host.ffi.buffer(arena.x, 4 * LAYOUT.longest), np.float32).copy()
        arena.unmap()
        return x

    x = filled(1)
    assert -1000 <= x.min() < -990
    assert 990 < x.max() <= 1000
    assert abs(x.mean()) < 10
    assert (x == filled(1)).all()
    assert (x != filled(2)).any()


def test_an_input_that_rises_leaves_its_last_reference_behind_in_each_block_and_is_then_what_it_was(host):
    arena = Arena(host, Layout(1 << 20, 1))
    arena.fill(-1000, 1000, 1)
    x = np.frombuffer(host.ffi.buffer(arena.x, 4 << 20), np.float32)
    before = x.copy()
    elements, block = (1 << 20) - 3, constant("kernel.h", "BLOCK_ELEMENTS")
    bound = min(kernel.domain for kernel in kernels_of(COMPILERS[0], "scalar") if kernel.computes)
    with arena.rising(elements, bound):
        largest = x[:elements][block - 1 :: block]
        assert np.diff(largest).min() > constant("passes.h", "HELD")
        assert np.abs(x[:elements]).max() == bound
        assert (x[elements:] == before[elements:]).all()
    assert (x == before).all()
    arena.unmap()


def test_a_moved_arena_has_the_same_input_elsewhere_and_the_same_distance_to_its_outputs(host):
    arena = Arena(host, LAYOUT)
    arena.fill(-1000, 1000, 1)
    moved = arena.moved(5000)

    def bytes_of(which):
        return bytes(host.ffi.buffer(which.x, 4 * 5000))

    def offset(which, pointer):
        return (int(host.ffi.cast("intptr_t", pointer)) - int(host.ffi.cast("intptr_t", which.x))) % PAGE_BYTES

    assert bytes_of(moved) == bytes_of(arena)
    ours, theirs = arena.operands(5000), moved.operands(5000)
    assert offset(arena, ours.outputs) == offset(moved, theirs.outputs) == OUTPUT_OFFSET_BYTES
    assert offset(arena, theirs.x) not in (0, OUTPUT_OFFSET_BYTES)
    moved.unmap()
    arena.unmap()


def test_huge_pages_are_counted_not_assumed(host):
    arena = Arena(host, Layout(1, 16 << 20))
    found = arena.huge_page_bytes()
    assert found == "unknown" or 0 <= found <= arena.layout.arena_bytes + (2 << 20)
    assert int(host.ffi.cast("uintptr_t", arena.start)) % (2 << 20) == 0


@pytest.mark.parametrize(
    "maps", ("", "\n\0", "0-ffffffffffffffff rw-p\nAnonHugePages: many", "AnonHugePages: 2048 kB", None)
)
def test_huge_pages_that_the_system_does_not_tell_are_unknown(host, monkeypatch, maps):
    arena = Arena(host, Layout(1, 1 << 20))
    monkeypatch.setattr(memory, "Path", fake_files(maps))
    assert arena.huge_page_bytes() == "unknown"
    arena.unmap()
