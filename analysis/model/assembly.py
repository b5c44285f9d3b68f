"""Finds the hot loop of each pass in a compiler's assembly: the straight loop that goes furthest in an iteration, since
others do what remains where the compiler unrolls. Of a pass that goes over a vector by several loops it finds one."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

INSTANCE = re.compile(r"(\w+?)_(u\d+k\d+):")
LABEL = re.compile(r"(\.L\w+):")
MEMORY = re.compile(r"\((%\w+)?(?:,\s*(%\w+)(?:,\s*(\d))?)?\)")
INCREMENT = re.compile(r"^(add|sub)q \$(-?\d+), ?(%r\w+)$", re.MULTILINE)
LEAVING = ("j", "ret", "call")
"""Mnemonics after which what follows may not be executed next."""
ADDRESS_ONLY = ("lea", "nop")
"""With operands in memory that are neither read nor written."""


def hot_loop(instructions: Sequence[str], labels: Mapping[str, int]) -> list[str]:
    """Of a function's instructions the loop that runs once for each U vectors or, where the compiler unrolled it
    further, for a multiple; none where an iteration is more than one straight block, another loop being left inside.
    `labels`: the index of what follows each."""
    jumps = [(one.split(" ")[-1], end) for end, one in enumerate(instructions, 1) if one.startswith("j")]
    loops = [list(instructions[labels[to] : end]) for to, end in jumps if to in labels]
    straight = [loop for loop in loops if loop and not any(one.startswith(LEAVING) for one in loop[:-1])]
    return max(filter(bytes_per_iteration, straight), key=lambda loop: abs(bytes_per_iteration(loop)), default=[])


def bytes_per_iteration(loop: Sequence[str]) -> int:
    """How far the addresses of vectors advance in an iteration; 0 where they do not all by the same constant."""
    steps: Counter[str] = Counter()
    for what, by, register in INCREMENT.findall("\n".join(loop)):
        steps[register] += int(by) if what == "add" else -int(by)
    advances = {
        steps[base] + int(scale or 1) * steps[index]
        for one in loop
        if not one.startswith(ADDRESS_ONLY)
        for base, index, scale in MEMORY.findall(one)
    } - {0}
    return advances.pop() if len(advances) == 1 else 0


def hot_loops(assembly: str) -> dict[tuple[str, str], list[str]]:
    """The hot loop of each instance of a pass (NAME_uUkK), in AT&T syntax, by name and variant, in order."""
    found, opened, instructions, labels = {}, None, [], {}
    for line in (raw.split("#", 1)[0].strip() for raw in assembly.splitlines()):
        if instance := INSTANCE.match(line):
            opened, instructions, labels = instance.groups(), [], {}
        elif opened and line.startswith(".cfi_endproc"):
            found[opened], opened = hot_loop(instructions, labels), None
        elif label := LABEL.match(line):
            labels[label[1]] = len(instructions)
        elif line and not line.startswith("."):
            instructions.append(re.sub(r"\s+", " ", line))
    return found
