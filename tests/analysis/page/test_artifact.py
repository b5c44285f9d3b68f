"""The artifact appendix: whole, of what was run, and nobody's."""

import re
from pathlib import Path

import pytest

from analysis.claims.quantities import QUANTITIES
from analysis.page import artifact
from analysis.page.found import Found
from tests.analysis.page.conftest import appendix_of


@pytest.fixture(scope="module")
def appendix(found: Found) -> str:
    return appendix_of(found)


def test_only_the_doi_is_to_be_filled_in(appendix: str) -> None:
    asked = [line for line in appendix.splitlines() if artifact.TO_BE_FILLED_IN in line]
    assert asked and all("DOI" in line for line in asked)
    assert [
        line for line in appendix.splitlines() if re.search(r"\*\*: *\.?$|\|\s+\||: \.$|\b(None|nan)\b", line)
    ] == []


def test_every_claim_belongs_to_a_contribution() -> None:
    assert {its.contribution for its in QUANTITIES.values()} == {one.id for one in artifact.CONTRIBUTIONS}


def test_the_doi_of_the_configuration_is_told(found: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "artifact.yaml").write_text("doi: 10.5281/zenodo.1234567\n", encoding="utf-8")
    monkeypatch.setattr(artifact, "KNOWN", tmp_path / "artifact.yaml")
    told = appendix_of(found)
    assert told.count("10.5281/zenodo.1234567") == 2 and artifact.TO_BE_FILLED_IN not in told


def test_the_allowed_variation_is_that_of_the_runs(found: Found) -> None:
    told = {len(its.runs): artifact.variation(its) for its in found.bodies}
    assert told[2].startswith("2 runs differ from all pooled by up to ")
    assert told[1].startswith("one run, so only over processes")


def test_times_are_those_that_files_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "ROOT", tmp_path)
    found = artifact.Measured.here(tmp_path)
    assert found.analysis == found.build == artifact.NOT_HERE
    # Extensions that were built a day later took no day to build.
    for name, seconds in (("figures/one", 40.5), ("figures/two", 20.5), ("build/gcc", 30), ("build/clang", 60)):
        file = tmp_path / "logs" / f"{name}.seconds"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"s\th:m:s\n{seconds}\t0:00:40\n", encoding="utf-8")
    found = artifact.Measured.here(tmp_path)
    assert (found.analysis, found.build) == ("61 s", "90 s")


def test_nothing_personal_is_in_it(appendix: str, personal: list[str]) -> None:
    assert [word for word in personal if word in appendix] == []


def test_without_a_run_every_field_has_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = appendix_of(Found.of(Path("results")))
    assert "from the runs below `results/`" in told and "`results/recorded/`" in told
    assert "not known before there is a run" in told
    assert [line for line in told.splitlines() if re.search(r"\*\*: *\.?$|\|\s+\|", line)] == []


def test_a_folder_that_is_told_from_here_is_no_end_of_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = Found.of(Path("s/results"))
    assert found.without_places("tables/MACHINE and s/results/runs") == "tables/MACHINE and results/runs"
    assert found.without_places(f"{tmp_path}/s/results/runs") == "results/runs"
