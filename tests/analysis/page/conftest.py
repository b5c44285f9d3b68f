"""What the tests of the page read: the runs of four machines, and the page of them."""

import functools
import getpass
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.page import artifact, report
from analysis.page.found import Found
from harness.record.samples import Run
from tests.synthetic import maker

MACHINES = ("amd-epyc-9r14-25-17", "skylake-x", "broadwell", "zen2")
TOOK = artifact.Measured("60 s", "50 s", "40 s", "the environment 804 MiB")
OWNER, HOST = "somebody-in-particular", "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Of four machines; the first has two runs that are pooled, with all parts, the others what is quick to make."""
    make = maker(tmp_path_factory.mktemp("whose") / OWNER / "results" / "runs")
    everything, some = {"processes": 6, "rounds": 2}, ("algorithms",)
    folders = [
        make(isas=("avx2", "avx512f"), clang_lengths=(4096,), ended=f"2026-01-0{day}T09:14:00+00:00", **everything)
        for day in (5, 6)
    ]
    folders += [make(machine=name, isas=("avx2",), parts=some, processes=6, rounds=2) for name in MACHINES[1:]]
    for folder in folders:
        info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        info["kernels_hash"] = "0" * 64
        (folder / "run.json").write_text(json.dumps(info), encoding="utf-8")
    its = Found.of(folders[0].parents[2])
    return replace(its, runs={name: [with_host(run) for run in those] for name, those in its.runs.items()})


def with_host(run: Run) -> Run:
    """The run with what tells its host from others of its kind."""
    return replace(run, machine=replace(run.machine, host=HOST, allowed=(0, 1)))


def appendix_of(found: Found) -> str:
    """As the command writes it."""
    return found.without_places(artifact.render(found, TOOK))


@functools.cache
def script() -> str:
    """What draws the charts: to bundle it takes three seconds wherever none is kept."""
    with tempfile.TemporaryDirectory() as folder:
        return report.library(Path(folder))


def page_of(found: Found) -> str:
    """As the command writes it."""
    bundled = script()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "library", lambda _: bundled)
        return report.render(found, appendix_of(found))


@pytest.fixture(scope="session")
def page(found: Found) -> str:
    return page_of(found)


@pytest.fixture(scope="session")
def personal(found: Found) -> list[str]:
    """What says whose machine or checkout this is."""
    return [OWNER, HOST, str(Path(found.results)), getpass.getuser() + "@", str(Path.home()) + "/"]
