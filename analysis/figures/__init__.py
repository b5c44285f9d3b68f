"""The figures: one file each. A file NAME.py here is a figure, with a one-line docstring (the caption), EXPERIMENT (the
experiment that its rows are of), TABLE (what makes its table of a run) and draw(run).

Listing them imports none: the Snakefile does so while it is parsed.
"""

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType

from harness.record.errors import UnknownFigure

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The names of the figures, sorted; three_pass.py is the figure three-pass."""
    return sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.py") if path.stem != "__init__")


def caption(name: str) -> str:
    """The caption of a figure: the docstring of its file. Raises UnknownFigure."""
    return ast.get_docstring(_tree(name)) or ""


def experiment(name: str) -> str:
    """The experiment that a figure is drawn from: EXPERIMENT of its file. Raises UnknownFigure."""
    for node in _tree(name).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXPERIMENT":
            return ast.literal_eval(node.value)
    raise AssertionError(f"the figure {name} does not say EXPERIMENT")


def load(name: str) -> ModuleType:
    """The module of a figure, with TABLE(run) and draw(run). Raises UnknownFigure."""
    return import_module(f"{__name__}.{_file(name).stem}")


def _tree(name: str) -> ast.Module:
    return ast.parse(_file(name).read_text(encoding="utf-8"))


def _file(name: str) -> Path:
    if name not in names():
        raise UnknownFigure(f"no figure is called '{name}'; there are: {', '.join(names())}")
    return FOLDER / f"{name.replace('-', '_')}.py"
