"""The figures: one file each. A file NAME.py here, with a one-line docstring (the caption) and draw(run), is a figure.

Listing them imports none: the Snakefile does so while it is parsed.
"""

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType

from analysis.errors import UnknownFigure

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The names of the figures, sorted; three_pass.py is the figure three-pass."""
    return sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.py") if path.stem != "__init__")


def caption(name: str) -> str:
    """The caption of a figure: the docstring of its file. Raises UnknownFigure."""
    return ast.get_docstring(ast.parse(_file(name).read_text(encoding="utf-8"))) or ""


def load(name: str) -> ModuleType:
    """The module of a figure, whose draw(run) gives (Figure, table). Raises UnknownFigure."""
    return import_module(f"{__name__}.{_file(name).stem}")


def _file(name: str) -> Path:
    if name not in names():
        raise UnknownFigure(f"no figure is called '{name}'; there are: {', '.join(names())}")
    return FOLDER / f"{name.replace('-', '_')}.py"
