"""Finds the hot loop of each pass in a compiler's assembly, and counts what is in it.

What is marked is the source: the line on which a pass writes ITERATIONS or WHOLE_ITERATIONS. Compiled with -g1, each
instruction says its source line (.loc), and the hot loop is the one whose backward jump is on a marked line. A marker
inside of the loop, as an asm statement, is no choice: compilers do not schedule or unroll across one, and so many loops
changed that none could be trusted (gcc 12: 70 % of all instances, clang 19: a third). Line tables change nothing: the
instructions with and without them are the same in every instance, which is checked each time.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.record.errors import HarnessError

MARK = re.compile(r"\s+(?:WHOLE_)?ITERATIONS\b")
INSTANCE = re.compile(r"(\w+?)_(u\d+k\d+):")
FILE = re.compile(r'\.file\s+(\d+)\s+"([^"]*)"(?:\s+"([^"]*)")?')
LOCATION = re.compile(r"\.loc\s+(\d+)\s+(\d+)")
LABEL = re.compile(r"(\.L\w+):")
MEMORY = re.compile(r"\((%\w+)?(?:,\s*(%\w+)(?:,\s*(\d))?)?\)")
OPERAND = re.compile(r"(?:[^,(]|\([^)]*\))+")
INCREMENT = re.compile(r"(add|sub)q \$(-?\d+), ?(%r\w+)|(inc|dec)q (%r\w+)|leaq (-?\d+)\((%r\w+)\), ?(%r\w+)")
FLOAT_BYTES = 4

Place = tuple[str, int]
"""A source line: the file's name and the line's number, from 1."""


@dataclass(frozen=True)
class Instruction:
    """One instruction in AT&T syntax, without comments, and the source line that it comes from, if any."""

    text: str
    place: Place | None = None

    @property
    def mnemonic(self) -> str:
        return self.text.split(maxsplit=1)[0]

    @cached_property
    def operands(self) -> tuple[str, ...]:
        """Sources first, the destination last."""
        return tuple(operand.strip() for operand in OPERAND.findall(self.text.removeprefix(self.mnemonic)))

    @property
    def leaves(self) -> bool:
        """Whether what follows may not be executed next."""
        return self.mnemonic.startswith(("j", "ret", "call"))

    @property
    def writes_last(self) -> bool:
        """Whether the last operand is a destination."""
        return not self.mnemonic.startswith(("cmp", "test", "vucomis", "vcomis", "j", "push", "prefetch"))

    @property
    def reads_destination(self) -> bool:
        """Whether a destination in memory is also read: all but moves, conversions and extractions to memory do."""
        return not self.mnemonic.startswith(("mov", "vmov", "kmov", "set", "vextract", "vpextr", "vpmov", "vcvt"))

    @property
    def is_address_only(self) -> bool:
        """Whether an operand in memory is neither read nor written."""
        return self.mnemonic.startswith(("lea", "nop"))


@dataclass(frozen=True)
class Loop:
    """A loop from its label to its backward jump, the only one in it, so each iteration executes each instruction once.
    `stack`: the registers that address the function's stack frame."""

    instructions: tuple[Instruction, ...]
    stack: frozenset[str]

    def bytes_per_iteration(self) -> int | None:
        """How far the addresses of vectors advance in an iteration; None where they do not all by the same constant."""
        steps = self._steps()
        advances = {
            steps.get(base, 0) + int(scale or 1) * steps.get(index, 0)
            for instruction in self.instructions
            for base, index, scale in MEMORY.findall(instruction.text)
            if not instruction.is_address_only
        } - {0}
        return advances.pop() if len(advances) == 1 else None

    def _steps(self) -> Mapping[str, int]:
        """By how much each register changes in an iteration, of those that change only by constants."""
        steps: dict[str, int] = {}
        others = set()
        for instruction in self.instructions:
            if (found := INCREMENT.fullmatch(instruction.text)) and found[7] == found[8]:
                register = found[3] or found[5] or found[8]
                by = int(found[2] or found[6] or 1) * (-1 if found[1] == "sub" or found[4] == "dec" else 1)
                steps[register] = steps.get(register, 0) + by
            elif instruction.writes_last and instruction.operands:
                others.add(instruction.operands[-1])
        return {register: step for register, step in steps.items() if register not in others}

    def stack_accesses(self) -> tuple[int, int]:
        """(stores, loads) of an iteration that go to the stack frame: what the registers could not hold.

        Constants that were left there before the loop count as loads, as often as they are read.
        """
        stores = loads = 0
        for instruction in self.instructions:
            for position, operand in enumerate(instruction.operands, 1):
                memory = MEMORY.search(operand)
                if not memory or memory[1] not in self.stack or instruction.is_address_only:
                    continue
                stored = position == len(instruction.operands) and instruction.writes_last
                stores += stored
                loads += not stored or instruction.reads_destination
        return stores, loads


@dataclass(frozen=True)
class Function:
    """An instance of a pass: its instructions, and the labels between them (label -> index of what follows)."""

    pass_name: str
    variant: str
    instructions: tuple[Instruction, ...]
    labels: Mapping[str, int]

    @property
    def name(self) -> str:
        return f"{self.pass_name} {self.variant}"

    def loops(self, places: Collection[Place]) -> Iterator[Loop]:
        """Every straight loop whose backward jump comes from one of these source lines."""
        frame = any(re.fullmatch(r"movq %rsp, ?%rbp", instruction.text) for instruction in self.instructions)
        stack = frozenset({"%rsp", "%rbp"} if frame else {"%rsp"})
        for end, instruction in enumerate(self.instructions):
            if instruction.mnemonic.startswith("j") and instruction.place in places:
                start = self.labels.get(instruction.operands[0], end + 1)
                if start <= end and not any(inside.leaves for inside in self.instructions[start:end]):
                    yield Loop(self.instructions[start : end + 1], stack)

    def hot_loop(self, places: Collection[Place]) -> Loop | None:
        """The loop that runs once for each U vectors or, where the compiler unrolled it further, for a multiple; None
        where an iteration is more than one straight block of code, since another loop is left inside.

        Of several it is that with the largest step: the others do what remains when the compiler unrolls. Raises
        HarnessError where no jump at all comes from a marked line, so that the lines tell nothing.
        """
        if not any(instruction.leaves and instruction.place in places for instruction in self.instructions):
            raise HarnessError(f"{self.name}: no jump comes from a marked line")
        steps = {loop: abs(step) for loop in self.loops(places) if (step := loop.bytes_per_iteration())}
        return max(steps, key=steps.__getitem__, default=None)


def marked_places(folder: Path) -> frozenset[Place]:
    """The source lines below `folder` on which a pass iterates over whole vectors."""
    return frozenset(
        (file.name, number)
        for file in sorted(folder.glob("*.h"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if MARK.match(line)
    )


def functions(assembly: str) -> list[Function]:
    """The instances of passes (NAME_uUkK) in an assembly file, in order."""
    files: dict[str, str] = {}
    found: list[Function] = []
    inside, place = False, None
    instructions: list[Instruction] = []
    labels: dict[str, int] = {}
    for raw in assembly.splitlines():
        line = raw.split("#", 1)[0].strip()
        if file := FILE.match(line):
            files[file[1]] = Path(file[3] or file[2]).name
        elif instance := INSTANCE.match(line):
            inside, place, instructions, labels = True, None, [], {}
            opened = (instance[1], instance[2])
        elif not inside or not line:
            continue
        elif line.startswith(".cfi_endproc"):
            found.append(Function(*opened, tuple(instructions), labels))
            inside = False
        elif location := LOCATION.match(line):
            place = (files.get(location[1], ""), int(location[2]))
        elif label := LABEL.match(line):
            labels[label[1]] = len(instructions)
        elif not line.startswith("."):
            instructions.append(Instruction(re.sub(r"\s+", " ", line), place))
    return found


def skeleton(function: Function) -> Sequence[str]:
    """The function's instructions, each label replaced by the index of the instruction that it stands before: the same
    for two assembly files that give the same machine code."""

    def index(name: re.Match[str]) -> str:
        return f"@{function.labels[name[0]]}" if name[0] in function.labels else "@elsewhere"

    return [re.sub(r"\.L\w+", index, instruction.text) for instruction in function.instructions]
