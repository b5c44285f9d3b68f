"""Measures this machine, or goes on with a run that was stopped. A run that is complete is not measured again, unless
--again says so: runs are pooled, and those of other hours tell how much runs differ."""

import argparse
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TextIO

from harness.commands.options import OF_A_RUN, measurable, positive
from harness.exchange import bundle
from harness.machine.allocation import allocation
from harness.reading.command_line import option
from harness.record.files import ROOT, write_whole
from harness.run import measure

RUNS = ROOT / "results" / "runs"
OPTIONS = (
    *OF_A_RUN,
    option(
        "--again",
        type=positive,
        nargs="?",
        const=1,
        default=0,
        metavar="COUNT",
        help="measure COUNT further runs (default 1), a stopped one included; if killed, the same command measures the "
        "rest",
    ),
    option("--runs", type=Path, default=RUNS, metavar="DIR", help="where runs are kept (default: %(default)s)"),
    option("--log", type=Path, metavar="FILE", help="write what is told into this file as well"),
    option("--name-in", type=Path, metavar="FILE", help="write the run's folder into this file"),
    option("--bundle", type=Path, metavar="FILE", help="pack the complete run into this file"),
    option(
        "--asked-for", metavar="NAME", help="the machine that a scheduler was asked for; the run says if it is another"
    ),
)


def run(options: argparse.Namespace) -> None:
    """Measures."""
    if job := allocation():
        print(f"job {job.job} on node {job.node}", flush=True)
    config = measurable(options)
    with logged(options.log):
        folder = measure.measure(config, options.built, options.runs, options.again, options.asked_for)
    if options.bundle:
        print(bundle.pack(folder, options.bundle))
    if options.name_in:
        write_whole({options.name_in: f"{folder}\n".encode(errors="surrogateescape")})


class Both(io.TextIOBase):
    """A stream that writes to two."""

    def __init__(self, *streams: TextIO) -> None:
        self.streams = streams

    def write(self, text: str) -> int:
        """Writes to both, at once: what is told here and the progress on standard error keep their order."""
        for stream in self.streams:
            stream.write(text)
            stream.flush()
        return len(text)

    def flush(self) -> None:
        """Nothing is left to flush."""


@contextmanager
def logged(log: Path | None) -> Iterator[None]:
    """Has what is printed stand in the file `log` as well."""
    if log is None:
        yield
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8", errors="backslashreplace") as file, redirect_stdout(Both(sys.stdout, file)):
        yield
