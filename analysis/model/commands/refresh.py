"""Makes anew what predictions are made of: needs gcc, clang and llvm-mca, and some five minutes.

Without --keep-loops compiles the kernels and asks llvm-mca for the cycles of their loops; then judges the model by all
recorded runs of whose kernels it has the loops.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, product
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from analysis.model import in_core, report, validate
from analysis.options import RESULTS
from harness.native import build
from harness.reading import catalog
from harness.reading.command_line import option
from harness.record import configuration
from harness.record.files import csv_bytes, write_whole
from harness.record.machines import LlvmModel, llvm_models
from harness.record.samples import load_runs

OPTIONS = (
    option("--keep-loops", action="store_true", help="leave the recorded cycles of loops as they are"),
    option("--output", type=Path, default=in_core.RECORDED.parent, metavar="DIR", help="default: %(default)s"),
    RESULTS,
)


def run(options: argparse.Namespace) -> None:
    """Writes in-core.csv, algorithms.json, validation.csv and validation.md; prints the latter."""
    folders = chain.from_iterable(catalog.complete_runs(options.results).values())
    runs, loops = [run for run in load_runs(folders) if not run.protocol.is_smoke], in_core.load()
    if not options.keep_loops:
        loops = in_core.renewed(loops, loops_now(configuration.load()["compilers"], llvm_models()), runs)
    table = validate.compare(runs, loops).round(6)
    for other in (run for run in runs if run.name not in set(table["run"])):
        print(f"{other.folder}: left out, no loops of its kernels are recorded", file=sys.stderr)
    page = report.validation(table)
    written = {
        in_core.RECORDED.name: csv_bytes(loops),
        validate.ALGORITHMS.name: validate.algorithms_file(runs, loops),
        validate.RECORDED.name: csv_bytes(table),
        "validation.md": page.encode(),
    }
    write_whole({options.output / name: content for name, content in written.items()})
    print(page, end="")


def loops_now(names: Sequence[str], models: Mapping[str, LlvmModel]) -> pd.DataFrame:
    """in_core.table of the kernels as they are, by these compilers. Raises HarnessError where one cannot be used."""
    config = configuration.load()
    compilers = [build.require_compiler(config, name) for name in names]
    made, kernels = compiled(config, compilers, in_core.VECTORS), build.kernels_hash(config, compilers)
    return in_core.table(kernels, config["algorithms"], made, models)


def compiled(
    config: configuration.Config, compilers: Sequence[build.Compiler], isas: Sequence[str]
) -> Iterator[tuple[str, str, str, str, str]]:
    """Compiler, its version, ISA, what the passes' names end with, and the assembly of each table of kernels. Raises
    HarnessError where a compiler fails."""
    forms = {f"_{form}": [flag] for form, flag in build.FORMS.items() if form != in_core.PREFETCH}
    tables: dict[str, list[str]] = {"": []} | forms
    with TemporaryDirectory() as folder:
        output = Path(folder) / "kernels.s"
        for compiler, isa, (suffix, more) in product(compilers, isas, tables.items()):
            flags = [*build.flags(config, isa), "-fPIC", f"-I{build.KERNELS}", *more, "-S"]
            build.run([*compiler.command, *flags, str(build.KERNELS / "kernels.c"), "-o", str(output)])
            yield compiler.name, compiler.version, isa, suffix, output.read_text(encoding="utf-8")
