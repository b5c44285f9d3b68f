"""A bundle as a Process Run Crate: ro-crate-metadata.json says what was measured with what, where and in which state,
in words that other tools read (RO-Crate 1.1, Process Run Crate)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rocrate.model import ContextEntity, SoftwareApplication
from rocrate.rocrate import ROCrate

from harness.record.run import Record

PROFILE = "https://w3id.org/ro/wfrun/process/0.6"
ENVIRONMENT = "https://w3id.org/ro/terms/workflow-run#environment"
"""What RO-Crate's own context lacks of the profile's words."""
HARNESS, LICENCE = "#harness", "https://spdx.org/licenses/MIT"
ACTION = "#measuring"
KINDS = {".json": "application/json", ".csv": "text/csv", ".gz": "application/gzip"}
PAPER = "https://arxiv.org/abs/2001.04438"


def metadata(run: Record, files: Mapping[str, bytes]) -> bytes:
    """ro-crate-metadata.json of a complete run and the files of its bundle; the same bytes each time."""
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms["environment"] = ENVIRONMENT
    crate.name = f"Run {run.name} of {run.machine.name}"
    crate.description = (
        f"Two-Pass and Three-Pass softmax ({PAPER}), measured on {run.machine.brand} by protocol {run.protocol.name}"
    )
    crate.datePublished = run.ended
    crate.license = crate.add(ContextEntity(crate, LICENCE, {"@type": "CreativeWork", "name": "MIT License"}))
    profile = {"@type": "CreativeWork", "name": "Process Run Crate", "version": PROFILE.rsplit("/", 1)[1]}
    crate.root_dataset["conformsTo"] = crate.add(ContextEntity(crate, PROFILE, profile))
    held = [crate.add_file(dest_path=name, properties=_file(name, content)) for name, content in files.items()]
    harness = {"name": "Two-Pass Softmax reproducibility harness", "softwareVersion": run.content_hash}
    compilers = [
        crate.add(SoftwareApplication(crate, f"#compiler-{name}", {"name": name, "softwareVersion": its.version}))
        for name, its in run.compilers.items()
    ]
    instrument = crate.add(SoftwareApplication(crate, HARNESS, harness))
    instrument["softwareRequirements"] = compilers
    what = {"name": f"Input: floats drawn uniformly, seed {run.seed}", "@type": "PropertyValue", "value": str(run.seed)}
    action = ContextEntity(
        crate,
        ACTION,
        {
            "@type": "CreateAction",
            "name": f"Measuring by protocol {run.protocol.name}",
            "description": f"Timing {len(run.experiments)} experiments in rounds, by several processes",
            "startTime": run.started,
            "endTime": run.ended,
            "actionStatus": "http://schema.org/CompletedActionStatus",
        },
    )
    crate.add(action)
    action["instrument"] = instrument
    action["object"] = crate.add(ContextEntity(crate, "#input", what))
    action["result"] = held
    action["environment"] = [crate.add(ContextEntity(crate, f"#{key}", its)) for key, its in state(run)]
    crate.root_dataset["mentions"] = action
    return (json.dumps(crate.metadata.generate(), indent=1, sort_keys=True) + "\n").encode()


def _file(name: str, content: bytes) -> dict[str, str]:
    kind = next(kind for ending, kind in KINDS.items() if name.endswith(ending))
    return {"name": name, "encodingFormat": kind, "contentSize": str(len(content))}


def state(run: Record) -> Iterator[tuple[str, dict[str, Any]]]:
    """The machine and its state as typed properties, each with an identifier: caches, cores, threads, where it was
    measured, and what the audit found (governor, SMT, steal, noise)."""
    machine = run.machine
    for cache in machine.caches:
        yield f"cache-{cache.level}", _value(f"L{cache.level} cache", cache.bytes, "bytes")
    for name, value, unit in (
        ("cores", machine.cores, ""),
        ("threads", machine.threads, ""),
        ("memory", machine.memory_bytes, "bytes"),
        ("affinity", ", ".join(map(str, run.threads.cpus)), ""),
        ("disturbed samples", run.vetoes.disturbed_samples, f"of {run.vetoes.samples}"),
    ):
        yield name.replace(" ", "-"), _value(name, value, unit)
    for place, row in enumerate(run.audit):
        yield f"audit-{place}", _value(row["item"], row["found"], f"disturbs: {row['disturbs']}")


def _value(name: str, value: int | str, unit: str) -> dict[str, Any]:
    told = {"@type": "PropertyValue", "name": name, "value": value}
    return told | ({"unitText": unit} if unit else {})
