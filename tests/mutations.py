"""Seeded mutations for fuzzing: what a slip of the pen, a broken disk or ill will makes of JSON-like data or bytes."""

import copy
import random
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]

# As deep as what writes JSON and YAML stands; deeper ones are among the bytes.
DEEP: list[Any] = []
for _ in range(100):
    DEEP = [DEEP]
NUMBERS = (
    0, -1, 1, 4.0, 0.5, 1e-300, 1e308, 10**6, 10**9, 2**31, 2**63, -(2**63), 10**400,
    float("nan"), float("inf"), float("-inf"), True, False,
)  # fmt: skip
TEXTS = (
    "", " ", "x", "0", "NaN", "null", "2020-01-01", "../../etc/passwd", "a\nb", "\x1b[31mred\x07", "\x00", "\u202eabc",
    "\u2028", "\ud800", "$\\frac{$", "'", "%s{}", "x" * 100_000,
)  # fmt: skip
OTHERS = (None, [], {}, [[]], {"": {}}, {"a": 1}, DEEP)


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every part of a JSON-like value, that of the whole, (), included."""
    yield path
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(part, (*path, key))


def at(value: Any, path: Path) -> Any:
    """The part of a JSON-like value at this path."""
    for key in path:
        value = value[key]
    return value


def replaced(value: Any, chance: random.Random) -> Any:
    """Something that could stand where `value` does: near it, an extreme of its type, or of another type."""
    nears: tuple[Any, ...] = TEXTS
    if isinstance(value, int | float):
        nears = (value + 1, -value, value * 1000, float(value), str(value), *NUMBERS)
    elif isinstance(value, str):
        nears = (value[1:], value * 2, value.upper(), value + "\n", value + "\x1b[0m", *TEXTS)
    return chance.choice(chance.choice((nears, NUMBERS, TEXTS, OTHERS)))


def mutated(value: Any, chance: random.Random) -> tuple[str, Any]:
    """A copy of a JSON-like value with one part deleted, doubled, moved, renamed or replaced; and which, in words."""
    result = copy.deepcopy(value)
    path = chance.choice([path for path in paths(result) if path])
    *above, key = path
    parent = at(result, tuple(above))
    kind = chance.choice(("delete", "double", "move", "replace", "replace"))
    if kind == "delete":
        del parent[key]
    elif kind == "double" and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    elif kind == "double":
        parent[chance.choice(TEXTS)] = copy.deepcopy(parent[key])
    elif kind == "move":
        other = chance.choice(list(paths(value)))
        parent[key] = copy.deepcopy(at(value, other))
        return f"{where(path)} becomes {where(other)}", result
    else:
        parent[key] = replaced(parent[key], chance)
        return f"{where(path)} becomes {short(parent[key])}", result
    return f"{kind} {where(path)}", result


def mutated_bytes(content: bytes, chance: random.Random) -> tuple[str, bytes]:
    """The bytes with one byte changed, a part of them cut off, taken out or doubled, or a foreign one put in; and what
    was done, in words."""
    start, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    foreign = chance.choice((b"\xff", b"\x00", b"\x1b[31m", b"\xed\xa0\x80", b"\r", b"\t", b",", b"&a *a", b"[" * 5000))
    flipped = bytes(byte ^ 1 << chance.randrange(8) for byte in content[start : start + 1])
    kinds = {
        f"cut off at {start}": content[:start],
        f"{start} to {end} taken out": content[:start] + content[end:],
        f"{start} to {end} doubled": content[:end] + content[start:],
        f"{foreign[:10]!r} put in at {start}": content[:start] + foreign + content[start:],
        f"a bit of {start} flipped": content[:start] + flipped + content[start + 1 :],
    }
    words = chance.choice(list(kinds))
    return words, kinds[words]


def where(path: Path) -> str:
    """A path in one word."""
    return ".".join(map(str, path)) or "everything"


def short(value: Any) -> str:
    """A value in a few characters, whatever it is."""
    return "nested lists" if value is DEEP else repr(value)[:40]
