"""The nodes of a cluster: what is asked of Slurm, and what is told of it."""

import os
import re
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml

from harness.record import configuration
from harness.record.files import ROOT
from harness.workflow import cluster

CONFIG = configuration.load()
WAIT_HOURS = 2
ENTRY = {"constraint": "zen2", "nodes": "one", "processors": 48, "memory_gigabytes": 32, "hours": 1}
NODES = "n1 skylake,ib\nn2 skylake\nn3 skylake,ib\nn3 skylake,ib\nn4 zen2,ib\n"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """written(name={...}) is a cluster.yaml of these jobs, each with what it leaves open, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    cluster.described.cache_clear()
    (tmp_path / "config").mkdir()

    def write(**jobs):
        whole = {name: {**ENTRY, "protocol": "quick", **its} for name, its in jobs.items()}
        content = {name: {key: said for key, said in its.items() if said is not None} for name, its in whole.items()}
        cluster.FILE.write_text(yaml.safe_dump({"wait_hours": WAIT_HOURS, "jobs": content}, sort_keys=False))
        return cluster.described().entries

    yield write
    cluster.described.cache_clear()


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """tool(name, told, status) puts a program of Slurm first that tells this and ends so: the file where it notes how
    it was called."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")

    def put(name, told, status=0):
        program, called = tmp_path / "bin" / name, tmp_path / f"{name}.called"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho \"$@\" > {called}\ncat <<'END'\n{told}END\nexit {status}\n")
        program.chmod(0o755)
        return called

    return put


@pytest.fixture
def sinfo(tool):
    """A sinfo that knows of NODES."""
    return tool("sinfo", NODES)


def ends_with(capsys, do):
    """The one line that `do` ends Snakemake with."""
    with pytest.raises(SystemExit) as ended:
        do()
    told = capsys.readouterr().err
    assert ended.value.code == 2 and told.count("\n") == 1
    return told.strip().removeprefix("snakemake: ")


def test_the_file_that_is_shipped_names_the_papers_machines(monkeypatch):
    monkeypatch.chdir(ROOT)
    shipped = yaml.safe_load((ROOT / cluster.FILE).read_text(encoding="utf-8"))["jobs"]
    assert [its["machine"] for its in shipped.values()] == ["skylake-x", "broadwell", "zen2"]
    cluster.described.cache_clear()
    for entry in cluster.described().entries.values():
        assert cluster.configured(entry, CONFIG, "")["protocol"] == "quick"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"memory": 4}, "jobs.a: unknown key 'memory'; allowed: partition, constraint, nodes, processors"),
        ({"nodes": "two"}, "jobs.a.nodes: 'two' is not one of one, every"),
        ({"hours": 0}, "jobs.a.hours: 0 is less than or equal to the minimum of 0"),
        ({"flags": ["--exclusive; rm"]}, "jobs.a.flags.0: '--exclusive; rm' does not match"),
        ({"constraint": "zen2 'x"}, 'jobs.a.constraint: "zen2 \'x" does not match'),
        ({"machine": "zen9"}, "jobs.a.machine: 'zen9' has neither a file nor a run"),
    ],
)
def test_a_fault_of_the_file_is_one_line(written, capsys, changed, words):
    assert ends_with(capsys, lambda: written(a=changed)).startswith(f"config/cluster.yaml: {words}")


def test_what_does_not_fit_together_is_one_line(written, capsys):
    entry = written(a={})["a"]
    where = "config/cluster.yaml: jobs.a"
    for changed, words in (
        ({"protocol": "slow"}, f"{where}.protocol: 'slow' is not one of config.yaml's"),
        ({"hours": 0.1}, f"{where}.hours: 0.1 are fewer than the 13 minutes of quick"),
    ):
        its = replace(entry, **changed)
        assert ends_with(capsys, lambda its=its: cluster.configured(its, CONFIG, "")) == words
    cluster.described.cache_clear()
    told = ends_with(capsys, lambda: written(a={"constraint": None}))
    assert told == f"{where}: names neither a partition nor a constraint"


def test_the_command_lines_protocol_goes_before_that_of_the_file(written):
    entry = written(a={"machine": "zen2"})["a"]
    config = {**CONFIG, "protocol": "smoke"}
    assert cluster.configured(entry, config, "--protocol smoke")["protocol"] == "smoke"
    assert cluster.configured(entry, config, "--isas avx2")["protocol"] == "quick"
    assert cluster.options(entry, "--protocol smoke") == "--protocol quick --asked-for zen2 --protocol smoke"


def test_every_node_that_has_all_features_gets_a_job_and_where_one_is_enough_slurm_chooses(written, sinfo):
    its = written(one={}, all={"nodes": "every", "constraint": "skylake&ib", "partition": "bench"})
    assert cluster.nodes_of(its["one"]) == [cluster.ANY] and not sinfo.exists()
    assert cluster.nodes_of(its["all"]) == ["n1", "n3"]
    assert "--partition=bench" in sinfo.read_text()


def test_nodes_that_the_cluster_has_not_got_are_one_line(written, sinfo, tool, capsys, monkeypatch):
    written(a={"nodes": "every", "constraint": "haswell"})
    assert ends_with(capsys, lambda: cluster.planned(CONFIG, "", False)).endswith("the cluster has no node of haswell")
    cluster.described.cache_clear()
    written(a={"nodes": "every", "constraint": "zen2|zen3"})
    told = "jobs.a.constraint: for every node, a constraint is a feature, or several with & between them"
    assert ends_with(capsys, lambda: cluster.planned(CONFIG, "", False)).endswith(told)
    tool("sinfo", "", status=1)
    cluster.described.cache_clear()
    written(a={"nodes": "every"})
    assert ends_with(capsys, lambda: cluster.planned(CONFIG, "", False)) == "sinfo failed"
    monkeypatch.setenv("PATH", "/nowhere")
    cluster.described.cache_clear()
    written(a={"nodes": "every"})
    assert ends_with(capsys, lambda: cluster.planned(CONFIG, "", False)).startswith("sinfo is not installed")


def test_the_plan_tells_nodes_hours_and_machines_and_how_a_job_is_followed(written, sinfo, capsys, tmp_path):
    written(known={"machine": "zen2"}, all={"nodes": "every", "constraint": "skylake&ib", "hours": 2})
    last = tmp_path / "results" / "cluster" / "all" / "n3.run"
    last.parent.mkdir(parents=True)
    last.write_text("results/runs/skylake-x/quick-0\n")
    notes = cluster.planned(CONFIG, "", False)
    assert [str(note) for note in notes] == [f"results/cluster/{its}.run" for its in ("known/any", "all/n1", "all/n3")]
    assert capsys.readouterr().err.splitlines() == [
        "cluster: 3 jobs, each with a node of its own, 5 hours at most",
        "cluster:   known (one node of zen2): quick, 13 min of 1 h; zen2 is expected; "
        "tail -f results/logs/cluster/known/any.log follows it",
        "cluster:   all (n1 of skylake&ib): quick, 13 min of 2 h; which machine it is, the node tells; "
        "tail -f results/logs/cluster/all/n1.log follows it",
        "cluster:   all (n3 of skylake&ib): quick, 13 min of 2 h; last time it was skylake-x; "
        "tail -f results/logs/cluster/all/n3.log follows it",
    ]


def test_where_slurm_cancels_what_it_pre_empts_the_plan_says_so(written, tool, capsys):
    rows = [("a", "NO", "GANG,CANCEL"), ("b", "YES", "CANCEL"), ("c", "NO", "REQUEUE"), ("d", "NO", "CANCEL")]
    shown = "".join(f"PartitionName={name} Default={default} PreemptMode={mode}\n" for name, default, mode in rows)
    called = tool("scontrol", shown)
    written(a={"partition": "a"}, c={"partition": "c"})
    cluster.planned(CONFIG, "", False)
    assert called.read_text() == "show partition --oneliner\n"
    warned = [line for line in capsys.readouterr().err.splitlines() if "cancels" in line]
    assert len(warned) == 1 and warned[0].startswith("cluster:   partition a cancels a job that another goes before,")
    assert cluster.cancelling({None, "c"}) == ["b"], "who names none gets the default"
    assert cluster.cancelling({"c,a"}) == ["a"], "wherever there is room"


def test_a_feature_that_has_the_name_of_a_machine_tells_which_is_expected(written):
    its = written(a={"constraint": "ib&zen2"}, b={"constraint": "zen"})
    told = [cluster.expected(cluster.Job(entry, cluster.ANY)) for entry in its.values()]
    assert told == ["by its feature it is zen2", "which machine it is, the node tells"]


def test_on_this_machine_no_node_is_measured(written, capsys):
    written(a={})
    told = "the nodes of a cluster are reached by --profile profiles/slurm"
    assert ends_with(capsys, lambda: cluster.planned(CONFIG, "", True)) == told


def began(job, node, text=""):
    """Has the job have begun on a node just now."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    job.log.write_text(f"job 12 on node {node}\n{text}")


def hours_until_deadline(flags):
    return int(re.search(r"--deadline=now\+(\d+)", flags)[1]) / 3600


def test_a_job_goes_on_where_it_began_and_its_last_attempt_takes_any_node(written):
    job = cluster.Job(written(a={"flags": ["--hint=nomultithread"]})["a"], cluster.ANY)
    first = cluster.flags(job, 1, WAIT_HOURS)
    assert re.fullmatch(r"--exclusive --deadline=now\+\d+ --hint=nomultithread", first)
    began(job, "n7")
    os.utime(job.log, (0, 0))
    assert "--nodelist" not in cluster.flags(job, 2, WAIT_HOURS), "that was another time"
    began(job, "n7")
    attempts = range(2, cluster.RETRIES + 1)
    assert all("--nodelist=n7" in cluster.flags(job, attempt, WAIT_HOURS) for attempt in attempts)
    assert "--nodelist" not in cluster.flags(job, cluster.RETRIES + 1, WAIT_HOURS)
    assert "--nodelist=n4" in cluster.flags(replace(job, node="n4"), cluster.RETRIES + 1, WAIT_HOURS)


def test_a_job_that_never_began_is_given_up_at_one_time_and_one_that_did_waits_anew(written, monkeypatch):
    job = cluster.Job(written(a={})["a"], cluster.ANY)
    monkeypatch.setattr(cluster, "STARTED", time.time() - WAIT_HOURS * 3600)
    to_wait_and_run = pytest.approx(WAIT_HOURS + 1, abs=0.1)
    assert hours_until_deadline(cluster.flags(job, 1, WAIT_HOURS)) == to_wait_and_run
    assert hours_until_deadline(cluster.flags(job, 2, WAIT_HOURS)) == pytest.approx(1, abs=0.1)
    began(job, "n7")
    assert hours_until_deadline(cluster.flags(job, 2, WAIT_HOURS)) == to_wait_and_run


def job_of_snakemake(rule, job):
    """A job as Snakemake has it."""
    wildcards = SimpleNamespace(entry=job.entry.name, node=job.node)
    return SimpleNamespace(rule=SimpleNamespace(name=rule), wildcards=wildcards)


def test_it_is_told_which_nodes_came_back_and_why_the_others_did_not(written, capsys):
    entries = written(b={}, a={}, c={}, d={}).values()
    failed, back, never, early = (cluster.Job(entry, cluster.ANY) for entry in entries)
    others = [job_of_snakemake("node", back)]
    assert not cluster.came(others) and capsys.readouterr().err == "", "no cluster was asked for"
    back.bundle.parent.mkdir(parents=True)
    back.bundle.touch()
    back.note.write_text("results/runs/zen2/quick-0\n")
    began(failed, "n7", "harness: no C compiler\n")
    early.log.parent.mkdir(parents=True)
    early.log.write_text("harness: `ulimit -v` allows 500 MB\n")
    assert cluster.came([*others, *(job_of_snakemake("brought", job) for job in (never, failed, back, early))])
    assert capsys.readouterr().err.splitlines() == [
        "cluster: 1 of 4 came back",
        "cluster:   b (one node of zen2): did not come back: harness: no C compiler (results/logs/cluster/b/any.log)",
        "cluster:   a (one node of zen2): results/runs/zen2/quick-0",
        "cluster:   c (one node of zen2): did not come back: no node was free for 2 hours, Slurm refused it, or it "
        "ended before it could say why",
        "cluster:   d (one node of zen2): did not come back: harness: `ulimit -v` allows 500 MB "
        "(results/logs/cluster/d/any.log)",
    ]
