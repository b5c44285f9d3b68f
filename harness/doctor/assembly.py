"""The kernels in assembly, from which the analysis predicts cycles: what the compilers make of them, on any machine."""

from __future__ import annotations

import json
from pathlib import Path

from harness.native import build
from harness.record.configuration import Config
from harness.record.files import write_whole

# plain: as in the extensions; lines: with the source line of each instruction, which tells loops apart.
WAYS = {"plain": [], "lines": ["-g1"]}
CONTENTS = "assembly.json"


def write(config: Config, folder: Path) -> None:
    """Writes the assembly of each configured compiler and ISA below `folder`, in both ways, and what there is.

    Raises HarnessError where a compiler is missing or fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    objects = []
    for compiler in [build.require_compiler(config, name) for name in config["compilers"]]:
        for isa in config["isas"]:
            files = {way: f"{compiler.name}-{isa}-{way}.s" for way in WAYS}
            for way, more in WAYS.items():
                flags = [*build.flags(config, isa), "-fPIC", f"-I{build.KERNELS}", *more, "-S"]
                source = build.KERNELS / "kernels.c"
                build.run([*compiler.command, *flags, str(source), "-o", str(folder / files[way])])
            objects.append({"compiler": compiler.name, "version": compiler.version, "isa": isa, **files})
    contents = {"algorithms": config["algorithms"], "objects": objects}
    write_whole({folder / CONTENTS: (json.dumps(contents, indent=2) + "\n").encode()})
