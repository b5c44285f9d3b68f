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

from harness.experiments.base import Roster
from harness.machine import processes
from harness.machine.processes import Message, tell
from harness.native import verification
from harness.native.extensions import Host, Kernel, load_kernels
from harness.record.configuration import Config
from harness.record.errors import HarnessError, Killed
from harness.run.progress import bar

# Of processor time, for all that is done to one variant: milliseconds, at the longest length of a run seconds.
LONGEST_SECONDS = 60
CRASHES: dict[int, str] = {
    signal.SIGSEGV: "it reads or writes where it may not (SIGSEGV)",
    signal.SIGBUS: "it reads or writes where it may not (SIGBUS)",
    signal.SIGILL: "it has an instruction that this processor lacks (SIGILL)",
    signal.SIGFPE: "it divides by zero (SIGFPE)",
    signal.SIGABRT: "it aborts (SIGABRT)",
    signal.SIGTRAP: "it aborts (SIGTRAP)",
    signal.SIGPROF: f"it does not end within {LONGEST_SECONDS} s",
}
"""How a kernel may end a process, in words."""

Excluded = Mapping[str, str]
"""An item of run.json's `excluded`: compiler, isa, pass, variant, reason."""


def key(kernel: Kernel) -> str:
    """Names a variant within a run."""
    return f"{kernel.compiler} {kernel.isa} {kernel.name} {kernel.variant}"


def ours(kernel: Kernel) -> tuple[str, str, str, str]:
    """Compiler, ISA, pass and variant of a kernel; one that sums as published goes with ours, beside which it is
    measured."""
    return kernel.compiler, kernel.isa, kernel.twin_of or kernel.name, kernel.variant


def timed(roster: Roster) -> list[Kernel]:
    """Those of the kernels that may be timed: all variants of the algorithms' passes, the same as published, and the
    bandwidth loops."""
    return [kernel for kernel in roster.kernels if not kernel.computes or ours(kernel)[2] in roster.passes]


def item(named: str, reason: str) -> dict[str, str]:
    """An item of run.json's `excluded` for the variant of this key."""
    return {**dict(zip(("compiler", "isa", "pass", "variant"), named.split(" "), strict=True)), "reason": reason}


def wrong(table: Iterable[Kernel], excluded: Iterable[Excluded]) -> dict[tuple[str, str, str, str], str]:
    """The reason for each of the kernels that are `excluded`, as `ours` has them."""
    reasons = {" ".join((its["compiler"], its["isa"], its["pass"], its["variant"])): its["reason"] for its in excluded}
    return {ours(kernel): reasons[key(kernel)] for kernel in table if key(kernel) in reasons}


def usable(table: Sequence[Kernel], excluded: Sequence[Excluded]) -> list[Kernel]:
    """A table of kernels without those that are `excluded`, and without those that are measured beside one of them."""
    those = wrong(table, excluded)
    return [kernel for kernel in table if ours(kernel) not in those]


def require_variants(roster: Roster, excluded: Sequence[Excluded]) -> None:
    """Raises HarnessError where a pass or loop of a roster has no variant that is not excluded."""
    left = {kernel.name for kernel in usable(roster.kernels, excluded)}
    for kernel in timed(roster):
        if kernel.name not in left:
            reasons = wrong(roster.kernels, excluded)
            reason = next(reason for its, reason in reasons.items() if its[:3] == ours(kernel)[:3])
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
    host: Host, kernels: Sequence[Kernel], longest: Mapping[tuple[str, str], int] | None = None
) -> list[dict[str, str]]:
    """Items of run.json's `excluded` for those of the kernels that are wrong: at any of the lengths that each is looked
    at, or if the `longest` of each (compiler, ISA) is given, there."""
    found: list[dict[str, str]] = []
    keys = [key(kernel) for kernel in kernels]
    lengths = {" ".join(pair): elements for pair, elements in (longest or {}).items()}
    job = {"extensions": str(host.folder.resolve()), "compiler": host.compiler, "longest": lengths}
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


def right_ones(host: Host, config: Config, kernels: Sequence[Kernel]) -> list[Kernel]:
    """Those of the kernels that are right at any length; the others are told on standard error. Raises HarnessError
    where a pass or loop has none."""
    found = wrong_ones(host, kernels)
    for its in found:
        print(told(its), file=sys.stderr)
    require_variants(Roster(config, kernels), found)
    return usable(kernels, found)


def main(job: Mapping[str, Any]) -> None:
    """What that process does. A job has extensions, compiler (of the host part), longest (elements by compiler
    and ISA; empty: any length) and wanted (keys of kernels)."""
    folder, wanted = Path(job["extensions"]), frozenset(job["wanted"])
    host = Host(folder, job["compiler"])
    for pair in dict.fromkeys(tuple(named.split(" ")[:2]) for named in job["wanted"]):
        kernels = [kernel for kernel in load_kernels(folder, *pair) if key(kernel) in wanted]
        fault_of = verification.fault_at_any_length
        if job["longest"]:
            fault_of = partial(verification.fault_far, elements=job["longest"][" ".join(pair)])
        for message in tell_faults(host, kernels, fault_of):
            tell(**message)
