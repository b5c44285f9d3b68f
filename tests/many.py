"""Many recorded runs of machines that do not exist, to see how long planning, reading and drawing take:

python -m tests.many FOLDER --runs 500 --machines 60

makes FOLDER/recorded/MACHINE/RUN out of a recorded run of this checkout: as many rows and tables, other times.
"""

import argparse
import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from tqdm import tqdm

from harness.record import instance, store
from harness.record.files import ROOT
from harness.record.run import content_of
from harness.record.samples import Run, load_run

RECORDED = ROOT / "results" / "recorded"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN_MACHINES, BETWEEN_RUNS = 0.05, 0.005
"""By so much (standard deviation of the logarithm) the times of an algorithm or pass differ."""


def make(results: Path, template: Run, runs: int, machines: int) -> Iterator[Path]:
    """Makes the runs below results/recorded/, one after the other, those of a machine one body of evidence; gives the
    folder of each."""
    rows = template.samples
    # A control takes as long as what it is a control of, or no run would pass its null test.
    originals = {name: its.algorithm for name, its in template.controls.items()}
    timed = [rows["algorithm"].replace(originals), rows["pass"]]
    contender = rows.groupby(timed, sort=False).ngroup().to_numpy()
    before = rows.columns.get_loc("nanoseconds")
    parts = (rows.iloc[:, :before], rows.iloc[:, before + 1 :])
    texts = [part.to_csv(index=False, header=False, lineterminator="\n").splitlines() for part in parts]
    header = ",".join(rows)
    for number in range(runs):
        place = number % machines
        name, random = f"made-up-{place:03}", np.random.default_rng([20010443, number])
        its = np.random.default_rng([20200113, place]).normal(0, BETWEEN_MACHINES, contender.max() + 1)
        factors = np.exp(its + random.normal(0, BETWEEN_RUNS, its.shape))[contender]
        times = np.maximum(1, np.round(rows["nanoseconds"] * factors)).astype(int)
        lines = [header, *(f"{a},{time},{b}" for a, time, b in zip(texts[0], times, texts[1], strict=True))]
        samples = "".join(f"{line}\n" for line in lines)
        started, minutes = FIRST + timedelta(hours=number), timedelta(minutes=15)
        host = f"{place:032x}" if template.machine.host else None
        record = replace(
            template,
            machine=replace(template.machine, name=name, brand=f"Made-up processor {place}", host=host),
            content_hash=hashlib.sha256(f"{number}".encode()).hexdigest(),
            kernels_hash="0" * 64,
            samples_sha256=store.digest([samples]),
            started=started.isoformat(),
            ended=(started + minutes).isoformat(),
        )
        folder = results / "recorded" / name / instance.run_name(record)
        folder.mkdir(parents=True)
        for file, text in store.files_of(content_of(replace(record, name=folder.name))).items():
            (folder / file).write_text(text, encoding="utf-8")
        (folder / "samples.csv.gz").write_bytes(gzip.compress(samples.encode(), 1, mtime=0))
        yield folder


def largest_recorded() -> Path:
    """Of the recorded runs of today's format the one that has most rows."""
    every = [path.parent for path in RECORDED.glob("*/*/groups.csv")]
    return max(every, key=lambda folder: store.read_record(folder).vetoes.samples)


def main() -> None:
    """Makes what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.many", description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--machines", type=int, default=60)
    parser.add_argument("--of", metavar="RUN_FOLDER", type=Path, help="default: the recorded run with most rows")
    options = parser.parse_args()
    made = make(options.folder, load_run(options.of or largest_recorded()), options.runs, options.machines)
    for _ in tqdm(made, total=options.runs, unit="run"):
        pass


if __name__ == "__main__":
    main()
