"""A sampler that measures nothing: what it tells is made up."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.experiments.base import Contender, Question
from harness.native.extensions import Kernel
from harness.sampling.sampler import Repetition, Sample

Times = Callable[[Kernel, int], tuple[float, str]]
"""The nanoseconds of one call of a kernel on so many elements, and what disturbs the sample (or nothing)."""


class SimulatedSampler:
    """Samples of contenders that are split by pass, one call each; `asked` keeps which contenders at which length."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self.asked: list[tuple[int, tuple[str, ...]]] = []

    @contextmanager
    def prepared(self, question: Question) -> Iterator[Sequence[Contender]]:
        """The contenders as they are."""
        yield question.contenders

    def repetition(self, *_: object) -> Repetition:
        """One call."""
        return Repetition(1, 1)

    def sample(self, contender: Contender, question: Question, how: Repetition) -> Sample:
        """One sample, disturbed where any of its passes is."""
        self.asked.append((question.elements, tuple(kernel.variant for kernel in contender.kernels)))
        taken = [self.times(kernel, question.elements) for kernel in contender.kernels]
        flags = frozenset(flag for _, flag in taken if flag)
        return Sample(how.calls, tuple(nanoseconds for nanoseconds, _ in taken), 5000, 2700, flags)


def kernel(name: str, variant: str) -> Kernel:
    """A row of a table of kernels that is called so; it cannot be run."""
    unroll, accumulators = variant.removeprefix("u").split("k")
    row = {"lanes": 8, "reads_x": 1, "reads_y": 0, "writes_y": 0, "computes": True, "non_temporal": False}
    rest = {"domain": 1e4, "twin_of": "", "origin": "paper", "address": 0, "moved_address": 0}
    return Kernel("gcc", "avx2", name, int(unroll), int(accumulators), **row, **rest)
