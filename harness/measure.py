"""A whole run: plan, tune, one process after the other, then samples.csv and run.json. A killed run is continued."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import audit, build, detect, plan, sampler, store
from harness.config import ROOT, Config
from harness.contenders import check_passes
from harness.errors import HarnessError
from harness.extensions import Host, first_host, load_kernels
from harness.lock import exclusive
from harness.progress import bar

SEED_BITS = 32


def now() -> str:
    """The time as run.json has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def choose_cpu() -> int:
    """The logical processor to measure on: the last that this process may use, since the first serves interrupts."""
    return max(os.sched_getaffinity(0))


def prepare(config: Config, extensions: Path) -> tuple[dict[str, Any], plan.Plan, Host]:
    """run.json of a run that has not begun, its plan, and the host part.

    Raises HarnessError where this machine can't measure what is configured.
    """
    detect.require_x86_64()
    compilers, skipped = build.find_compilers(config)
    host = first_host(extensions, compilers)
    processor = host.processor()
    isas, lacking = detect.usable_isas(processor, config["isas"])
    check_passes(config, load_kernels(extensions, compilers[0].name, isas[0]))
    planned = plan.make_plan(
        config, processor, [compiler.name for compiler in compilers], isas, detect.available_memory_bytes()
    )
    if not planned.items:
        raise HarnessError("nothing to measure: " + "; ".join(f"{s['what']}: {s['reason']}" for s in planned.skipped))
    planned.skipped[:0] = skipped + lacking
    digest = build.content_hash(config, compilers)
    protocol = config["protocols"][config["protocol"]]
    table = load_kernels(extensions, compilers[0].name, isas[0])
    info = {
        "schema_version": store.SCHEMA_VERSION,
        "run": f"{config['protocol']}-{digest[:12]}",
        "machine": detect.describe(processor),
        "audit": [],
        "compilers": {
            c.name: {
                "command": [c.command],
                "version": c.version,
                "flags": {target: build.flags(config, target) for target in (*isas, build.HOST)},
            }
            for c in compilers
        },
        "content_hash": digest,
        "protocol": {
            "name": config["protocol"],
            **protocol,
            "input": config["input"],
            "rotation": config["rotation"],
            "experiments": config["experiments"],
        },
        "seed": int(digest[:8], 16) % (1 << SEED_BITS),
        "timer": sampler.timer(host),
        "canary": {
            "clock_adds": sampler.CLOCK_ADDS,
            "throughput_fmas": sampler.THROUGHPUT_FMAS,
            "clock_nanoseconds": max(1, host.lib.canary_clock(sampler.CLOCK_ADDS)),
            "throughput_nanoseconds": max(1, host.lib.canary_throughput(sampler.THROUGHPUT_FMAS)),
        },
        "memory": {
            "arena_bytes": plan.layout(config, processor, planned.longest).arena_bytes,
            "huge_page_bytes": "unknown",
            "cpu": choose_cpu(),
        },
        "kernels": {k.name: {"reads_x": k.reads_x, "reads_y": k.reads_y, "writes_y": k.writes_y} for k in table},
        "algorithms": config["algorithms"],
        "experiments": planned.experiments(),
        "tuning": [],
        "skipped": planned.skipped,
        "vetoes": {"samples": 0, "disturbed_samples": 0},
        "started": now(),
        "ended": None,
    }
    return info, planned, host


def check_named_isas(config: Config, extensions: Path, named: list[str] | None) -> None:
    """Raises HarnessError for an ISA that was asked for by name and that this processor lacks."""
    processor = first_host(extensions, build.find_compilers(config)[0]).processor()
    for isa in named or []:
        if isa not in processor.isas:
            has = ", ".join(processor.isas) or "none of the ISAs"
            raise HarnessError(f"{processor.brand} does not have {isa}; it has {has}")


def planned_text(config: Config, extensions: Path) -> str:
    """What `measure` would do, in words."""
    _, planned, host = prepare(config, extensions)
    return plan.describe(config, planned, host.processor())


def run_worker(folder: Path, extensions: Path, config: Config, process: int | None) -> Iterator[dict[str, Any]]:
    """Runs one process of a run (None: the tuning) and yields what it tells. Raises HarnessError if it fails."""
    job = json.dumps({"folder": str(folder), "extensions": str(extensions), "config": config, "process": process})
    command = [sys.executable, "-m", "harness.worker", job]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as worker:
        assert worker.stdout and worker.stderr
        for line in worker.stdout:
            yield json.loads(line)
        errors = worker.stderr.read()
    if worker.returncode:
        last = errors.strip().splitlines()[-1] if errors.strip() else "no message"
        raise HarnessError(f"a measuring process ended with status {worker.returncode}: {last}")


def measure(config: Config, extensions: Path, runs: Path) -> Path:
    """Measures what the configuration asks for and returns the run's folder, below `runs`/MACHINE/.

    A complete run of the same content is left as it is; an incomplete one is continued.
    """
    info, planned, host = prepare(config, extensions)
    folder = runs / info["machine"]["name"] / info["run"]
    if (folder / "run.json").exists():
        before = store.read_info(folder)
        if before["ended"]:
            print(f"{folder} is complete already; nothing is measured. Remove it to measure anew.")
            return folder
        info = before
    with exclusive():
        processor = host.processor()
        print(plan.describe(config, planned, processor))
        if (folder / "tuning.json").exists():
            print(f"  going on with {folder}")
        info["audit"] = audit.audit(host)
        for item in info["audit"]:
            if item["disturbs"] == "yes":
                print(f"  note: {item['item']}: {item['found']}; {item['advice']}")
        store.write_info(folder, info)
        tune(folder, extensions, config, info)
        measure_processes(folder, extensions, config, info, planned, processor.llc_bytes)
        finish(folder, info)
    return folder


def tune(folder: Path, extensions: Path, config: Config, info: dict[str, Any]) -> None:
    """Tunes, unless that was done before, and puts the result into run.json."""
    file = folder / "tuning.json"
    if not file.exists():
        passes = {name for names in config["algorithms"].values() for name in names}
        pairs = {(i["compiler"], i["isa"]) for items in info["experiments"].values() for i in items}
        with bar("tuning", len(passes) * len(pairs)) as progress:
            for message in run_worker(folder, extensions, config, None):
                progress.set_postfix_str(message["tuned"], refresh=False)
                progress.update(1)
    info["tuning"] = json.loads(file.read_text())
    store.write_info(folder, info)


def measure_processes(
    folder: Path, extensions: Path, config: Config, info: dict[str, Any], planned: plan.Plan, llc_bytes: int
) -> None:
    """Runs the processes of a run until all are done or the protocol's minutes are spent, which is recorded."""
    protocol = config["protocols"][config["protocol"]]
    costs = {
        f"{item.experiment} {item.compiler} {item.isa} {n}": plan.question_seconds(config, item, n, llc_bytes)
        for item in planned.items
        for n in item.elements
    }
    processes = range(protocol["processes"])
    began, longest = time.monotonic(), 0.0
    with bar("measuring", sum(costs.values()) * len(processes)) as progress:
        for process in processes:
            left = protocol["minutes"] * 60 - (time.monotonic() - began)
            if process and longest > left:
                reason = f"the protocol's {protocol['minutes']} minutes are spent"
                progress.write(f"processes {process} to {processes[-1]} are skipped: {reason}", file=sys.stderr)
                info["skipped"] = [
                    *info["skipped"],
                    {"what": f"processes {process} to {processes[-1]}", "reason": reason},
                ]
                break
            progress.set_description_str(f"measuring, process {process + 1} of {len(processes)}")
            start = time.monotonic()
            done = store.Journal(folder / f"process-{process}.journal").points()
            progress.update(sum(costs.get(key, 0) for key in done))
            for message in run_worker(folder, extensions, config, process):
                if "point" in message:
                    progress.set_postfix_str(message["point"], refresh=False)
                    progress.update(costs[message["point"]])
                elif "arena_bytes" in message:
                    info["memory"].update(message)
                else:
                    for name, value in message.items():
                        info["canary"][name] = min(info["canary"][name], value)
            longest = max(longest, time.monotonic() - start)


def finish(folder: Path, info: dict[str, Any]) -> None:
    """Merges the journals into samples.csv, completes run.json, then removes what only a run in progress needs."""
    journals = sorted(folder.glob("process-*.journal"), key=lambda path: int(path.stem.split("-")[1]))
    store.write_samples(folder, [store.Journal(path) for path in journals])
    info["vetoes"] = count_vetoes(store.Journal(path) for path in journals)
    info["ended"] = now()
    store.write_info(folder, info)
    for path in (*journals, folder / "tuning.json"):
        path.unlink(missing_ok=True)


def count_vetoes(journals: Iterable[store.Journal]) -> dict[str, int]:
    """The `vetoes` part of run.json: all rows, and those of them that carry a flag."""
    flags = [
        line.rsplit(",", 1)[1] for journal in journals for lines in journal.points().values() for line in lines.split()
    ]
    return {"samples": len(flags), "disturbed_samples": sum(flag != "" for flag in flags)}
