"""A whole run, small: what it leaves, and what a kill leaves of it."""

import copy
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace

import jsonschema
import pandas as pd
import psutil
import pytest
import yaml

from harness.machine import topology
from harness.native import audit
from harness.reading.command_line import main
from harness.record import configuration, instance, journal, samples, store
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from harness.record.run import Skipped, Vetoes
from harness.record.samples import load_run
from harness.record.schema import schema
from harness.run.begun import Begun
from harness.run.folders import begun_elsewhere, is_complete
from harness.run.measure import finish, measure_into
from harness.run.prepare import departures
from tests.conftest import COMPILERS, assert_gone, with_few_algorithms, with_few_variants
from tests.synthetic import groups_of

COMPLETE = sorted(["run.json", "samples.csv", *(f"{name}.csv" for name in store.TABLES)])
"""The files of a complete run."""


@pytest.fixture
def tiny(tmp_path, few_built):
    """A configuration that takes seconds, and a command line for it that has a lock and a folder of its own."""
    settings = with_few_algorithms(with_few_variants(configuration.load()))
    settings["isas"], settings["compilers"] = ["scalar"], [COMPILERS[0]]
    settings["protocols"]["smoke"]["tuner"] = {"processes": 1, "rounds": 1, "finalists": 1}
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
        "conditions": [3000, 10_000],
        "secondary": [],
        "scalar": 10_000,
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "built").symlink_to(few_built)
    return tmp_path


def command(tiny, *more):
    arguments = ["measure", *more, "--config", tiny / "config.yaml", "--built", tiny / "built", "--runs", tiny / "runs"]
    return [sys.executable, "-m", "harness", *map(str, arguments), "--name-in", str(tiny / "name")]


def surroundings(tiny, lock="lock"):
    """What keeps the run of a test apart from others: a lock of its own."""
    return {"cwd": ROOT, "env": {**os.environ, "TWO_PASS_SOFTMAX_LOCK": str(tiny / lock)}}


def measure(tiny, *more):
    return subprocess.run(command(tiny, *more), capture_output=True, text=True, **surroundings(tiny))


def start(tiny, *more):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command(tiny, *more), **quiet, **surroundings(tiny))


def elsewhere(tiny, host, allowed=None):
    """The same command on another host, whose machine-id consists of this digit, or in a container beside the first (no
    digit): each has a lock of its own. `allowed` is the only processor that it may use."""
    code = "import os, sys; from pathlib import Path\nfrom harness import __main__\n"
    code += "from harness.machine import fingerprint\n"
    if host:
        (tiny / f"id-{host}").write_text(host * 32)
        code += f"fingerprint.MACHINE_IDS = (Path({str(tiny / f'id-{host}')!r}),)\n"
    if allowed is not None:
        code += f"os.sched_setaffinity(0, {{{allowed}}})\n"
    _, _, _, *arguments = command(tiny)
    told = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(
        [sys.executable, "-u", "-c", f"{code}sys.exit(__main__.main('harness'))", *arguments],
        **told,
        **surroundings(tiny, f"lock-{host}"),
    )


def runs_in(tiny):
    """The run.json of every run."""
    return set((tiny / "runs").glob("*/*/run.json"))


def folder_of(tiny):
    (run,) = runs_in(tiny)
    return run.parent


def test_a_run_leaves_rows_and_provenance_that_fit_their_schemas(tiny):
    result = measure(tiny)
    assert result.returncode == 0, result.stderr
    folder = folder_of(tiny)
    assert sorted(path.name for path in folder.iterdir()) == COMPLETE
    assert (tiny / "name").read_text().strip() == str(folder)
    record = store.read_record(folder)
    assert record.ended >= record.started
    assert folder.name == record.name == instance.run_name(record)
    assert record.name.startswith(f"smoke-{record.content_hash[:12]}-")
    assert [session.audit for session in record.sessions] == [record.audit]
    assert Skipped("smoke's sample_milliseconds: 0.5", "the configuration has 0.05") in record.skipped
    rows = pd.read_csv(folder / "samples.csv", keep_default_na=False)
    validator = jsonschema.Draft202012Validator(schema("samples"))
    for row in rows.to_dict("records"):
        validator.validate(row)
    assert record.vetoes == Vetoes(samples=len(rows), disturbed_samples=int((rows["flags"] != "").sum()))
    algorithms = rows[rows["experiment"] == "algorithms"]
    assert set(algorithms["elements"]) == {100, 300, 1000, 3000, 10_000}
    assert {0, 1} <= set(algorithms["process"]) <= {0, 1, 2}
    for _, round_ in algorithms.groupby(["elements", "process", "round"]):
        assert sorted(round_["algorithm"]) == sorted(record.papers)
        assert sorted(round_["position"]) == [0, 1, 2]
        assert round_["calls"].nunique() == 1
    breakdown = rows[rows["experiment"] == "breakdown"]
    assert {name: sorted(set(part["pass"])) for name, part in breakdown.groupby("algorithm")} == {
        name: sorted(record.algorithms[name]) for name in record.papers
    }
    controls = rows[rows["experiment"] == "controls"]
    assert set(controls["algorithm"]) == {"two-pass", *record.controls}
    assert all(check["not_finite"] == 0 and check["largest_sum_error"] < 1e-4 for check in record.domain)
    assert {check["algorithm"] for check in record.domain} == set(record.algorithms)
    most = len(record.threads.cpus)
    assert {name: set(those["threads"]) for name, those in rows.groupby("experiment")} == {
        **{key: {1} for key in ("algorithms", "passes", "breakdown", "controls", "accumulation", "conditions")},
        "class-counts": {1, most},
        **{key: set(topology.counts(most)) for key in ("scaling", "strong-scaling")},
    }
    for process, looks in rows[rows["experiment"] == "conditions"].groupby("process"):
        groups = [row for row in record.groups if row["process"] == process]
        assert [row["group"] for row in groups] == list(range(len(groups)))
        assert set(looks["pass"]) == {"load", "copy"} and set(looks["elements"]) == {3000, 10_000}
        assert set(looks["round"]) == {row[end] for row in groups for end in ("before", "after")}
        assert groups[0]["before"] == 0 and all(row["before"] < row["after"] for row in groups)
        assert sum(row["samples"] for row in groups) == (rows["process"] == process).sum()
    assert rows[rows["experiment"] == "conditions"].groupby("pass")["variant"].nunique().eq(1).all()
    started = [row["started"] for row in record.groups]
    assert started == sorted(started)
    sums = rows[rows["experiment"] == "accumulation"]
    assert set(sums["pass"]) == {
        f"{name}{end}" for name in ("exp_sum", "exp_store", "ext_sum") for end in ("", "_lanes")
    }
    for _, those in sums.groupby(sums["pass"].str.removesuffix("_lanes")):
        assert those["variant"].nunique() == 1
    # Five lengths, the controls, the sums, and a class count with one and with all threads.
    assert record.precision.questions == 7 + len({1, most})
    assert record.precision.stopped_by in ("precision", "processes")
    assert "about" in result.stdout, "the plan and its duration are told first"
    assert "left" in result.stderr, "progress tells the time left"
    # Of kills at the very end.
    for litter in (".run.json.abcd", ".tuning.journal.abcd", "process-0.journal", "tuning.journal", "lock"):
        (folder / litter).touch()
    again = measure(tiny)
    assert "is complete already; nothing is measured" in again.stdout
    assert sorted(path.name for path in folder.iterdir()) == COMPLETE


def assert_whole(folder):
    """Fails unless the run has every row that it says it has, and nothing else is left."""
    assert sorted(path.name for path in folder.iterdir()) == COMPLETE
    record = store.read_record(folder)
    rows = pd.read_csv(folder / "samples.csv", keep_default_na=False)
    assert len(rows) == record.vetoes.samples > 0
    assert record.name == folder.name == instance.run_name(record, instance.ordinal_of(folder.name))
    assert len({(row["isa"], row["pass"]) for row in record.tuning if row["chosen"]}) == sum(
        row["chosen"] for row in record.tuning if row["elements"] is None
    )


def wait_for(process, condition):
    """Waits until a condition holds, while the process runs."""
    deadline = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def children_of(process):
    """The processes that a process has started."""
    return psutil.Process(process.pid).children()


def progress_of(tiny):
    """How many algorithms are tuned, of each process, and how many points of the first process are complete."""
    folders = list((tiny / "runs").glob("*/*"))
    if not folders:
        return 0, 0
    tuned = len(store.TuningJournal(folders[0]).keys())
    return tuned, len(store.Journal(folders[0] / "process-0.journal").points())


MOMENTS = ((1, 0), (5, 0), (8, 1))
"""In the first look at all variants, in the look at finalists, and after the first process of measuring."""


def test_a_run_killed_at_any_moment_goes_on_where_it_was_and_leaves_no_process(tiny):
    tuned, points = [], {}
    for moment in MOMENTS:
        with start(tiny) as killed:
            wait_for(killed, lambda moment=moment: progress_of(tiny) >= moment and children_of(killed))
            workers = children_of(killed)
            killed.kill()
        assert_gone(workers)
        folder = folder_of(tiny)
        assert json.loads((folder / "run.json").read_text()).get("ended") is None
        assert progress_of(tiny) >= moment
        before, tuned = tuned, store.TuningJournal(folder).rows()
        assert tuned[: len(before)] == before, "what was complete before the kill is kept"
        points = store.Journal(folder / "process-0.journal").points()
    result = measure(tiny)
    assert result.returncode == 0, result.stderr
    assert "going on with" in result.stdout
    assert_whole(folder)
    rows = (folder / "samples.csv").read_text()
    for lines in points.values():
        assert lines in rows, "what was complete before the kill is kept"
    record = store.read_record(folder)
    started = [session.started for session in record.sessions]
    assert len(started) == len(MOMENTS) + 1 and started == sorted(started)
    assert list(record.audit) == audit.worst([session.audit for session in record.sessions])
    kept = {(row["pass"], row["variant"], row["elements"]): row for row in record.tuning}
    for row in tuned:
        if row["process"] or not kept[row["pass"], row["variant"], None]["finalist"]:
            its = kept.get((row["pass"], row["variant"], row["elements"]))
            assert its is None or its["nanoseconds_median"] == pytest.approx(row["nanoseconds"])
    keys = ["experiment", "algorithm", "pass", "variant", "elements", "threads", "process", "round"]
    table = pd.read_csv(folder / "samples.csv", keep_default_na=False)
    assert not table.duplicated(keys).any()
    assert len(table[table["experiment"] == "algorithms"].groupby(["elements", "process"])) >= 10


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
    shipped = configuration.load()
    assert departures(shipped) == []
    own = {
        **copy.deepcopy(shipped),
        **{"flags": ["-Ofast"], "rotation": 1, "isas": ["avx2"]},
        "input": {**shipped["input"], "low": -1},
        "algorithms": {"two-pass": shipped["algorithms"]["two-pass"]},
    }
    own["protocols"]["quick"]["lengths"]["algorithms"] = [1000]
    own["protocols"]["paper"]["minutes"] = 1
    told = {item.what: item.reason for item in departures(own)}
    assert told["rotation: 4"] == "the configuration has 1"
    assert told["input.low: -1000"] == "the configuration has -1"
    assert told['algorithms.three-pass-reload: ["max", "exp_store", "scale"]'] == "the configuration has nothing"
    assert told["IEEE 754"] == "-Ofast: kernels need not compute what their source says"
    assert any(what.startswith("flags: ") for what in told) and any(what.startswith("isas: ") for what in told)
    assert any(what.startswith("quick's lengths.algorithms: ") for what in told)
    assert not any("minutes" in what for what in told), "another protocol's"
    new = {**shipped, "protocol": "own", "protocols": {**shipped["protocols"], "own": shipped["protocols"]["quick"]}}
    assert [item.what for item in departures(new)] == ["protocol own"], "one that is not shipped"


@pytest.fixture
def smallest(tiny):
    """The configuration with one process and one question."""
    settings = yaml.safe_load((tiny / "config.yaml").read_text())
    settings["algorithms"] = {"two-pass": settings["algorithms"]["two-pass"]}
    smoke = settings["protocols"]["smoke"]
    smoke["processes"] = {"least": 1, "most": 1}
    smoke["lengths"] = {"algorithms": [100], "passes": [], "breakdown": [], "secondary": [], "scalar": 100}
    (tiny / "config.yaml").write_text(yaml.safe_dump(settings))
    return tiny


def test_minutes_that_are_too_few_for_anything_are_one_line(smallest):
    settings = yaml.safe_load((smallest / "config.yaml").read_text(encoding="utf-8"))
    settings["protocols"]["smoke"]["minutes"] = 1e-6
    (smallest / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    result = measure(smallest)
    assert result.returncode == 2
    assert re.match(r"harness: 0 of \d+ passes were tuned in 0 s: this machine", result.stderr.splitlines()[-1])
    assert not store.read_record(folder_of(smallest)).is_complete


def test_of_two_containers_on_one_run_folder_the_second_is_told_who_holds_it_and_nothing_is_lost(smallest):
    with start(smallest) as first:
        wait_for(first, lambda: any(file.read_text() for file in (smallest / "runs").glob("*/*/lock")))
        first.send_signal(signal.SIGSTOP)  # so that it has not ended before the second one looks
        (folder,) = (lock.parent for lock in (smallest / "runs").glob("*/*/lock"))
        before = {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix != ".journal"}
        with elsewhere(smallest, "") as second:
            _, told = second.communicate()
        assert before.items() <= {file.name: file.read_bytes() for file in folder.iterdir()}.items()
        first.send_signal(signal.SIGCONT)
        assert first.wait() == 0
    assert second.returncode == 2
    assert re.fullmatch(
        rf"harness: {folder}: process {first.pid} of host [0-9a-f]{{12}} since \S+ measures into this folder; .+\n",
        told,
    )


def test_two_hosts_that_share_a_folder_of_runs_measure_at_the_same_time_and_lose_nothing(smallest):
    with elsewhere(smallest, "a") as one, elsewhere(smallest, "b") as other:
        results = [process.communicate() for process in (one, other)]
    assert [process.returncode for process in (one, other)] == [0, 0], results
    folders = list((smallest / "runs").glob("*/*"))
    assert len(folders) == 2
    for folder in folders:
        assert_whole(folder)


CHANGES = (
    ({"host": "b"}, r"host \([0-9a-f]{32}, now [0-9a-f]{32}\)"),
    ({"host": "a", "allowed": min(os.sched_getaffinity(0))}, r"allowed processors \(.*, now \d+\), measured proc.*"),
)
"""What may be another when a run is gone on with, and what is then told."""


def test_a_run_that_was_killed_is_not_gone_on_with_where_something_changed(smallest):
    with elsewhere(smallest, "a") as killed:
        wait_for(killed, lambda: progress_of(smallest) >= (1, 0))
        killed.kill()
    begun, known = folder_of(smallest), runs_in(smallest)
    before = {file.name: file.read_bytes() for file in begun.iterdir()}
    # Of one processor none can be taken away.
    for changed, told in CHANGES[: len(os.sched_getaffinity(0))]:
        said = re.compile(rf"  a new run begins: for {begun} this was another: {told}")
        with elsewhere(smallest, **changed) as other:
            assert any(said.fullmatch(line.rstrip()) for line in other.stdout)
            wait_for(other, lambda known=known: runs_in(smallest) - known)
            other.kill()
        assert {file.name: file.read_bytes() for file in begun.iterdir()} == before
        known = runs_in(smallest)


def test_further_runs_have_ordinals_and_seeds_of_their_own_and_one_that_is_killed_is_gone_on_with(smallest):
    with start(smallest, "--again", "2") as killed:
        wait_for(killed, lambda: len(runs_in(smallest)) == 2)
        killed.kill()
    first, second = sorted(run.parent for run in runs_in(smallest))
    assert second == first.with_name(f"{first.name}-2")
    assert store.read_record(first).is_complete and not store.read_record(second).is_complete
    rest = measure(smallest, "--again", "2")
    assert rest.returncode == 0, rest.stderr
    words = ["run 2 of 2", f"  going on with {second}"]
    assert [line for line in rest.stdout.splitlines() if line in (*words, "run 1 of 2")] == words
    assert (smallest / "name").read_text().strip() == str(second)
    for run in (first, second):
        assert_whole(run)
    assert len({store.read_record(run).seed for run in (first, second)}) == 2
    told = f"{second} is complete already; nothing is measured. `make again` (or --again) measures once more."
    assert told in measure(smallest).stdout


def test_no_number_of_further_runs_is_one_line(monkeypatch, capsys):
    for count in ("0", "-1", "some"):
        monkeypatch.setattr(sys, "argv", ["harness", "measure", "--again", count])
        with pytest.raises(SystemExit) as ended:
            main("harness")
        assert ended.value.code == 2 and "argument --again: " in capsys.readouterr().err.splitlines()[-1]


def test_a_run_beside_this_one_that_cannot_be_read_or_has_no_host_is_one_line(unfinished, tmp_path):
    old = replace(store.read_record(unfinished), ended=None)
    assert old.machine.host is None
    now = replace(old, machine=replace(old.machine, host="a" * 32, allowed=(0,)))
    contents = {"a": b"{}", "b": b"{", "c": b"\xff"}
    for end, content in contents.items():
        folder = tmp_path / "runs" / "machine" / f"{instance.content_name(now)}-{end}"
        folder.mkdir(parents=True)
        (folder / "run.json").write_bytes(content)
    folder = folder.with_name(f"{instance.content_name(now)}-d")
    store.write_record(folder, old)
    *damaged, without = begun_elsewhere(folder, now)
    assert len(damaged) == 3 and all(line.startswith("not looked at: ") and "\n" not in line for line in damaged)
    assert re.fullmatch(rf"a new run begins: for {folder} this was another: host \(none, now a+\), allowed .+", without)
    with pytest.raises(HarnessError, match=r"is not what its name says: host \(none, now a+\), .*; remove it"):
        measure_into(Begun(folder, now, None, None))


def test_a_run_of_a_machine_that_has_a_name_since_is_told_to_be_of_another(unfinished, tmp_path):
    record = replace(store.read_record(unfinished), ended=None)
    stranger = replace(record, machine=replace(record.machine, name="stranger"))
    now = replace(stranger, machine=replace(stranger.machine, name="zen4"))
    name = f"{instance.content_name(stranger)}-d"
    store.write_record(tmp_path / "stranger" / name, stranger)
    (line,) = begun_elsewhere(tmp_path / "zen4" / name, now)
    assert line.endswith("this was another: the machine's name was stranger, and now is zen4")


def sealed(rows, told):
    """The lines of CSV as a journal has them, all in one group."""
    return journal.sealed(f"{rows}#everything\n##{json.dumps(told)}")


def journals_of(folder):
    """Turns a complete run back into one that only has to be finished."""
    lines = (folder / "samples.csv").read_text(encoding="utf-8").splitlines(keepends=True)[1:]
    groups = list(groups_of(pd.read_csv(folder / "samples.csv", keep_default_na=False)))
    place = store.COLUMNS.index("process")
    for process in ("0", "1"):
        rows = "".join(line for line in lines if line.split(",")[place] == process)
        (told,) = [row for row in groups if row["process"] == int(process)]
        (folder / f"process-{process}.journal").write_text(sealed(rows, told), encoding="utf-8")
    store.TuningJournal(folder).append([])
    (folder / "samples.csv").unlink()
    store.write_record(folder, replace(store.read_record(folder), ended=None, vetoes=Vetoes(0, 0)))
    return begun(folder)


def begun(folder):
    """The run in a folder, as the last process of it finds it."""
    return Begun(folder, store.read_record(folder), None, None)


@pytest.fixture
def unfinished(make_run):
    return make_run(isas=("avx2",), lengths=(4096,), processes=2, rounds=2, parts=("algorithms", "passes"))


def test_a_finished_run_has_the_checksum_of_its_rows_and_no_journals(unfinished):
    finish(journals_of(unfinished))
    assert sorted(path.name for path in unfinished.iterdir()) == COMPLETE
    content = (unfinished / "samples.csv").read_bytes()
    record = store.read_record(unfinished)
    assert record.samples_sha256 == hashlib.sha256(content).hexdigest()
    assert record.vetoes.samples == content.count(b"\n") - 1
    load_run(unfinished)


def test_a_clock_that_was_set_back_meanwhile_does_not_keep_a_run_from_ending(unfinished, monkeypatch):
    run = journals_of(unfinished)
    monkeypatch.setattr("harness.run.measure.now", lambda: "2020-01-01T00:00:00+00:00")
    finish(run)
    assert store.read_record(unfinished).ended == run.record.started


def test_the_rows_are_on_the_disk_before_the_journals_go(unfinished, monkeypatch):
    journals_then = []
    monkeypatch.setattr(store, "settle", lambda folder: journals_then.append(len(store.journals(folder))))
    finish(journals_of(unfinished))
    assert journals_then == [2]


@pytest.mark.parametrize(
    ("module", "step"),
    [(store, "write_samples"), (samples, "read_samples"), (store, "write_record"), (store, "clear_away")],
)
def test_a_run_killed_while_it_ends_loses_nothing(unfinished, monkeypatch, module, step):
    expected = sorted((unfinished / "samples.csv").read_bytes().splitlines())
    run = journals_of(unfinished)
    with monkeypatch.context() as patched:
        patched.setattr(module, step, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        if not (child := os.fork()):
            with suppress(BaseException):
                finish(run)
            os._exit(1)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    (unfinished / "lock").touch()
    if not is_complete(unfinished):
        finish(begun(unfinished))
    assert sorted(path.name for path in unfinished.iterdir()) == COMPLETE
    assert sorted((unfinished / "samples.csv").read_bytes().splitlines()) == expected
    load_run(unfinished)


@pytest.mark.parametrize("lost", ["process-0.journal", "process-1.journal"])
def test_a_run_whose_rows_are_not_all_there_is_not_finished_and_keeps_its_journals(unfinished, lost):
    run = journals_of(unfinished)
    path = unfinished / lost
    lines = store.Journal(path).points()["everything"].splitlines(keepends=True)
    (group,) = store.Journal(path).groups()
    path.write_text(sealed("".join(lines[:2] + lines[3:]), group.told), encoding="utf-8")
    with pytest.raises(HarnessError, match=r"samples\.csv"):
        finish(run)
    assert not store.read_record(unfinished).is_complete
    assert {"process-0.journal", "process-1.journal", "tuning.journal"} < {path.name for path in unfinished.iterdir()}
