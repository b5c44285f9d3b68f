"""Declared traffic of passes and bandwidth kernels."""

from typing import Protocol


class Declares(Protocol):
    """A pass of a run or a kernel, as these functions need it: floats per element, and whether its stores are
    non-temporal."""

    @property
    def reads_x(self) -> int: ...
    @property
    def reads_y(self) -> int: ...
    @property
    def writes_y(self) -> int: ...
    @property
    def non_temporal(self) -> bool: ...


def moved(kernel: Declares) -> tuple[int, int, int]:
    """Floats of X that are read, of Y that are read, and of Y that are written for each element."""
    return kernel.reads_x, kernel.reads_y, kernel.writes_y


def logical_floats(kernel: Declares) -> int:
    """Floats read and written for each element, as the paper counts them."""
    return sum(moved(kernel))


def write_allocate_floats(kernel: Declares) -> int:
    """The same with write-allocate: a line of Y that is written but not read is fetched first.

    Non-temporal stores fetch nothing.
    """
    fetches = kernel.writes_y > 0 and kernel.reads_y == 0 and not kernel.non_temporal
    return logical_floats(kernel) + (kernel.writes_y if fetches else 0)


def kind(kernel: Declares) -> str:
    """Which limit a pass meets: "reads X", "writes Y" (whether or not it reads X) or "updates Y" in place."""
    if kernel.writes_y == 0:
        return "reads X"
    return "updates Y" if kernel.reads_y else "writes Y"
