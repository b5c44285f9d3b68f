"""The nodes of a cluster that are measured, as config/cluster.yaml names them: what each job asks of Slurm, and which
of them came back."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.native import build
from harness.reading import catalog
from harness.record.configuration import Config
from harness.record.documents import read_checked
from harness.record.errors import HarnessError, one_line
from harness.record.machines import machine_names
from harness.record.run import typed
from harness.workflow.targets import one_line_errors

FILE = Path("config/cluster.yaml")
FOLDER, LOGS = Path("results/cluster"), Path("results/logs/cluster")
ANY = "any"
"""Stands for a node where whichever is free first is measured."""
RETRIES = 3
STARTED = time.time()


@dataclass(frozen=True)
class Entry:
    """What cluster.yaml says of some nodes."""

    name: str
    nodes: str
    processors: int
    memory_gigabytes: float
    hours: float
    protocol: str
    partition: str | None = None
    constraint: str | None = None
    account: str | None = None
    qos: str | None = None
    machine: str | None = None
    flags: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Which nodes, in words."""
        among = [f"partition {self.partition}" if self.partition else "", self.constraint or ""]
        return " with ".join(filter(None, among))


@dataclass(frozen=True)
class Job:
    """One node of an entry, by its name, or ANY."""

    entry: Entry
    node: str

    @property
    def told(self) -> str:
        """The job in words."""
        return f"{self.entry.name} ({'one node' if self.node == ANY else self.node} of {self.entry.where})"

    @property
    def log(self) -> Path:
        """What is told while it runs."""
        return LOGS / self.entry.name / f"{self.node}.log"

    @property
    def bundle(self) -> Path:
        """What it brings back."""
        return FOLDER / self.entry.name / f"{self.node}.tar.gz"

    @property
    def note(self) -> Path:
        """What names the folder of the run that it brought back."""
        return self.bundle.with_suffix("").with_suffix(".run")

    def told_lately(self) -> str:
        """What this job has told since this Snakemake was started; empty where it told nothing."""
        with suppress(OSError):
            if self.log.stat().st_mtime >= STARTED:
                return self.log.read_text(encoding="utf-8", errors="replace").strip()
        return ""

    def began_on(self) -> str:
        """The node where this job began since then; empty where it did not begin."""
        found = re.match(r"job \S+ on node (\S+)", self.told_lately())
        return found[1] if found else ""


@dataclass(frozen=True)
class Cluster:
    """What cluster.yaml says: its entries by name, and how long a job may wait for its node."""

    wait_hours: float
    entries: Mapping[str, Entry]


@cache
def described() -> Cluster:
    """What cluster.yaml says. Ends Snakemake with one line about what is wrong."""
    with one_line_errors(HarnessError):
        content = read_checked(FILE, "cluster")
        found = {name: typed(Entry, {**its, "name": name}) for name, its in content["jobs"].items()}
        known = {None, *machine_names(), *catalog.machines(Path("results"))}
        for name, its in found.items():
            if not its.where:
                raise HarnessError(f"{FILE}: jobs.{name}: names neither a partition nor a constraint")
            if its.machine not in known:
                raise HarnessError(f"{FILE}: jobs.{name}.machine: {its.machine!r} has neither a file nor a run")
    return Cluster(content["wait_hours"], found)


def job_of(wildcards: Any) -> Job:
    """The job of the wildcards `entry` and `node`."""
    return Job(described().entries[wildcards.entry], wildcards.node)


def configured(entry: Entry, config: Config, overrides: str) -> Config:
    """The configuration of an entry's runs; a protocol on the command line goes before its own. Ends Snakemake with one
    line where there is no such protocol, or where the job would be stopped before its minutes are spent."""
    protocol = config["protocol"] if "--protocol" in overrides.split() else entry.protocol
    with one_line_errors(HarnessError):
        if protocol not in config["protocols"]:
            raise HarnessError(f"{FILE}: jobs.{entry.name}.protocol: {protocol!r} is not one of config.yaml's")
        if entry.hours * 60 < (minutes := config["protocols"][protocol]["minutes"]):
            raise HarnessError(
                f"{FILE}: jobs.{entry.name}.hours: {entry.hours:g} are fewer than the {minutes:g} minutes of {protocol}"
            )
    return {**config, "protocol": protocol}


def options(entry: Entry, overrides: str) -> str:
    """The options of `python -m harness measure`; of two that are alike the last one holds."""
    asked = f"--asked-for {entry.machine}" if entry.machine else ""
    return f"--protocol {entry.protocol} {asked} {overrides}"


def content(entry: Entry, config: Config, overrides: str) -> str:
    """What the run of an entry is of: where that is another, its nodes are measured anew."""
    used = configured(entry, config, overrides)
    with one_line_errors(HarnessError):
        return build.content_hash(used, build.find_compilers(used)[0])


def flags(job: Job, attempt: int, wait_hours: float) -> str:
    """What sbatch is told beside the resources that Snakemake's plugin knows.

    A job that waits would have Snakemake wait for ever: Slurm removes it when it can't end by its deadline. One that
    never began has the time since Snakemake was started taken off, so that further attempts are removed at once; one
    that did waits anew, for the node where it began, since only there the run is gone on with; but the last attempt
    takes any node.
    """
    began = job.began_on() if attempt > 1 else ""
    node = began if job.node == ANY and attempt <= RETRIES else job.node
    waited = time.time() - STARTED if attempt > 1 and not began else 0.0
    deadline = round(3600 * (wait_hours + job.entry.hours) - waited)
    chosen = [f"--nodelist={node}"] if node not in ("", ANY) else []
    return " ".join(["--exclusive", f"--deadline=now+{deadline}", *chosen, *job.entry.flags])


def told_by(command: str, *arguments: str) -> str:
    """What a command of Slurm tells. Raises HarnessError."""
    try:
        told = subprocess.run(
            [command, *arguments], capture_output=True, encoding="utf-8", errors="replace", check=True
        )
    except FileNotFoundError:
        raise HarnessError(f"{command} is not installed: give this command where Slurm's are") from None
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [f"{command} failed"]
        raise HarnessError(one_line(lines[-1])) from error
    return told.stdout


def nodes_of(entry: Entry) -> list[str]:
    """The nodes of an entry, each to be measured by its own job; ANY where one is enough. Raises HarnessError."""
    if entry.nodes == "one":
        return [ANY]
    features = entry.constraint.split("&") if entry.constraint else []
    if not all(re.fullmatch(r"[\w.-]+", feature) for feature in features):
        told = "for every node, a constraint is a feature, or several with & between them"
        raise HarnessError(f"{FILE}: jobs.{entry.name}.constraint: {told}")
    partition = [f"--partition={entry.partition}"] if entry.partition else []
    listed = told_by("sinfo", "--noheader", "--Node", "--format=%N %f", *partition)
    rows = (line.split() for line in listed.splitlines())
    found = sorted({row[0] for row in rows if set(features) <= set(row[-1].split(","))})
    if not found:
        raise HarnessError(f"{FILE}: jobs.{entry.name}: the cluster has no node of {entry.where}")
    return found


def planned(config: Config, overrides: str, is_local: bool) -> list[Path]:
    """What is to come back from the nodes; tells which nodes that are, for how long, which machines are expected, and
    what would be waited for in vain. Ends Snakemake with one line where the jobs would run on this machine instead."""
    with one_line_errors(HarnessError):
        if is_local:
            raise HarnessError("the nodes of a cluster are reached by --profile profiles/slurm")
        if "--again" in overrides.split():  # a job that is submitted once more would measure another run each time
            raise HarnessError("--config again is for one machine; remove the nodes' bundles to have all measured anew")
        asked = [Job(entry, node) for entry in described().entries.values() for node in nodes_of(entry)]
    hours = sum(job.entry.hours for job in asked)
    tell(f"{len(asked)} jobs, each with a node of its own, {hours:g} hours at most")
    for job in asked:
        protocol = configured(job.entry, config, overrides)["protocol"]
        what = f"{protocol}, {config['protocols'][protocol]['minutes']:g} min of {job.entry.hours:g} h"
        tell(f"  {job.told}: {what}; {expected(job)}; tail -f {job.log} follows it")
    for partition in cancelling({job.entry.partition for job in asked}):
        told = "cancels a job that another goes before, unseen by Snakemake: stop that, and give the same command again"
        tell(f"  partition {partition} {told}")
    return [job.note for job in asked]


def cancelling(partitions: Collection[str | None]) -> list[str]:
    """Those of some partitions, None for that of who names none, where Slurm cancels what it pre-empts; several of them
    may be one text, with commas. Snakemake's plugin takes such a job, whose state is PREEMPTED to its end, for one that
    Slurm begins again."""
    found, asked = [], {name for its in partitions for name in (its.split(",") if its else [None])}
    with suppress(HarnessError):
        for line in told_by("scontrol", "show", "partition", "--oneliner").splitlines():
            its = dict(word.split("=", 1) for word in line.split() if "=" in word)
            is_default, name = its.get("Default") == "YES", its.get("PartitionName")
            if name and "CANCEL" in its.get("PreemptMode", "") and {name, None if is_default else name} & asked:
                found.append(name)
    return found


def expected(job: Job) -> str:
    """Which machine a job is expected to find, in words."""
    if job.entry.machine:
        return f"{job.entry.machine} is expected"
    with suppress(OSError):
        return f"last time it was {Path(job.note.read_text(encoding='utf-8').strip()).parent.name}"
    if named := [word for word in re.split(r"[^\w-]+", job.entry.constraint or "") if word in machine_names()]:
        return f"by its feature it is {named[0]}"
    return "which machine it is, the node tells"


def came(jobs: Iterable[Any]) -> bool:
    """Tells of each node that was to be measured, of all jobs that this Snakemake has, whether its run came back.
    Whether any did."""
    found = [job_of(job.wildcards) for job in jobs if job.rule.name == "brought"]
    asked = sorted(found, key=lambda job: ([*described().entries].index(job.entry.name), job.node))
    back = [job for job in asked if job.bundle.exists() and job.note.exists()]
    if asked:
        tell(f"{len(back)} of {len(asked)} came back")
    for job in asked:
        where = job.note.read_text(encoding="utf-8").strip() if job in back else f"did not come back: {why(job)}"
        tell(f"  {job.told}: {where}")
    return bool(back)


def why(job: Job) -> str:
    """Why a job did not come back: what its log ends with."""
    if not (told := job.told_lately()):
        hours = described().wait_hours
        return f"no node was free for {hours:g} hours, Slurm refused it, or it ended before it could say why"
    return f"{one_line(told.splitlines()[-1])} ({job.log})"


def tell(line: str) -> None:
    """Says this on standard error, beside what Snakemake says."""
    print(f"cluster: {line}", file=sys.stderr)
