"""What the Snakefile asks of the analysis: which figures there are to draw, and from what."""

import functools
import sys
from pathlib import Path

from analysis import catalog, figures
from analysis.errors import AnalysisError
from analysis.information import read_information, samples_file

RESULTS = Path("results")


@functools.cache
def runs() -> dict[str, Path]:
    """The folder of the run that is drawn, by machine. Ends Snakemake with one line where there is none."""
    try:
        found = catalog.newest_complete(RESULTS)
    except AnalysisError as error:
        sys.exit(f"snakemake: {error}")
    if not found:
        sys.exit("snakemake: there is no complete run below results/: measure this machine with `make reproduce-all`")
    return found


def drawn() -> list[Path]:
    """For every machine that has a complete run, the figures of the experiments that it holds."""
    return [
        RESULTS / "figures" / machine / f"{name}.svg"
        for machine, folder in runs().items()
        for name in figures.names()
        if figures.experiment(name) in read_information(folder)["experiments"]
    ]


def inputs(machine: str, figure: str) -> list[Path]:
    """What one figure of a machine is drawn from: run.json, the rows, the code."""
    folder = runs()[machine]
    package = Path(__file__).parent.relative_to(Path.cwd())
    module = package / "figures" / f"{figure.replace('-', '_')}.py"
    return [folder / "run.json", samples_file(folder), module, *sorted(package.glob("*.py"))]
