"""Where input and outputs lie: one huge-page arena, an input at its start, outputs in rotation behind it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.machine import topology
from harness.machine.system import read
from harness.native.extensions import HUGE_PAGE_BYTES, Host
from harness.record.caches import FLOAT_BYTES

PAGE_BYTES, LINE_BYTES = 4096, 64
# Outputs lie a quarter of a page off the input modulo 4 KiB, or stores would alias with the loads that follow them; a
# quarter, since the second stream of a bandwidth loop starts half a page off the first.
OUTPUT_OFFSET_BYTES = PAGE_BYTES // 4

# Five pages and three lines: another set of every cache, another bank, another offset in the page.
MOVED_BYTES = 5 * PAGE_BYTES + 3 * LINE_BYTES


def whole_pages(size: int) -> int:
    """`size` bytes rounded up to whole 4 KiB pages."""
    return math.ceil(size / PAGE_BYTES) * PAGE_BYTES


@dataclass(frozen=True)
class Layout:
    """How an arena is used for inputs of up to `longest` elements when an output must not come around before
    `rotation_bytes` were written."""

    longest: int
    rotation_bytes: int
    moved_bytes: int = 0
    """By how much input and outputs are moved in the arena, all alike."""

    def stride_bytes(self, elements: int) -> int:
        """Distance of two outputs, in bytes: they follow each other line by line.

        Gaps would be measured: with outputs at page boundaries Two-Pass on Zen 4 (AVX512F) takes 0.46, 0.67 and 0.55
        ns/element at 1000, 1780 and 5620 elements, without gaps 0.47, 0.43 and 0.41.
        """
        return math.ceil(elements * FLOAT_BYTES / LINE_BYTES) * LINE_BYTES

    def output_count(self, elements: int) -> int:
        """Outputs in rotation for this length: one more than cover rotation_bytes."""
        return 1 + math.ceil(self.rotation_bytes / self.stride_bytes(elements))

    @property
    def outputs_at(self) -> int:
        """Offset of the first output in the arena, in bytes."""
        return whole_pages(self.longest * FLOAT_BYTES) + OUTPUT_OFFSET_BYTES + self.moved_bytes

    @property
    def arena_bytes(self) -> int:
        """Size of the arena: the rotation of any length up to the longest takes at most two outputs of the longest, or
        rotation_bytes and two outputs more."""
        return self.outputs_at + self.rotation_bytes + 2 * self.stride_bytes(self.longest)


class Arena:
    """An arena laid out for one host, with its input filled."""

    def __init__(self, host: Host, layout: Layout) -> None:
        """Maps the arena. Raises HarnessError where the system has not so much memory."""
        self.host, self.layout = host, layout
        self.start = host.arena(layout.arena_bytes)
        self.last: Any = None

    @property
    def x(self) -> Any:
        """The input, a const float pointer."""
        return self.host.ffi.cast("float *", self.start + self.layout.moved_bytes)

    def fill(self, low: float, high: float, seed: int) -> None:
        """Fills the input with numbers uniform in [low, high], in slices so as to need no second copy."""
        x = self._input(self.layout.longest)
        generator = np.random.default_rng(seed)
        for part in np.array_split(x, math.ceil(len(x) / (1 << 20))):
            generator.random(dtype=np.float32, out=part)
            part *= np.float32(high - low)
            part += np.float32(low)

    @contextmanager
    def rising(self, elements: int, bound: float) -> Iterator[None]:
        """Has the input's first `elements` rise evenly from -bound to bound, and then be again what they were."""
        x = self._input(elements)
        before = x.copy()
        x[:] = np.linspace(-bound, bound, elements, dtype=np.float32)
        try:
            yield
        finally:
            x[:] = before

    def _input(self, elements: int) -> np.ndarray:
        return np.frombuffer(self.host.ffi.buffer(self.x, elements * FLOAT_BYTES), np.float32)

    def moved(self, elements: int) -> Arena:
        """Another arena with the input's first `elements`, whose operands lie elsewhere, modulo every page size too. To
        be unmapped. Raises HarnessError where the system has not so much memory."""
        return self._copy(elements, MOVED_BYTES)

    def on_processor(self, cpu: int, elements: int) -> Arena:
        """Another arena with the input's first `elements`, touched first on this logical processor, and so on its node.
        To be unmapped. Raises HarnessError where the system has not so much memory."""
        with topology.on(cpu):
            return self._copy(elements, self.layout.moved_bytes)

    def _copy(self, elements: int, moved_bytes: int) -> Arena:
        arena = Arena(self.host, replace(self.layout, longest=elements, moved_bytes=moved_bytes))
        self.host.ffi.memmove(arena.x, self.x, elements * FLOAT_BYTES)
        return arena

    def unmap(self) -> None:
        """Gives the memory back; no operands of this arena may be used any more."""
        self.host.lib.arena_unmap(self.start, self.layout.arena_bytes)

    def operands(self, elements: int) -> Any:
        """The input's first `elements` and their outputs, as the timed loop takes them (struct operands *).

        The rotation goes on behind the output that was handed out or written last, whatever its length.
        """
        stride = self.layout.stride_bytes(elements)
        last, count = self.last, self.layout.output_count(elements)
        written = (last.next_output + 1) * last.output_stride * FLOAT_BYTES if last else 0
        self.last = self.host.ffi.new(
            "struct operands *",
            {
                "x": self.x,
                "outputs": self.host.ffi.cast("float *", self.start + self.layout.outputs_at),
                "output_stride": stride // FLOAT_BYTES,
                "output_count": count,
                "next_output": math.ceil(written / stride) % count,
            },
        )
        return self.last

    def huge_page_bytes(self) -> int | str:
        """How much of the arena lies in huge pages, in bytes, or "unknown"."""
        start = int(self.host.ffi.cast("uintptr_t", self.start))
        end = start + math.ceil(self.layout.arena_bytes / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES
        found, inside = [], False
        for line in read(Path("/proc/self/smaps")).splitlines():
            if area := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
                # The kernel may have merged neighbouring areas with ours.
                inside = int(area[1], 16) < end and int(area[2], 16) > start
            elif inside and (size := re.match(r"AnonHugePages:\s+(\d+) kB", line)):
                found.append(int(size[1]) * 1024)
        return min(sum(found), end - start) if found else "unknown"
