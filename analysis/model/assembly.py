"""Finds the hot loop of each pass in a compiler's assembly: the straight loop that goes furthest in an iteration, since
others do what remains where the compiler unrolls. Of a pass that goes over a vector by several loops it finds one."""

import re
from collections import Counter
from collections.abc import Sequence

INSTANCE = re.compile(r"^(\w+?)_(u\d+k\d+):(.*?)\.cfi_endproc", re.DOTALL | re.MULTILINE)
MEMORY = re.compile(r"\((%\w+)?(?:,\s*(%\w+)(?:,\s*(\d))?)?\)")
INCREMENT = re.compile(r"^(add|sub)q \$(-?\d+), ?(%r\w+)$", re.MULTILINE)
LEAVING = ("j", "ret", "call")  # what follows may not be executed next
ADDRESS_ONLY = ("lea", "nop")  # whose operands in memory are neither read nor written


def hot_loops(assembly: str) -> dict[tuple[str, str], list[str]]:
    """The hot loop of each instance of a pass (NAME_uUkK), in AT&T syntax, by name and variant, in order."""
    return {(name, variant): hot_loop(body.splitlines()) for name, variant, body in INSTANCE.findall(assembly)}


def hot_loop(lines: Sequence[str]) -> list[str]:
    """Of a function the loop that runs once for each U vectors or, where the compiler unrolled it further, for a
    multiple; none where an iteration is more than one straight block, another loop being left inside."""
    code = [line for raw in lines if (line := " ".join(raw.split("#", 1)[0].split()))]
    code = [line for line in code if line.startswith(".L") or not line.startswith(".")]
    labels = {line.removesuffix(":"): place for place, line in enumerate(code) if line.endswith(":")}
    jumps = [(line.split(" ")[-1], end) for end, line in enumerate(code, 1) if line.startswith("j")]
    loops = [[one for one in code[labels[to] : end] if not one.endswith(":")] for to, end in jumps if to in labels]
    straight = [loop for loop in loops if loop and not any(one.startswith(LEAVING) for one in loop[:-1])]
    return max(filter(bytes_per_iteration, straight), key=lambda loop: abs(bytes_per_iteration(loop)), default=[])


def bytes_per_iteration(loop: Sequence[str]) -> int:
    """How far the addresses of vectors advance in an iteration; 0 where they do not all by the same constant."""
    steps: Counter[str] = Counter()
    for what, by, register in INCREMENT.findall("\n".join(loop)):
        steps[register] += int(by) if what == "add" else -int(by)
    places = MEMORY.findall("\n".join(one for one in loop if not one.startswith(ADDRESS_ONLY)))
    advances = {steps[base] + int(scale or 1) * steps[index] for base, index, scale in places} - {0}
    return advances.pop() if len(advances) == 1 else 0
