"""What a scheduler gave to the job that this process belongs to, as Slurm tells its jobs."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Allocation:
    """A job on one node, and what of that is the job's: logical processors, memory in bytes; None where the scheduler
    does not tell. `ends`, in seconds since 1970, not every version tells."""

    job: str
    node: str
    processors: int | None
    memory_bytes: int | None
    ends: float | None = None

    def seconds_left(self) -> float | None:
        """Until the job is stopped; None where neither its environment nor Slurm tells."""
        ends = self.ends
        if ends is None:
            asked = ["squeue", "--noheader", "--jobs", self.job, "--format=%e"]
            with suppress(OSError, ValueError, subprocess.SubprocessError):
                told = subprocess.run(asked, capture_output=True, encoding="utf-8", timeout=30, check=True).stdout
                ends = datetime.fromisoformat(told.strip()).timestamp()
        return None if ends is None else ends - time.time()

    def neighbours(self) -> set[str] | None:
        """The other jobs on this node. Slurm has a process on a node for each step of a job, which names it; asked for
        what others do, Slurm may keep silent. None where such processes are hidden, this job's own among them."""
        found = set()
        for file in PROCESSES.glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if told := re.match(rb"slurmstepd: \[(\d+)", file.read_bytes()):
                    found.add(told[1].decode())
        return found - {self.job} if self.job in found else None


def allocation(told: Mapping[str, str] = os.environ) -> Allocation | None:
    """What this process's job was given; None where it belongs to no job, or where Slurm did not start it on a node, as
    in a shell of salloc, which stays where it was."""
    job, node = told.get("SLURM_JOB_ID"), told.get("SLURMD_NODENAME")
    if not (job and node):
        return None
    # Of the job, where a step of it may have fewer: SLURM_CPUS_ON_NODE is the step's.
    processors = _number(told, "SLURM_JOB_CPUS_PER_NODE") or _number(told, "SLURM_CPUS_ON_NODE")
    megabytes = _number(told, "SLURM_MEM_PER_NODE")
    if megabytes is None and processors and (each := _number(told, "SLURM_MEM_PER_CPU")):
        megabytes = processors * each
    return Allocation(
        job,
        node,
        processors,
        megabytes << 20 if megabytes else None,  # 0: all that the node has
        _number(told, "SLURM_JOB_END_TIME"),
    )


def _number(told: Mapping[str, str], name: str) -> int | None:
    """The number that a variable begins with: of 36(x2), on nodes that are alike, that of each."""
    found = re.match("[0-9]{1,15}", told.get(name, ""))
    return int(found[0]) if found else None
