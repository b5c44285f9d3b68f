"""A whole run, small: what it leaves, and what a kill leaves of it."""

import copy
import json
import os
import subprocess
import sys
import time

import jsonschema
import pandas as pd
import psutil
import pytest
import yaml

from analysis.information import schema
from harness import config, store, topology
from harness.config import ROOT
from harness.measure import reductions
from tests.conftest import BUILT, COMPILERS, assert_gone


@pytest.fixture
def tiny(tmp_path):
    """A configuration that takes seconds, and a command line for it that has a lock and a folder of its own."""
    settings = config.load()
    settings["isas"], settings["compilers"] = ["scalar"], [COMPILERS[0]]
    settings["tuner"] = {"in_cache_elements": 200, "rounds": 1, "finalists": 1}
    settings["protocol"] = "smoke"
    settings["rotation"] = 1
    settings["protocols"]["smoke"] |= {
        "processes": {"least": 2, "most": 3},
        "sample_milliseconds": 0.05,
        "minutes": 30,  # other tests run beside these
    }
    del settings["protocols"]["smoke"]["accuracy"]
    settings["protocols"]["smoke"]["lengths"] = {
        "algorithms": [100, 300, 1000, 3000, 10_000],
        "passes": [100],
        "breakdown": [1000],
        "controls": [300],
        "accumulation": [200],
        "class-counts": [300],
        "scaling": [300],
        "strong-scaling": [300],
        "secondary": [],
        "scalar": 10_000,
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def command(tiny):
    arguments = ["measure", "--config", tiny / "config.yaml", "--built", BUILT, "--runs", tiny / "runs"]
    return [sys.executable, "-m", "harness", *map(str, arguments), "--name-in", str(tiny / "name")]


def surroundings(tiny):
    """What keeps the run of a test apart from others: a lock of its own."""
    return {"cwd": ROOT, "env": {**os.environ, "TWO_PASS_SOFTMAX_LOCK": str(tiny / "lock")}}


def measure(tiny):
    return subprocess.run(command(tiny), capture_output=True, text=True, **surroundings(tiny))


def start(tiny):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command(tiny), **quiet, **surroundings(tiny))


def folder_of(tiny):
    (folder,) = (tiny / "runs").glob("*/*")
    return folder


def test_a_run_leaves_rows_and_provenance_that_fit_their_schemas(tiny):
    result = measure(tiny)
    assert result.returncode == 0, result.stderr
    folder = folder_of(tiny)
    assert sorted(path.name for path in folder.iterdir()) == ["run.json", "samples.csv"]
    assert (tiny / "name").read_text().strip() == str(folder)
    info = store.read_info(folder)
    assert info["ended"] >= info["started"]
    assert folder.name == info["run"] == f"smoke-{info['content_hash'][:12]}"
    assert {"what": "smoke's sample_milliseconds: 0.5", "reason": "the configuration has 0.05"} in info["skipped"]
    rows = pd.read_csv(folder / "samples.csv", keep_default_na=False)
    validator = jsonschema.Draft202012Validator(schema("samples"))
    for row in rows.to_dict("records"):
        validator.validate(row)
    assert info["vetoes"] == {"samples": len(rows), "disturbed_samples": int((rows["flags"] != "").sum())}
    algorithms = rows[rows["experiment"] == "algorithms"]
    assert set(algorithms["elements"]) == {100, 300, 1000, 3000, 10_000}
    assert {0, 1} <= set(algorithms["process"]) <= {0, 1, 2}
    for _, round_ in algorithms.groupby(["elements", "process", "round"]):
        assert sorted(round_["algorithm"]) == sorted(info["algorithms"])
        assert sorted(round_["position"]) == [0, 1, 2]
        assert round_["calls"].nunique() == 1
    breakdown = rows[rows["experiment"] == "breakdown"]
    assert {name: sorted(set(part["pass"])) for name, part in breakdown.groupby("algorithm")} == {
        name: sorted(passes) for name, passes in info["algorithms"].items()
    }
    controls = rows[rows["experiment"] == "controls"]
    assert set(controls["algorithm"]) == {"two-pass", *info["controls"]}
    assert all(check["not_finite"] == 0 and check["largest_sum_error"] < 1e-4 for check in info["domain"])
    assert {check["algorithm"] for check in info["domain"]} == set(info["algorithms"])
    most = len(info["threads"]["cpus"])
    assert {name: set(those["threads"]) for name, those in rows.groupby("experiment")} == {
        **{key: {1} for key in ("algorithms", "passes", "breakdown", "controls", "accumulation")},
        "class-counts": {1, most},
        **{key: set(topology.counts(most)) for key in ("scaling", "strong-scaling")},
    }
    sums = rows[rows["experiment"] == "accumulation"]
    assert set(sums["pass"]) == {
        f"{name}{end}" for name in ("exp_sum", "exp_store", "ext_sum") for end in ("", "_lanes")
    }
    for _, those in sums.groupby(sums["pass"].str.removesuffix("_lanes")):
        assert those["variant"].nunique() == 1
    # Five lengths, the controls, the sums, and a class count with one and with all threads.
    assert info["precision"]["questions"] == 7 + len({1, most})
    assert info["precision"]["stopped_by"] in ("precision", "processes")
    assert "about" in result.stdout, "the plan and its duration are told first"
    assert "left" in result.stderr, "progress tells the time left"
    again = measure(tiny)
    assert "is complete already; nothing is measured" in again.stdout


def progress_of(tiny):
    """How many passes are tuned and how many points of the first process are complete."""
    folders = list((tiny / "runs").glob("*/*"))
    if not folders:
        return 0, 0
    tuned = len(store.TuningJournal(folders[0]).keys())
    return tuned, len(store.Journal(folders[0] / "process-0.journal").points())


@pytest.mark.parametrize("moment", [(1, 0), (4, 0), (7, 1), (7, 4)])
def test_a_run_killed_at_any_moment_goes_on_where_it_was_and_leaves_no_process(tiny, moment):
    with start(tiny) as killed:
        deadline = time.monotonic() + 300
        while progress_of(tiny) < moment or not psutil.Process(killed.pid).children():
            assert killed.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        workers = psutil.Process(killed.pid).children()
        killed.kill()
    assert_gone(workers)
    folder = folder_of(tiny)
    assert json.loads((folder / "run.json").read_text())["ended"] is None
    assert progress_of(tiny) >= moment
    tuned = store.TuningJournal(folder).rows()
    before = store.Journal(folder / "process-0.journal").points()
    result = measure(tiny)
    assert result.returncode == 0, result.stderr
    assert "going on with" in result.stdout
    rows = (folder / "samples.csv").read_text()
    for lines in before.values():
        assert lines in rows, "what was complete before the kill is kept"
    assert store.read_info(folder)["tuning"][: len(tuned)] == tuned
    keys = ["experiment", "algorithm", "pass", "variant", "elements", "threads", "process", "round"]
    table = pd.read_csv(folder / "samples.csv", keep_default_na=False)
    assert not table.duplicated(keys).any()
    assert len(table[table["experiment"] == "algorithms"].groupby(["elements", "process"])) >= 10


def test_minutes_that_are_too_few_for_anything_are_one_line(tiny):
    settings = yaml.safe_load((tiny / "config.yaml").read_text(encoding="utf-8"))
    settings["protocols"]["smoke"]["minutes"] = 1e-6
    (tiny / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    result = measure(tiny)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("harness: 0 of 7 passes were tuned in 0 s: this machine")
    assert store.read_info(folder_of(tiny))["ended"] is None


def test_a_second_run_at_the_same_time_is_refused(tiny):
    with start(tiny) as first:
        lock = tiny / "lock"
        while not lock.exists() or not lock.read_text():
            assert first.poll() is None
            time.sleep(0.002)
        second = measure(tiny)
        first.kill()
    assert second.returncode == 2
    assert f"another measurement runs on this machine: process {first.pid}" in second.stderr


def test_whatever_differs_from_what_is_shipped_is_told():
    shipped = config.load()
    assert reductions(shipped) == []
    own = {
        **copy.deepcopy(shipped),
        **{"flags": ["-Ofast"], "rotation": 1, "isas": ["avx2"]},
        "input": {**shipped["input"], "low": -1},
        "algorithms": {"two-pass": shipped["algorithms"]["two-pass"]},
    }
    own["protocols"]["quick"]["lengths"]["algorithms"] = [1000]
    own["protocols"]["paper"]["minutes"] = 1
    told = {item["what"]: item["reason"] for item in reductions(own)}
    assert told["rotation: 4"] == "the configuration has 1"
    assert told["input.low: -1000"] == "the configuration has -1"
    assert told['algorithms.three-pass-reload: ["max", "exp_store", "scale"]'] == "the configuration has nothing"
    assert told["IEEE 754"] == "-Ofast: kernels need not compute what their source says"
    assert any(what.startswith("flags: ") for what in told) and any(what.startswith("isas: ") for what in told)
    assert any(what.startswith("quick's lengths.algorithms: ") for what in told)
    assert not any("minutes" in what for what in told), "another protocol's"
