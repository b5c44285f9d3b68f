"""Who may know whom: `analysis` knows `harness`, never the other way round, and a room knows those above it."""

import ast
from pathlib import Path

from harness.native.build import HASHED
from harness.record.files import ROOT

# Each room may import those before it in its package, and itself.
ROOMS = {
    "harness": (
        *("record", "statistics", "machine", "native", "experiments", "peers", "sampling", "run"),
        *("reading", "doctor", "exchange", "workflow", "commands", "__main__"),
    ),
    "analysis": ("tables", "claims", "figures", "model", "page", "workflow", "commands", "__main__"),
}
LOOSE = {"analysis": ("style", "panels", "render", "across", "summary", "options")}
"""Modules that stand in no room."""


def modules() -> dict[str, Path]:
    """Every module of the two packages, by name."""
    files = [file for package in ROOMS for file in (ROOT / package).rglob("*.py")]
    names = {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}
    return names


def imported(file: Path, known: dict[str, Path]) -> set[str]:
    """The project's modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found & known.keys()


def room_of(module: str) -> tuple[str, str]:
    package, room, *_ = [*module.split("."), ""]
    return package, room


def test_no_arrow_goes_up():
    known = modules()
    up = []
    for module, file in known.items():
        package, room = room_of(module)
        for other in imported(file, known):
            its_package, its_room = room_of(other)
            if its_package != package:
                up += [(module, other)] if package == "harness" else []
            elif room in ROOMS[package] and its_room in ROOMS[package]:
                up += [(module, other)] if ROOMS[package].index(its_room) > ROOMS[package].index(room) else []
    assert up == []


def test_no_module_knows_itself_by_way_of_others():
    known = modules()
    arrows = {module: imported(file, known) - {module} for module, file in known.items()}
    left = dict(arrows)
    while left:
        ends = [module for module, others in left.items() if not others & left.keys()]
        if not ends:
            break
        for module in ends:
            del left[module]
    assert not left, f"circles among {sorted(left)}"


def test_what_decides_rows_is_hashed():
    rooms = ROOMS["harness"]
    assert set(HASHED) == {"kernels", *(f"harness/{room}" for room in rooms[: rooms.index("run") + 1])}


def test_every_room_is_known_here():
    rooms = {room_of(module) for module in modules()}
    expected = {(package, room) for package in ROOMS for room in (*ROOMS[package], *LOOSE.get(package, ()), "")}
    assert rooms <= expected
