"""What disturbs measurements on this machine: each item with what was found, whether it disturbs, and what to do."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.machine import control_groups, topology
from harness.machine.allocation import Allocation
from harness.machine.system import read
from harness.native.clock import ADVICE, Clock, source
from harness.native.extensions import HUGE_PAGE_BYTES, Host
from harness.native.memory import Arena, Layout
from harness.record.machines import load_machines
from harness.record.run import NOT_EMULATED, OF_THE_JOB, UNKNOWN

SYSTEM_CPU = Path("/sys/devices/system/cpu")
# Devices that are asked over a bus at each reading, and the timer interrupt.
SLOW_SOURCES = ("hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit")
# Load and pressure that the measurement itself would not make: half a processor busy.
BUSY_LOAD = 0.5
NOT_TOLD = "the system does not tell; the clock canary watches it"


@dataclass(frozen=True)
class Finding:
    """One item of the audit; `disturbs` is yes, no or unknown."""

    item: str
    found: str
    disturbs: str
    advice: str

    @classmethod
    def of(cls, item: str, found: str | None, disturbs: bool, advice: str) -> Finding:
        """What was `found`, and whether that disturbs; None where nothing tells."""
        if found is None:
            return cls(item, "unknown", "unknown", advice)
        return cls(item, found, "yes" if disturbs else "no", advice)


def governor(cpu: int) -> Finding:
    """Whether the frequency governor of this processor holds the clock."""
    found = read(SYSTEM_CPU / f"cpu{cpu}/cpufreq/scaling_governor") or None
    advice = "set it to performance: cpupower frequency-set -g performance"
    return Finding.of("frequency governor", found, found != "performance", advice if found else NOT_TOLD)


def turbo() -> Finding:
    """Whether the clock may rise above its base."""
    no_turbo, boost = read(SYSTEM_CPU / "intel_pstate/no_turbo"), read(SYSTEM_CPU / "cpufreq/boost")
    state = {"1": "off", "0": "on"}.get(no_turbo) or {"1": "on", "0": "off"}.get(boost)
    advice = "switch it off for steady clocks (intel_pstate/no_turbo or cpufreq/boost); the canary records the clock"
    return Finding.of("turbo", state, state == "on", advice if state else NOT_TOLD)


def clock(found: Clock) -> Finding:
    """What the clock costs and resolves, and whether it goes back."""
    kernel = source()
    told = f"{kernel}, {found.overhead:.0f} ns a reading, steps of {found.resolution} ns"
    if found.went_back:
        told += f", went back {found.went_back} times in {found.readings}"
    slow = kernel in SLOW_SOURCES or not found.is_good
    advice = f"{ADVICE}; its overhead is subtracted, and batches are longer for it" if slow else ADVICE
    return Finding.of("clock", told, slow, advice)


def sibling_threads(virtual: bool) -> Finding:
    """Whether another thread may run on the same core; a virtual machine does not see its host's threads."""
    active = read(SYSTEM_CPU / "smt/active")
    advice = "leave the sibling of the measured processor idle, or switch SMT off"
    found = "on" if active == "1" else "off" if active and not virtual else None
    return Finding.of("sibling threads (SMT)", found, found == "on", advice)


def hypervisor(signature: str) -> Finding:
    """Whether this is a virtual machine, whose neighbours can't be seen."""
    advice = "measure on bare metal if you can; neighbours show in the canary, not in the steal counter"
    return Finding.of("hypervisor", signature or "none", bool(signature), advice)


def emulator(found: str) -> Finding:
    """Whether a program plays the processor."""
    advice = "measure on a processor: what an emulator measures decides nothing; one that gives no sign is not seen"
    return Finding.of("emulator", found, found != NOT_EMULATED, advice)


def stolen_time() -> Finding:
    """The share of time that the hypervisor gave to others since boot."""
    first = re.match(r"cpu((?:\s+\d+){8})", read(Path("/proc/stat")))
    ticks = [int(field) for field in first[1].split()] if first else []
    share = ticks[7] / max(1, sum(ticks)) if ticks else 0.0
    advice = "ask for dedicated processors; disturbed rounds are measured again"
    return Finding.of("stolen time", f"{share:.2%} since boot" if ticks else None, share > 0.01, advice)


def other_load() -> Finding:
    """How many processors were busy in the last minute."""
    load = None
    with suppress(OSError):
        load = os.getloadavg()[0]
    found = None if load is None else f"{load:.2f}"
    return Finding.of("load in the last minute", found, (load or 0) > BUSY_LOAD, "stop other programs, or wait")


def priority() -> Finding:
    """Whether the system lets others go before this process."""
    niceness, policy = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0)
    lowered = {os.SCHED_BATCH: ", batch", os.SCHED_IDLE: ", idle"}.get(policy, "")
    advice = "start without `nice` or `chrt`: others go before this process, and its samples are disturbed"
    return Finding.of("priority", f"nice {niceness}{lowered}", niceness > 0 or bool(lowered), advice)


def pressure(resource: str) -> Finding:
    """The share of the last ten seconds in which something waited for `resource` (cpu, memory)."""
    told = re.search(r"^some avg10=(\d+(?:\.\d+)?)\b", read(Path("/proc/pressure") / resource), re.MULTILINE)
    share = float(told[1]) if told else 0.0
    found = f"{share:.1f} %" if told else None
    return Finding.of(f"{resource} pressure", found, share > 5, "stop other programs, or wait")


def huge_pages(host: Host) -> Finding:
    """Whether an arena in fact lies in huge pages."""
    arena = Arena(host, Layout(1, 8 * HUGE_PAGE_BYTES))
    found = arena.huge_page_bytes()
    arena.unmap()
    given = isinstance(found, int) and found >= 8 * HUGE_PAGE_BYTES
    told = None if found == UNKNOWN else "given" if given else "not given"
    advice = "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled (as root)"
    return Finding.of("huge pages", told, not given, advice)


def memory_channels(machine: str) -> Finding:
    """How many memory channels the machine's file says there are; which of them are populated, no program may read."""
    advice = "populate every channel alike; bandwidth out of cache depends on it"
    known = load_machines().get(machine)
    channels = known.memory.channels if known else UNKNOWN
    found = UNKNOWN if channels == UNKNOWN else f"{channels} by the machine's file"
    return Finding("memory channels", found, "unknown", advice)


def allowed_processors() -> Finding:
    """Whether this process may use every processor."""
    allowed, online = len(os.sched_getaffinity(0)), os.cpu_count() or 1
    advice = "a mask or container limit is in force; it is respected"
    return Finding("processors allowed", f"{allowed} of {online}", "no" if allowed == online else "unknown", advice)


def kinds(choice: topology.Choice) -> Finding:
    """Whether the processors differ, and which are measured."""
    told = f"hybrid: {choice.kind}s are measured, {len(choice.alike)} of those allowed" if choice.kind else "one"
    return Finding.of("kinds of processors", told, False, "none: only processors of one kind are measured")


def granted_time(granted: float | None) -> Finding:
    """Whether the control group stops this process when its share of time is spent."""
    found = "unlimited" if granted is None else f"that of {granted:g} processors"
    advice = "raise the quota of the control group to whole processors"
    return Finding.of("processor time granted", found, granted is not None and granted < 1, advice)


def audit(host: Host, machine: str, cpu: int) -> list[dict[str, str]]:
    """The `audit` part of run.json, on the machine of this name, of which `cpu` is measured."""
    with topology.on(cpu):
        timer = Clock(host)
    processor = host.processor()
    found = [
        governor(cpu),
        turbo(),
        clock(timer),
        sibling_threads(bool(processor.hypervisor)),
        hypervisor(processor.hypervisor),
        emulator(processor.emulator),
        stolen_time(),
        other_load(),
        priority(),
        pressure("cpu"),
        pressure("memory"),
        huge_pages(host),
        allowed_processors(),
        kinds(host.choice()),
        granted_time(control_groups.quota()),
        memory_channels(machine),
    ]
    return [asdict(finding) for finding in found]


def job_processors(job: Allocation, online: int, cores: int | str) -> Finding:
    """Whether the whole node is the job's, so that no other job runs beside it. Where a scheduler counts cores, as many
    as there are of them are all."""
    found = None if job.processors is None else f"{job.processors} of {online}"
    advice = "ask for the whole node, as config/cluster.yaml does: others may run beside this job"
    return Finding.of(f"processors{OF_THE_JOB}", found, job.processors not in (online, cores), advice)


def job_neighbours(others: set[str] | None) -> Finding:
    """Whether other jobs are on the job's node, though it may have all processors: a partition may share them."""
    advice = "ask for a partition that shares no nodes, and look at the flags in config/cluster.yaml"
    found = None if others is None else f"{len(others)} on its node" if others else "none"
    return Finding.of(f"neighbours{OF_THE_JOB}", found, bool(others), advice)


def job_memory(job: Allocation, total: int) -> Finding:
    """How much of the node's memory, `total` bytes, is the job's; lengths that need more are skipped."""
    found = None if job.memory_bytes is None else f"{job.memory_bytes / 1e9:.1f} of {total / 1e9:.1f} GB"
    advice = "say how much the job needs: a node of its own gives it no more memory than it asks for"
    return Finding.of(f"memory{OF_THE_JOB}", found, False, advice)


def job_time(left: float | None, seconds: float) -> Finding:
    """Whether the job, of which so many seconds are left, lasts as long as the run may take."""
    found = None if left is None else f"{left / 60:.0f} min, the run may take {seconds / 60:.0f}"
    advice = "ask for more time; a job that is stopped goes on where it was when it is submitted again"
    return Finding.of(f"time{OF_THE_JOB}", found, left is not None and left < seconds, advice)


def job_machine(machine: str, asked: str) -> Finding:
    """Whether the node is the machine that was asked for."""
    found = machine if machine == asked else f"{machine}, not {asked}"
    advice = "look at the node's features: this is another processor than its entry in config/cluster.yaml says"
    return Finding.of(f"machine{OF_THE_JOB}", found, machine != asked, advice)


def audit_job(job: Allocation, machine: str, asked: str | None, seconds: float) -> list[dict[str, str]]:
    """What the `audit` part of run.json says of a job on the machine of this name, that was asked for another or the
    same, for a run that may take so many seconds."""
    found = [
        job_processors(job, os.cpu_count() or 1, topology.cores()),
        job_neighbours(job.neighbours()),
        job_memory(job, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")),
        job_time(job.seconds_left(), seconds),
        *([job_machine(machine, asked)] if asked else []),
    ]
    return [asdict(finding) for finding in found]


def worst(audits: Sequence[Sequence[Mapping[str, str]]]) -> list[dict[str, str]]:
    """Of several audits of a machine each item as it was when it disturbed the most; the earlier of two alike."""
    order = ("no", "unknown", "yes")
    found: dict[str, dict[str, str]] = {}
    for item in (item for items in audits for item in items):
        known = found.get(item["item"])
        if known is None or order.index(item["disturbs"]) > order.index(known["disturbs"]):
            found[item["item"]] = dict(item)
    return list(found.values())
