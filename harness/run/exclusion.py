"""Which variants may be timed, and which of them are wrong: those are excluded by name.

They are looked at in a process of its own, since one that crashes takes it down.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from harness.machine import processes
from harness.machine.processes import Message, tell
from harness.native import verification
from harness.native.extensions import Host, Kernel, load_kernels
from harness.record.configuration import Config
from harness.record.errors import HarnessError, Killed
from harness.record.names import LANES
from harness.run.progress import bar

# Of processor time, for all that is done to one variant: it takes milliseconds.
LONGEST_SECONDS = 60
CRASHES = {
    signal.SIGSEGV: "it reads or writes where it may not (SIGSEGV)",
    signal.SIGBUS: "it reads or writes where it may not (SIGBUS)",
    signal.SIGILL: "it has an instruction that this processor lacks (SIGILL)",
    signal.SIGFPE: "it divides by zero (SIGFPE)",
    signal.SIGABRT: "it aborts (SIGABRT)",
    signal.SIGTRAP: "it aborts (SIGTRAP)",
    signal.SIGPROF: f"it does not end within {LONGEST_SECONDS} s",
}
"""How a kernel may end a process, in words."""

Pair = tuple[str, str]
"""Compiler and ISA."""
Excluded = Mapping[str, str]
"""An item of run.json's `excluded`: compiler, isa, pass, variant, reason."""


def key(kernel: Kernel) -> str:
    """Names a variant within a run."""
    return f"{kernel.compiler} {kernel.isa} {kernel.name} {kernel.variant}"


def pair_of(named: str) -> tuple[str, str]:
    """Compiler and ISA of the variant of this key."""
    compiler, isa, *_ = named.split(" ")
    return compiler, isa


def timed(config: Config, table: Sequence[Kernel]) -> list[Kernel]:
    """Those of a table of kernels that may be timed: all variants of the algorithms' passes, the same as published, and
    the bandwidth loops."""
    used = {name for names in config["algorithms"].values() for name in names}
    return [kernel for kernel in table if kernel.is_bandwidth_loop or kernel.name.removesuffix(LANES) in used]


def item(named: str, reason: str) -> dict[str, str]:
    """An item of run.json's `excluded` for the variant of this key."""
    return {**dict(zip(("compiler", "isa", "pass", "variant"), named.split(" "), strict=True)), "reason": reason}


def usable(table: Sequence[Kernel], excluded: Sequence[Excluded]) -> list[Kernel]:
    """A table of kernels without those that are `excluded`, and without those that are measured beside one of them: a
    pass and the same as published go together."""
    wrong = {(item["compiler"], item["isa"], item["pass"].removesuffix(LANES), item["variant"]) for item in excluded}
    return [k for k in table if (k.compiler, k.isa, k.name.removesuffix(LANES), k.variant) not in wrong]


def passes_of(excluded: Iterable[Excluded]) -> set[tuple[str, str, str]]:
    """(compiler, ISA, pass) of what is excluded; a pass and the same as published are one."""
    return {(its["compiler"], its["isa"], its["pass"].removesuffix(LANES)) for its in excluded}


def require_variants(config: Config, table: Sequence[Kernel], excluded: Sequence[Excluded]) -> None:
    """Raises HarnessError where a pass or loop of a table of kernels has no variant that is not excluded."""
    left = {kernel.name for kernel in usable(table, excluded)}
    for kernel in timed(config, table):
        if kernel.name not in left:
            its = (kernel.compiler, kernel.isa, kernel.name.removesuffix(LANES))
            reason = next(it["reason"] for it in excluded if passes_of([it]) == {its})
            raise HarnessError(
                f"no variant of {kernel.name} ({kernel.compiler} {kernel.isa}) is right, so nothing is measured; "
                f"the first, {reason}"
            )


def tell_faults(host: Host, kernels: Sequence[Kernel], fault_of: Callable[[Host, Kernel], str]) -> Iterator[Message]:
    """Tells of each kernel that it is looked at, and then what is wrong with it, if anything is. A kernel that crashes,
    or does not come to an end, takes this process with it."""
    for kernel in kernels:
        yield {"looking_at": key(kernel)}
        signal.setitimer(signal.ITIMER_PROF, LONGEST_SECONDS)
        reason = fault_of(host, kernel)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if reason:
            yield {"wrong": key(kernel), "reason": reason}


def wrong_ones(
    extensions: Path, primary: str, kernels: Sequence[Kernel], longest: Mapping[Pair, int] | None = None
) -> list[dict[str, str]]:
    """Items of run.json's `excluded` for those of the kernels that are wrong: at any of the lengths that each is looked
    at, or if the `longest` of each (compiler, ISA) is given, there. The host part is the `primary` compiler's."""
    found: list[dict[str, str]] = []
    keys = [key(kernel) for kernel in kernels]
    lengths = {" ".join(pair): elements for pair, elements in (longest or {}).items()}
    job = {"extensions": str(extensions), "compiler": primary, "longest": lengths}
    with bar("verifying", len(keys)) as progress:
        while keys:
            at = ""
            try:
                for message in processes.ask(
                    "harness.run.exclusion", {**job, "wanted": keys}, "looking at the kernels"
                ):
                    if "wrong" in message:
                        found.append(item(message["wrong"], message["reason"]))
                    else:
                        at = message["looking_at"]
                        progress.update(1)
                return found
            except Killed as failure:
                if not at or failure.signal not in CRASHES:
                    raise
                found.append(item(at, CRASHES[failure.signal]))
                keys = keys[keys.index(at) + 1 :]
    return found


def told(its: Excluded) -> str:
    """A variant that is excluded, and why, in words."""
    return f"excluded: {its['compiler']} {its['isa']} {its['pass']} {its['variant']} is wrong: {its['reason']}"


def right_ones(extensions: Path, config: Config, primary: str, kernels: Sequence[Kernel]) -> list[Kernel]:
    """Those of the kernels that are right at any length; the others are told on standard error. Raises HarnessError
    where a pass or loop has none."""
    found = wrong_ones(extensions, primary, kernels)
    for its in found:
        print(told(its), file=sys.stderr)
    require_variants(config, kernels, found)
    return usable(kernels, found)


def main(job: Mapping[str, Any]) -> None:
    """What that process does. A job has extensions, compiler (of the host part), longest (elements by compiler
    and ISA; empty: any length) and wanted (keys of kernels)."""
    folder, wanted = Path(job["extensions"]), frozenset(job["wanted"])
    host = Host(folder, job["compiler"])
    for pair in dict.fromkeys(pair_of(named) for named in job["wanted"]):
        kernels = [kernel for kernel in load_kernels(folder, *pair) if key(kernel) in wanted]
        fault_of = verification.fault_at_any_length
        if job["longest"]:
            fault_of = partial(verification.fault_far, elements=job["longest"][" ".join(pair)])
        for message in tell_faults(host, kernels, fault_of):
            tell(**message)
