"""Many runs of machines that do not exist: each sound, those of a machine one body of evidence, and read once."""

from pathlib import Path

import pytest

from harness.reading import catalog
from harness.reading.trust import verdict
from harness.record.samples import load_run
from tests import many
from tests.synthetic import MakeRun


@pytest.fixture
def results(tmp_path: Path, make_run: MakeRun) -> Path:
    parts = ("algorithms", "controls")
    small = {"isas": ("avx2",), "lengths": (4096, 56_000_000), "processes": 6, "rounds": 2, "parts": parts}
    template = load_run(make_run(tmp_path / "template", **small))
    assert len(list(many.make(tmp_path / "results", template, 6, 3))) == 6
    return tmp_path / "results"


def test_made_up_runs_are_sound_and_pooled_by_machine(results: Path) -> None:
    found = catalog.evidence(results)
    assert [len(those) for those in found.values()] == [2, 2, 2]
    runs = [load_run(folder) for those in found.values() for folder in those]
    assert len({tuple(run.samples["nanoseconds"]) for run in runs}) == 6
    assert not any(verdict(run).faults for run in runs), "they are pooled"


def test_each_run_is_looked_at_once(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []
    look = catalog._look
    monkeypatch.setattr(catalog, "_look", lambda folder: looks.append(folder) or look(folder))
    for _ in range(3):
        catalog.complete_runs(results)
        catalog.drawn(results)
    assert len(looks) == len(set(looks)) == 6
