"""What is compared: questions (one experiment, compiler, ISA and length) and the contenders of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.native.extensions import Kernel
from harness.record.configuration import Config
from harness.record.errors import HarnessError
from harness.record.names import LANES

Tuned = Mapping[str, Kernel]
"""The chosen variant of each pass, by name."""


@dataclass(frozen=True)
class Contender:
    """Passes that run one after the other over the same operands, under the name of an algorithm, a pass, or, if it is
    split by pass, both.

    `before` are the passes whose result the first one needs; they run once, untimed. Controls are `moved` (code and
    operands at other addresses) or process `extra_percent` more elements than the question says. A `peer` is another
    library, by its name in harness/peers/; it has no passes of ours.
    """

    algorithm: str
    pass_name: str
    kernels: tuple[Kernel, ...]
    before: tuple[Kernel, ...] = ()
    split: bool = False
    moved: bool = False
    extra_percent: int = 0
    peer: str = ""

    def elements(self, asked: int) -> int:
        """The elements that one call processes, where the question asks for so many."""
        return asked + round(asked * self.extra_percent / 100)

    @property
    def variant(self) -> str:
        """The variants of the passes, joined by +."""
        return "+".join(kernel.variant for kernel in self.kernels)


@dataclass(frozen=True)
class Question:
    """One length at which contenders are measured together. `paired`: their ratios within rounds are what is asked."""

    experiment: str
    compiler: str
    isa: str
    elements: int
    cache_state: str
    contenders: tuple[Contender, ...]
    paired: bool = True
    threads: int = 1
    joint: bool = False
    """Several threads work on parts of one vector of `elements`; otherwise each on a vector of its own."""

    @property
    def key(self) -> str:
        """Names this question within a run."""
        return question_key(self.experiment, self.compiler, self.isa, self.elements, self.threads)


def question_key(experiment: str, compiler: str, isa: str, elements: int, threads: int = 1) -> str:
    """Names a question within a run."""
    return f"{experiment} {compiler} {isa} {elements}" + (f" x{threads}" if threads > 1 else "")


def algorithm_contenders(config: Config, tuned: Tuned, split: bool = False) -> tuple[Contender, ...]:
    """Every configured algorithm, each of its passes in its tuned variant."""
    return tuple(
        Contender(name, "", tuple(tuned[pass_name] for pass_name in passes), split=split)
        for name, passes in config["algorithms"].items()
    )


def bandwidth_loops(kernels: Sequence[Kernel], names: Collection[str]) -> tuple[Contender, ...]:
    """Every loop of the bandwidth kernels of these names."""
    return tuple(Contender("", kernel.name, (kernel,)) for kernel in kernels if kernel.name in names)


def as_published(ours: Kernel, kernels: Sequence[Kernel]) -> Kernel | None:
    """The kernel of the same shape that sums in float lanes to the end, as published; None where it sums nothing."""
    wanted = (f"{ours.name}{LANES}", ours.variant)
    return next((kernel for kernel in kernels if (kernel.name, kernel.variant) == wanted), None)


def accumulation_contenders(tuned: Tuned, kernels: Sequence[Kernel]) -> tuple[Contender, ...]:
    """Every pass that sums, in its tuned variant, beside the same that sums in float lanes to the end, as published."""
    pairs = [(ours, as_published(ours, kernels)) for ours in tuned.values()]
    return tuple(
        Contender("", kernel.name, (kernel,), (tuned["max"],) if kernel.needs else ())
        for ours, theirs in pairs
        if theirs
        for kernel in (ours, theirs)
    )


def controls(config: Config) -> dict[str, dict[str, Any]]:
    """The `controls` part of run.json: contenders whose ratio to an algorithm is known, by their names in rows."""
    name = config["controls"]["algorithm"]
    same = {"algorithm": name, "moved": False, "extra_percent": 0}
    return {
        f"{name}-again": same,
        f"{name}-moved": {**same, "moved": True},
        **{f"{name}-plus-{p}-percent": {**same, "extra_percent": p} for p in config["controls"]["extra_percent"]},
    }


def control_contenders(config: Config, tuned: Tuned) -> tuple[Contender, ...]:
    """The controls, and the algorithm that they are compared with, each of its passes in its tuned variant."""
    name = config["controls"]["algorithm"]
    kernels = tuple(tuned[pass_name] for pass_name in config["algorithms"][name])
    return (
        Contender(name, "", kernels),
        *(
            Contender(control, "", kernels, moved=its["moved"], extra_percent=its["extra_percent"])
            for control, its in controls(config).items()
        ),
    )


def predecessors(config: Config, pass_name: str, tuned: Tuned) -> tuple[Kernel, ...]:
    """The passes that come before this one in the first algorithm that has it."""
    for passes in config["algorithms"].values():
        if pass_name in passes:
            return tuple(tuned[name] for name in passes[: passes.index(pass_name)])
    return ()


def pass_contenders(config: Config, tuned: Tuned, kernels: Sequence[Kernel]) -> tuple[Contender, ...]:
    """Every pass of an algorithm in its tuned variant, and every loop of each bandwidth kernel."""
    passes = dict.fromkeys(name for names in config["algorithms"].values() for name in names)
    singles = [Contender("", name, (tuned[name],), predecessors(config, name, tuned)) for name in passes]
    loops = [Contender("", kernel.name, (kernel,)) for kernel in kernels if kernel.is_bandwidth_loop]
    return (*singles, *loops)


def peer_contenders(config: Config, tuned: Tuned, peers: Sequence[str]) -> tuple[Contender, ...]:
    """Every configured algorithm, each of its passes in its tuned variant, and the peers."""
    return (*algorithm_contenders(config, tuned), *(Contender(name, "", (), peer=name) for name in peers))


def contenders(
    config: Config, kind: str, tuned: Tuned, kernels: Sequence[Kernel], peers: Sequence[str] = ()
) -> tuple[Contender, ...]:
    """The contenders of an experiment whose configuration says contenders: `kind`; `peers` are those installed."""
    if kind == "passes":
        return pass_contenders(config, tuned, kernels)
    if kind == "controls":
        return control_contenders(config, tuned)
    if kind == "peers":
        return peer_contenders(config, tuned, peers)
    if kind == "accumulations":
        return accumulation_contenders(tuned, kernels)
    if kind == "algorithms-and-limits":
        return (*algorithm_contenders(config, tuned), *bandwidth_loops(kernels, ("load", "copy")))
    return algorithm_contenders(config, tuned, split=kind == "algorithms-by-pass")


def check_passes(config: Config, kernels: Sequence[Kernel]) -> None:
    """Raises HarnessError for an algorithm with a pass that no kernel has, or whose passes give no softmax in their
    order, and for input outside the kernels' domain."""
    known = {kernel.name: kernel for kernel in kernels}
    low, high = config["input"]["low"], config["input"]["high"]
    for algorithm, passes in config["algorithms"].items():
        for name in passes:
            if name not in known:
                raise HarnessError(
                    f"algorithms.{algorithm}: there is no pass {name!r}; the passes are {', '.join(sorted(known))}"
                )
        problem = _out_of_order([known[name] for name in passes], list(known.values()))
        if problem:
            raise HarnessError(f"algorithms.{algorithm}: {problem}")
    domain = min(kernel.domain for kernel in kernels if kernel.domain)
    if max(-low, high) > domain:
        raise HarnessError(f"input: [{low}, {high}] leaves the kernels' domain, |x| <= {domain:.0f}")


def _out_of_order(passes: Sequence[Kernel], known: Sequence[Kernel]) -> str | None:
    """Why these passes, one after the other, give no softmax; None where they do."""
    given, y_is_written = 0, False
    for kernel in passes:
        if kernel.is_bandwidth_loop:
            return f"{kernel.name} is a loop that tells the memory's limits, no pass of a softmax"
        if kernel.needs and (kernel.needs != given or (kernel.reads_y and not y_is_written)):
            givers = [k.name for k in known if k.gives == kernel.needs and k.writes_y >= kernel.reads_y]
            return f"{kernel.name} needs the result of {' or '.join(givers)}, which no pass before it gives"
        given = 0 if kernel.completes else kernel.gives or given
        y_is_written = y_is_written or kernel.writes_y > 0
    if not passes[-1].completes:
        enders = [k.name for k in known if k.completes]
        return f"{passes[-1].name} comes last and writes no softmax; {' or '.join(enders)} does"
    return None
