"""Finds the hot loop of each pass in a compiler's assembly: the straight loop that goes furthest in an iteration, since
others do what remains where the compiler unrolls. Of a pass that goes over a vector by several loops it finds one."""

import re
from collections.abc import Mapping, Sequence

INSTANCE = re.compile(r"(\w+?)_(u\d+k\d+):")
LABEL = re.compile(r"(\.L\w+):")
MEMORY = re.compile(r"\((%\w+)?(?:,\s*(%\w+)(?:,\s*(\d))?)?\)")
OPERAND = re.compile(r"(?:[^,(]|\([^)]*\))+")
INCREMENT = re.compile(r"(add|sub)q \$(-?\d+), ?(%r\w+)|(inc|dec)q (%r\w+)|leaq (-?\d+)\((%r\w+)\), ?(%r\w+)")
LEAVING = ("j", "ret", "call")
"""Mnemonics after which what follows may not be executed next."""
ADDRESS_ONLY = ("lea", "nop")
"""With operands in memory that are neither read nor written."""
READING = ("cmp", "test", "vucomis", "vcomis", "j", "push", "prefetch")
"""Whose last operand is no destination."""


def hot_loop(instructions: Sequence[str], labels: Mapping[str, int]) -> list[str]:
    """Of a function's instructions the loop that runs once for each U vectors or, where the compiler unrolled it
    further, for a multiple; none where an iteration is more than one straight block, another loop being left inside.
    `labels`: the index of what follows each."""
    steps: dict[int, list[str]] = {}
    for end, jump in enumerate(instructions):
        start = labels.get(last_operand(jump), end + 1) if jump.startswith("j") else end + 1
        loop = list(instructions[start : end + 1])
        if loop and not any(one.startswith(LEAVING) for one in loop[:-1]) and (step := bytes_per_iteration(loop)):
            steps.setdefault(abs(step), loop)
    return steps[max(steps)] if steps else []


def last_operand(instruction: str) -> str:
    """In AT&T syntax the destination; empty where there is none."""
    operands = OPERAND.findall(instruction.partition(" ")[2])
    return operands[-1].strip() if operands else ""


def bytes_per_iteration(loop: Sequence[str]) -> int | None:
    """How far the addresses of vectors advance in an iteration; None where they do not all by the same constant."""
    steps: dict[str, int] = {}
    others = set()
    for one in loop:
        if (found := INCREMENT.fullmatch(one)) and found[7] == found[8]:
            register = found[3] or found[5] or found[8]
            by = int(found[2] or found[6] or 1) * (-1 if found[1] == "sub" or found[4] == "dec" else 1)
            steps[register] = steps.get(register, 0) + by
        elif not one.startswith(READING):
            others.add(last_operand(one))
    for register in others:  # changes by more than constants
        steps.pop(register, None)
    advances = {
        steps.get(base, 0) + int(scale or 1) * steps.get(index, 0)
        for one in loop
        if not one.startswith(ADDRESS_ONLY)
        for base, index, scale in MEMORY.findall(one)
    } - {0}
    return advances.pop() if len(advances) == 1 else None


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
