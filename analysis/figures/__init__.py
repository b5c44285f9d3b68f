"""The figures: one file each. A file NAME.py here is a figure, with a one-line docstring (the caption), EXPERIMENT (the
experiment that its rows are of), TABLE (what makes its table of a run) and draw(run). Those in the folder pooled have
them of a whole body of evidence, with draw(evidence); the others of the run of it that has most of the experiment.

Listing them imports none: the Snakefile does so while it is parsed.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from harness.record.errors import UnknownFigure

if TYPE_CHECKING:
    from harness.reading.evidence import Evidence
    from harness.record.samples import Run

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The names of the figures, sorted; three_pass.py is the figure three-pass."""
    return sorted(_files())


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
    """The module of a figure, with TABLE and draw. Raises UnknownFigure."""
    return import_module(".".join([__name__, *_file(name).relative_to(FOLDER).with_suffix("").parts]))


def subject(name: str, evidence: Evidence) -> Evidence | Run:
    """What TABLE and draw of a figure take. Raises UnknownFigure."""
    return evidence.telling(experiment(name)) if _file(name).parent == FOLDER else evidence


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse(_file(name).read_text(encoding="utf-8"))


def _files() -> dict[str, Path]:
    return {path.stem.replace("_", "-"): path for path in FOLDER.rglob("*.py") if path.stem != "__init__"}


def _file(name: str) -> Path:
    if name not in _files():
        raise UnknownFigure(f"no figure is called '{name}'; there are: {', '.join(names())}")
    return _files()[name]
