"""Draws what the model expects of the paper's machines, says why, and judges what was sealed."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pandas as pd

from analysis.model import figures, forecast, in_core, report, sealed
from analysis.options import RESULTS
from analysis.render import rendered
from harness.reading import catalog
from harness.reading.command_line import option
from harness.record.files import csv_bytes, write_whole
from harness.record.machines import load_machines
from harness.record.samples import Run, load_runs

OPTIONS = (
    option("--output", type=Path, default=Path("results/predicted"), metavar="DIR", help="default: %(default)s"),
    RESULTS,
)


@dataclass(frozen=True)
class Shown:
    """What is drawn of a machine."""

    machine: str
    expected: pd.DataFrame
    """As Forecast.table."""
    judge: Run | None = None
    notes: Sequence[str] = ()


def run(options: argparse.Namespace) -> None:
    """Writes a folder for each machine and for what was sealed of one that is here, and the page."""
    known, written, folders = load_machines(), dict[Path, bytes](), catalog.complete_runs(options.results)
    fared = sealed.judged(cache(lambda name: load_runs(folders.get(name, ()))))
    # What is not judged yet is drawn as the model has it now.
    shown = {name: Shown(name, forecast.table(name)) for name in forecast.predicted_machines()}
    for name, one in fared.items():
        is_drawn = bool(one.judge) or name not in shown
        expected = one.expected if is_drawn else shown[name].expected
        note = one.told if is_drawn else f"{one.told}; drawn is what the model says now"
        shown[name] = Shown(one.machine, expected, one.judge, (note,))
        written |= {} if one.score is None else {options.output / name / "sealed.csv": csv_bytes(one.score)}
    for name, its in shown.items():
        if its.machine in known:
            draw = partial(figures.draw, known[its.machine], its.expected, its.judge, its.notes)
            written |= rendered(draw).files(figures.NAME, options.output / name, options.output / name)
    recorded = in_core.RECORDED.with_name("validation.md").read_text(encoding="utf-8")
    page = report.explanation([one.told for one in fared.values()], recorded)
    write_whole(written | {options.output / "model.md": page.encode()})
    print(f"{options.output}: {len(written) + 1} files; {options.output / 'model.md'} says why")
