"""What production libraries do for a softmax, as data: config/libraries.yaml; and as the table that README shows."""

from functools import cache
from pathlib import Path
from typing import Any

from harness.record.documents import read_checked
from harness.record.machines import CONFIG

LIBRARIES = CONFIG / "libraries.yaml"
COLUMNS = {
    "library": "library",
    "passes": "passes over the vector",
    "floats": "floats an element",
    "degree": "degree",
    "accumulators": "accumulators",
    "sum": "sum",
    "stores": "stores",
    "source": "source",
}
"""Of the table, by the keys of the file."""


@cache
def load_libraries(file: Path = LIBRARIES) -> tuple[dict[str, Any], ...]:
    """The libraries, as the schema describes them. Raises BadConfiguration."""
    return tuple(read_checked(file, "libraries"))


def markdown() -> str:
    """The libraries as a table of Markdown."""
    rows = [COLUMNS.values(), ["---"] * len(COLUMNS), *([str(its[key]) for key in COLUMNS] for its in load_libraries())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
