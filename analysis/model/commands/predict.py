"""Draws what the model expects of the paper's machines, says why, and judges what was sealed."""

import argparse
from functools import cache, partial
from pathlib import Path

from analysis.model import figures, forecast, in_core, report, sealed
from analysis.options import RESULTS
from analysis.render import rendered
from harness.reading import catalog
from harness.reading.command_line import option
from harness.record.files import csv_bytes, write_whole
from harness.record.machines import load_machines
from harness.record.samples import load_runs

OPTIONS = (
    option("--output", type=Path, default=Path("results/predicted"), metavar="DIR", help="default: %(default)s"),
    RESULTS,
)


def run(options: argparse.Namespace) -> None:
    """Writes a folder for each machine and for what was sealed of one that is here, and the page."""
    known, written, folders = load_machines(), dict[Path, bytes](), catalog.complete_runs(options.results)
    fared = sealed.judged(cache(lambda name: load_runs(folders.get(name, ()))))
    # What is not judged yet is drawn as the model has it now.
    drawn: dict[str, tuple] = {name: (name, forecast.table(name), None, []) for name in forecast.predicted_machines()}
    for name, one in fared.items():
        expected = one.expected if one.judge or name not in drawn else drawn[name][1]
        drawn[name] = (one.machine, expected, one.judge, [one.told])
        written |= {} if one.score is None else {options.output / name / "sealed.csv": csv_bytes(one.score)}
    for name, (machine, *shown) in drawn.items():
        if machine in known:
            its = rendered(partial(figures.draw, known[machine], *shown))
            written |= its.files(figures.NAME, options.output / name, options.output / name)
    recorded = in_core.RECORDED.with_name("validation.md").read_text(encoding="utf-8")
    page = report.explanation([one.told for one in fared.values()], recorded)
    write_whole(written | {options.output / "model.md": page.encode()})
    print(f"{options.output}: {len(written) + 1} files; {options.output / 'model.md'} says why")
