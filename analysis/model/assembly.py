"""Finds the hot loop of each pass in a compiler's assembly.

What is marked is the source: the line on which a pass writes ITERATIONS or WHOLE_ITERATIONS. Compiled with -g1, each
instruction says its source line (.loc), and the hot loop is the one whose backward jump is on a marked line. A marker
inside of the loop, as an asm statement, is no choice: compilers do not schedule or unroll across one (gcc 12: it
changed 70 % of all instances, clang 19: a third). Line tables change nothing, which a test sees to.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
LEAVING = ("j", "ret", "call")
"""Mnemonics after which what follows may not be executed next."""
ADDRESS_ONLY = ("lea", "nop")
"""With operands in memory that are neither read nor written."""
READING = ("cmp", "test", "vucomis", "vcomis", "j", "push", "prefetch")
"""Whose last operand is no destination."""

Place = tuple[str, int]
"""A source line: the file's name and the line's number, from 1."""


@dataclass(frozen=True)
class Instruction:
    """One instruction in AT&T syntax, without comments, and the source line that it comes from, if any."""

    text: str
    place: Place | None = None

    @property
    def target(self) -> str:
        """The last operand."""
        operands = OPERAND.findall(self.text.partition(" ")[2])
        return operands[-1].strip() if operands else ""


@dataclass(frozen=True)
class Function:
    """An instance of a pass: its instructions, and the labels between them (label -> index of what follows)."""

    pass_name: str
    variant: str
    instructions: tuple[Instruction, ...]
    labels: Mapping[str, int]

    def hot_loop(self, places: Collection[Place]) -> tuple[str, ...]:
        """The instructions of the loop that runs once for each U vectors or, where the compiler unrolled it further,
        for a multiple; none where an iteration is more than one straight block, another loop being left inside.

        Of several it is that with the largest step: the others do what remains when the compiler unrolls. Raises
        HarnessError where no jump at all comes from one of these source lines, so that they tell nothing.
        """
        if not any(one.text.startswith(LEAVING) and one.place in places for one in self.instructions):
            raise HarnessError(f"{self.pass_name} {self.variant}: no jump comes from a marked line")
        steps = {loop: abs(step) for loop in self._loops(places) if (step := bytes_per_iteration(loop))}
        return tuple(one.text for one in max(steps, key=steps.__getitem__, default=()))

    def _loops(self, places: Collection[Place]) -> Iterator[tuple[Instruction, ...]]:
        """Every straight loop whose backward jump comes from one of these source lines."""
        for end, jump in enumerate(self.instructions):
            if jump.text.startswith("j") and jump.place in places:
                start = self.labels.get(jump.target, end + 1)
                inside = self.instructions[start:end]
                if start <= end and not any(one.text.startswith(LEAVING) for one in inside):
                    yield (*inside, jump)


def bytes_per_iteration(loop: Sequence[Instruction]) -> int | None:
    """How far the addresses of vectors advance in an iteration; None where they do not all by the same constant."""
    steps: dict[str, int] = {}
    others = set()
    for one in loop:
        if (found := INCREMENT.fullmatch(one.text)) and found[7] == found[8]:
            register = found[3] or found[5] or found[8]
            by = int(found[2] or found[6] or 1) * (-1 if found[1] == "sub" or found[4] == "dec" else 1)
            steps[register] = steps.get(register, 0) + by
        elif not one.text.startswith(READING):
            others.add(one.target)
    for register in others:  # changes by more than constants
        steps.pop(register, None)
    advances = {
        steps.get(base, 0) + int(scale or 1) * steps.get(index, 0)
        for one in loop
        if not one.text.startswith(ADDRESS_ONLY)
        for base, index, scale in MEMORY.findall(one.text)
    } - {0}
    return advances.pop() if len(advances) == 1 else None


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
