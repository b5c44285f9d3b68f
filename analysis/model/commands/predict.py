"""Draws what the model expects of the paper's machines, says why, and judges what was sealed."""

import argparse
from pathlib import Path

from analysis.model import figures, forecast, in_core, report, sealed
from analysis.options import RESULTS
from analysis.render import rendered
from harness.reading import catalog
from harness.reading.command_line import option
from harness.record.files import csv_bytes, write_whole
from harness.record.machines import load_machines

OPTIONS = (
    option("--output", type=Path, default=Path("results/predicted"), metavar="DIR", help="default: %(default)s"),
    RESULTS,
)


def run(options: argparse.Namespace) -> None:
    """Writes a folder for each machine, and the page."""
    folders, known, written = catalog.complete_runs(options.results), load_machines(), {}
    sealings = {path.stem: sealed.load(path) for path in sorted(sealed.FOLDER.glob("*.json"))}
    judged = {name: sealed.judge(name, one, folders.get(name, [])) for name, one in sealings.items()}
    scores = {name: f"{name}, sealed {one[0]}: {sealed.told(judged[name])}" for name, one in sealings.items()}
    tables = {name: one[1] for name, one in sealings.items() if name in known}
    for name, table in (tables | {name: forecast.table(name) for name in forecast.predicted_machines()}).items():
        run, scored = judged.get(name) or (None, None)
        notes = [scores[name]] if name in scores else []
        drawn = rendered(lambda one=known[name], its=table, run=run, notes=notes: figures.draw(one, its, run, notes))
        written |= drawn.files(figures.NAME, options.output / name, options.output / name)
        written |= {options.output / name / "sealed.csv": csv_bytes(scored)} if scored is not None else {}
    recorded = in_core.RECORDED.with_name("validation.md").read_text(encoding="utf-8")
    written[options.output / "model.md"] = report.explanation(scores.values(), recorded).encode()
    write_whole(written)
    print(f"{options.output}: {len(written)} files; {options.output / 'model.md'} says why")
