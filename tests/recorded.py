"""The recorded runs that came with the project, for tests that read them."""

import json
from pathlib import Path

from harness.record.files import ROOT


def one_of_each() -> list[Path]:
    """Of each machine, format and protocol the folder of one recorded run: more runs make no test longer."""
    found = {}
    for path in sorted((ROOT / "results" / "recorded").glob("*/*/run.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        found[path.parents[1].name, said["schema_version"], said["protocol"]["name"]] = path.parent
    return [*found.values()]
