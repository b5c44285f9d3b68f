"""What the Snakefile asks of the analysis: which figures there are to draw, and from what."""

import functools
import sys
from pathlib import Path

from harness.reading import catalog
from harness.record import store
from harness.record.machines import load_machines, machine_names

RESULTS = Path("results")


@functools.cache
def runs() -> dict[str, list[catalog.FoundRun]]:
    """The runs that are drawn, by machine. Ends Snakemake with one line where there is none."""
    found = catalog.drawn(RESULTS)
    if not found:
        sys.exit("snakemake: there is no complete run below results/: measure this machine with `make reproduce-all`")
    return found


def drawn() -> list[Path]:
    """What there is to draw: all machines side by side, the page with the verdicts, the figures of each machine."""
    machines = [RESULTS / "figures" / "machines.svg"] if compared() else []
    return [*machines, RESULTS / "report.html", *(drawn_of(machine) for machine in runs())]


def machines() -> list[str]:
    """Every machine that has a target of its own: those that a file describes, and those that have a run."""
    return sorted({*machine_names(), *catalog.machines(RESULTS)})


def runs_of(machine: str) -> list[Path]:
    """The folders of the runs of one machine that are drawn, the newest first. Ends Snakemake with one line where there
    is none."""
    if machine not in runs():
        sys.exit(f"snakemake: there is no complete run of {machine} below results/")
    return [run.folder for run in runs()[machine]]


def drawn_of(machine: str) -> Path:
    """The folder of one machine's figures. Ends Snakemake with one line where it has no complete run."""
    runs_of(machine)
    return RESULTS / "figures" / machine


@functools.cache
def elsewhere(machine: str) -> list[Path]:
    """What there is to draw of a machine that is not this one: its run, and of one of the paper's what the model
    expects. Says how a run is brought where there is none; ends Snakemake with that line where the model does not know
    the machine either."""
    known = load_machines().get(machine)
    predicted = [RESULTS / "predicted"] if known and known.performance and known.paper_isas else []
    if machine in catalog.newest_complete(RESULTS):
        return [drawn_of(machine), *predicted]
    product = f" ({known.product_told})" if known else ""
    told = (
        f"there is no run of {machine}{product}, and this is another machine: on it, `make reproduce-all` and "
        "`python -m harness pack RUN`; here, `python -m harness adopt BUNDLE`"
    )
    if not predicted:
        sys.exit(f"snakemake: {told}")
    print(f"{told}. Drawn instead: what the model expects of it, in {RESULTS}/predicted/{machine}/", file=sys.stderr)
    return predicted


def compared() -> list[Path]:
    """The folders of the runs that can be compared across machines: those that measured whole algorithms."""
    found = [run for those in runs().values() for run in those]
    return [run.folder for run in found if run.facts and "algorithms" in run.facts.experiments]


def inputs(machine: str) -> list[Path]:
    """What the figures of a machine are drawn from: each run.json, the rows, the claims that they show, the code."""
    drawings = sorted(Path("analysis/figures").rglob("*.py"))
    rows = [path for folder in runs_of(machine) for path in store.files(folder)]
    return [*rows, Path("config/claims.yaml"), *drawings, *code()]


def machines_inputs() -> list[Path]:
    """What the figure of all machines is drawn from."""
    return [path for folder in compared() for path in store.files(folder)] + code()


def page_inputs() -> list[Path]:
    """What the page and the verdicts are made of: all complete runs, the claims, the machines they are about, what each
    column means, and the figures whose tables it shows."""
    written = [Path("config") / name for name in ("claims.yaml", "artifact.yaml", "schemas/samples.schema.json")]
    page = [path for path in sorted(Path("analysis/page").rglob("*.*")) if path.suffix != ".pyc"]
    machines = sorted(Path("config").glob("machines/*.yaml"))
    return [*rows(), *model(), *machines, *written, *page, *sorted(Path("analysis/figures").rglob("*.py")), *code()]


def model_inputs() -> list[Path]:
    """What predictions are made of: what is recorded of the model, the machines, the runs that may judge it."""
    return [*model(), *sorted(Path("config").glob("machines/*.yaml")), *rows(), *code()]


def rows() -> list[Path]:
    """The files of all complete runs."""
    folders = [folder for those in catalog.complete_runs(RESULTS).values() for folder in those]
    return [path for folder in folders for path in store.files(folder)]


def model() -> list[Path]:
    """What the model reads of its own, and its modules."""
    recorded = [
        RESULTS / "model" / name for name in ("in-core.csv", "algorithms.json", "validation.csv", "validation.md")
    ]
    sealed = sorted((RESULTS / "model" / "sealed").glob("*.json"))
    return [*recorded, *sealed, *sorted(Path("analysis/model").rglob("*.py"))]


@functools.cache
def code() -> list[Path]:
    """The modules that all figures share."""
    rooms = (
        "analysis",
        *(f"analysis/{room}" for room in ("tables", "claims", "commands")),
        *(f"harness/{room}" for room in ("record", "statistics", "experiments", "reading")),
    )
    return [path for room in rooms for path in sorted(Path(room).glob("*.py"))]
