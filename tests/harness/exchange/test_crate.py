"""A bundle that describes itself as a Process Run Crate."""

import io
import json
import tarfile
from importlib import resources

import pytest
import requests
from urllib3 import HTTPResponse

from harness.exchange import bundle, crate
from harness.record.store import read_record


@pytest.fixture
def run(make_run):
    return make_run(isas=("avx2",), lengths=(4096, 100_000), processes=2, rounds=2)


@pytest.fixture
def packed(run, tmp_path):
    """The bundle of a run with its description."""

    def described(record, files):
        return {bundle.CRATE: crate.metadata(record, files)}

    return bundle.pack(run, tmp_path / "run.tar.gz", described)


@pytest.fixture
def graph(packed):
    """What the description says, by identifier."""
    with tarfile.open(packed) as tar:
        content = json.load(tar.extractfile(bundle.CRATE))
    return {its["@id"]: its for its in content["@graph"]}


def test_it_says_what_was_measured_with_what_and_when(graph, run, packed):
    record, action = read_record(run), graph[crate.ACTION]
    assert graph["./"]["conformsTo"] == {"@id": crate.PROFILE}
    assert graph["./"]["mentions"] == {"@id": crate.ACTION}
    assert action["@type"] == "CreateAction" and action["instrument"] == {"@id": crate.HARNESS}
    assert (action["startTime"], action["endTime"]) == (record.started, record.ended)
    with tarfile.open(packed) as tar:
        files = set(tar.getnames()) - {bundle.CRATE, bundle.MANIFEST}
    assert {its["@id"] for its in action["result"]} == files
    assert {its["@id"] for its in graph[crate.HARNESS]["softwareRequirements"]} == {"#compiler-gcc", "#compiler-clang"}


def test_the_state_of_the_machine_is_typed_properties(graph):
    told = {graph[its["@id"]]["name"]: graph[its["@id"]] for its in graph[crate.ACTION]["environment"]}
    assert told["L1 cache"]["value"] == 32768 and told["L1 cache"]["unitText"] == "bytes"
    assert {"affinity", "disturbed samples", "huge pages", "hypervisor"} <= set(told)
    assert {its["@type"] for its in told.values()} == {"PropertyValue"}


def test_the_same_run_gives_the_same_bytes_and_both_kinds_of_bundle_are_adopted(run, packed, tmp_path):
    def described(record, files):
        return {bundle.CRATE: crate.metadata(record, files)}

    assert bundle.pack(run, tmp_path / "again.tar.gz", described).read_bytes() == packed.read_bytes()
    folder, is_new = bundle.adopt(packed, tmp_path / "recorded")
    assert is_new and not (folder / bundle.CRATE).exists()
    assert bundle.adopt(bundle.pack(run, tmp_path / "plain.tar.gz"), tmp_path / "recorded") == (folder, False)


@pytest.fixture
def web(monkeypatch):
    """A web that has RO-Crate's words, as the library knows them, and nothing else."""
    words = (resources.files("rocrate") / "data" / "ro-crate.jsonld").read_bytes()

    def send(_, request, **how):
        if request.url != "https://w3id.org/ro/crate/1.1/context":
            raise requests.ConnectionError(request.url)
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, request.url, request
        answer.headers["Content-Type"] = "application/ld+json"
        answer.raw = HTTPResponse(io.BytesIO(words), preload_content=False)
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)


def test_a_validator_finds_nothing_to_say(packed, tmp_path, web):
    validator = pytest.importorskip(
        "rocrate_validator.services", reason="roc-validator is not installed (pip install roc-validator)"
    )
    folder = tmp_path / "crate"
    with tarfile.open(packed) as tar:
        tar.extractall(folder, filter="data")
    settings = {
        "rocrate_uri": str(folder),
        "profile_identifier": "process-run-crate",
        "requirement_severity": "REQUIRED",
    }
    found = validator.validate(settings)
    assert [issue.message for issue in found.get_issues()] == []
