"""Draws what the model expects of the paper's machines, and says why."""

import argparse
from pathlib import Path

from analysis.model import figures, forecast, in_core, report, sealed
from analysis.options import RESULTS
from analysis.render import rendered
from harness.reading import catalog
from harness.reading.command_line import option
from harness.record.files import csv_bytes, write_whole
from harness.record.machines import is_evidence, load_machines
from harness.record.samples import load_runs

OPTIONS = (
    option("--output", type=Path, default=Path("results/predicted"), metavar="DIR", help="default: %(default)s"),
    RESULTS,
)


def run(options: argparse.Namespace) -> None:
    """Writes a folder for each machine, and the page."""
    known, found, written = load_machines(), catalog.newest_complete(options.results), {}
    wanted = {*forecast.predicted_machines(), *(path.stem for path in sealed.FOLDER.glob("*.json"))}
    loaded = load_runs(folder for name, folder in found.items() if name in wanted)
    runs = {one.machine.name: one for one in loaded if "algorithms" in one.experiments}
    runs = {name: one for name, one in runs.items() if name not in known or is_evidence(known[name], one)}
    for machine in forecast.predicted_machines():
        drawn = rendered(lambda machine=machine: figures.draw(machine, runs.get(machine)))
        written |= drawn.files(figures.NAME, options.output / machine, options.output / machine)
    for machine, its in runs.items():
        if (expected := sealed.load(machine)) and len(scored := sealed.score(expected, its)):
            written[options.output / machine / "sealed.csv"] = csv_bytes(scored)
    recorded = in_core.RECORDED.with_name("validation.md").read_text(encoding="utf-8")
    written[options.output / "model.md"] = report.explanation(runs, recorded).encode()
    write_whole(written)
    print(f"{options.output}: {len(written)} files; {options.output / 'model.md'} says why")
