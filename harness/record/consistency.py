"""Whether the parts of run.json fit together: its names, its ranges, what may stand there once only."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from harness.record import instance

Information = Mapping[str, Any]

# float32 in [-87.3, -0], of which `accuracy.exp` looks at every so many-th.
FLOATS = 1_118_738_843

# What tells the items of a list apart.
KEYS = {
    "accuracy.exp": ("isa",),
    "accuracy.softmax": ("isa", "algorithm", "accumulation", "distribution", "elements"),
    "domain": ("compiler", "isa", "algorithm"),
    "tuning": ("compiler", "isa", "pass", "variant"),
    "experiments": ("compiler", "isa", "cache_state"),
    "machine.caches": ("level",),
}


def contradictions(run: Information) -> Iterator[str]:
    """What in run.json (which fits its schema) contradicts another part of it, each as "field: reason"."""
    yield from _identity(run)
    yield from _processors(run)
    yield from _contenders(run)
    yield from _kernels(run)
    for name, items in _lists(run):
        yield from _items(run, name, items)
    yield from _experiments(run)
    yield from _tuning(run)
    yield from _accuracy(run)
    yield from _counts(run)


def _identity(run: Information) -> Iterator[str]:
    if missing := _missing(run):
        yield f"machine.host: {' and '.join(missing)} must be there as well"
    elif run["run"] != instance.run_name(run):
        yield f"run: {run['run']!r} does not follow from protocol.name, content_hash and what was measured on"
    if run["ended"] and datetime.fromisoformat(run["ended"]) < datetime.fromisoformat(run["started"]):
        yield "ended: the run ended before it started"


def _missing(run: Information) -> list[str]:
    """What a run that tells its host has, and this one has not; older runs have less."""
    if "host" not in run["machine"]:
        return []
    wanted = [("machine.allowed", run["machine"]), ("threads", run), ("protocol.processes", run["protocol"])]
    if run["ended"]:
        wanted += [("samples_sha256", run), ("precision", run)]
    return [name for name, where in wanted if name.split(".")[-1] not in where]


def _processors(run: Information) -> Iterator[str]:
    """What was measured on is among what was there and allowed, where the run tells that."""
    cpu, team = run["memory"]["cpu"], run.get("threads", {}).get("cpus")
    if team and cpu not in team:
        yield f"memory.cpu: {cpu} is not in threads.cpus"
    allowed = run["machine"].get("allowed")
    if allowed and (strange := {cpu, *(team or ())} - {*allowed}):
        yield f"machine.allowed: {min(strange)} is not in it, but was measured on"


def _kernels(run: Information) -> Iterator[str]:
    """What a pass declares tells how fast it can be; so each moves something, and a softmax reads X and writes Y."""
    for name, its in run["kernels"].items():
        if not its["reads_x"] + its["reads_y"] + its["writes_y"]:
            yield f"kernels.{name}: neither reads nor writes"
    for algorithm, passes in run["algorithms"].items():
        for stream in ("reads_x", "writes_y"):
            if not any(run["kernels"][name][stream] for name in passes):
                yield f"algorithms.{algorithm}: no pass has {stream}"


def _contenders(run: Information) -> Iterator[str]:
    """Algorithms, controls and peers: each a name that rows have as algorithm."""
    for algorithm, passes in run["algorithms"].items():
        yield from (
            f"algorithms.{algorithm}: {name!r} is not in kernels" for name in passes if name not in run["kernels"]
        )
    controls = run.get("controls", {})
    for control, its in controls.items():
        if its["algorithm"] not in run["algorithms"]:
            yield f"controls.{control}: {its['algorithm']!r} is not in algorithms"
    if controls and all(its["extra_percent"] for its in controls.values()):
        yield "controls: none has 0 extra percent, so there is no null test"
    taken = set(run["algorithms"])
    for kind, names in (("controls", controls), ("peers.libraries", _libraries(run))):
        yield from (f"{kind}.{name}: another contender has this name" for name in names if name in taken)
        taken |= set(names)


def _lists(run: Information) -> Iterator[tuple[str, Sequence[Information]]]:
    """Each list that has KEYS, by where it stands."""
    accuracy = run.get("accuracy", {})
    yield "machine.caches", run["machine"]["caches"]
    yield "domain", run.get("domain", [])
    yield "tuning", run["tuning"]
    yield "accuracy.exp", accuracy.get("exp", [])
    yield "accuracy.softmax", accuracy.get("softmax", [])
    for name, items in run["experiments"].items():
        yield f"experiments.{name}", items


def _items(run: Information, where: str, items: Sequence[Information]) -> Iterator[str]:
    """Items that name what the run has not, and those that stand in their list twice."""
    known = {
        "compiler": run["compilers"],
        "isa": ["", *run["machine"]["isas"]],
        "algorithm": [*run["algorithms"], *_libraries(run)],
        "pass": run["kernels"],
    }
    keys = KEYS.get(where) or KEYS[where.split(".")[0]]
    seen = set()
    for place, item in enumerate(items):
        for field in known.keys() & item.keys():
            if item[field] not in known[field]:
                yield f"{where}[{place}].{field}: {item[field]!r} is not in this run"
        key = tuple(item[field] for field in keys)
        if key in seen:
            yield f"{where}[{place}]: {' '.join(map(str, key))} stands there twice"
        seen.add(key)


def _experiments(run: Information) -> Iterator[str]:
    asked = run["protocol"].get("experiments", {})
    most = len(run["threads"]["cpus"]) if "threads" in run else 1
    for name, items in run["experiments"].items():
        if asked and name not in asked:
            yield f"experiments.{name}: is not in protocol.experiments"
        for place, item in enumerate(items):
            where = f"experiments.{name}[{place}]"
            if item["cache_state"] != asked.get(name, {}).get("cache_state", item["cache_state"]):
                yield f"{where}.cache_state: is not the one of protocol.experiments"
            if max(item.get("threads", [1])) > most:
                yield f"{where}.threads: more than the {most} processors of the run"


def _tuning(run: Information) -> Iterator[str]:
    """Of each compiler, ISA and pass one variant is chosen, and one at least was measured to the end."""
    if run["ended"] and not run["tuning"]:
        yield "tuning: is empty, and passes are measured in the variants that it chooses"
    groups: dict[tuple[str, str, str], list[Information]] = {}
    for row in run["tuning"]:
        groups.setdefault((row["compiler"], row["isa"], row["pass"]), []).append(row)
    for key, rows in groups.items():
        if (chosen := sum(row["chosen"] for row in rows)) != 1:
            yield f"tuning: {chosen} variants of {' '.join(key)} are chosen"
        if not any(row["finalist"] for row in rows):
            yield f"tuning: no variant of {' '.join(key)} is a finalist"


def _accuracy(run: Information) -> Iterator[str]:
    found = run.get("accuracy", {"exp": [], "softmax": [], "elements": []})
    libraries = _libraries(run)
    for place, item in enumerate(found["exp"]):
        counts, worst = item["counts"], item["largest_ulps"] * item["bins_per_ulp"]
        last = max((bin for bin, count in enumerate(counts) if count), default=-1)
        # An error at the edge of a bin may have been rounded into the next.
        if last < 0 or not last <= min(worst, len(counts) - 1) <= last + 1:
            yield f"accuracy.exp[{place}].counts: the last that is not 0 is not that of largest_ulps"
        if sum(counts) != -(-FLOATS // item["stride"]):
            yield f"accuracy.exp[{place}].counts: are not of every float32 that the stride leaves"
    for place, row in enumerate(found["softmax"]):
        where = f"accuracy.softmax[{place}]"
        kinds = {row["algorithm"] in libraries, not row["isa"], row["accumulation"] == "library"}
        if len(kinds) > 1:
            yield f"{where}: a library, and only that, has no ISA and accumulates as a library"
        if row["elements"] not in found["elements"]:
            yield f"{where}.elements: {row['elements']} is not in accuracy.elements"
        if row["rms_relative_error"] > row["largest_relative_error"] * (1 + 1e-9):
            yield f"{where}.rms_relative_error: is more than the largest"
    yield from _lacking(found)


def _lacking(found: Information) -> Iterator[str]:
    """Of a run that looked at whole results: each contender at each length on each distribution."""
    rows = {tuple(row[field] for field in KEYS["accuracy.softmax"]) for row in found["softmax"]}
    contenders, distributions = ({row[:3] for row in rows}, {row[3] for row in rows})
    for contender, distribution, elements in product(sorted(contenders), sorted(distributions), found["elements"]):
        if (*contender, distribution, elements) not in rows:
            name = " ".join(filter(None, contender))
            yield f"accuracy.softmax: no row of {name}, {distribution}, {elements} elements"


def _counts(run: Information) -> Iterator[str]:
    vetoes = run["vetoes"]
    if vetoes["disturbed_samples"] > vetoes["samples"]:
        yield "vetoes.disturbed_samples: more than there are samples"
    processes = run["protocol"].get("processes")
    if isinstance(processes, Mapping) and processes["least"] > processes["most"]:
        yield "protocol.processes: least is above most"
    if not (precision := run.get("precision")):
        return
    if precision["target_half_width_percent"] != run["protocol"].get("half_width_percent"):
        yield "precision.target_half_width_percent: is not protocol.half_width_percent"
    if len(precision["missed"]) > precision["questions"]:
        yield "precision.missed: more than there are questions"
    known = {
        (name, item["compiler"], item["isa"], n, threads)
        for name, items in run["experiments"].items()
        for item in items
        for n in item["elements"]
        for threads in item.get("threads", [1])
    }
    for question in precision["missed"]:
        parts = re.fullmatch(r"(\S+) (\S+) (\S+) ([0-9]{1,18})(?: x([0-9]{1,18}))?", question)
        if not parts or (*parts.group(1, 2, 3), int(parts[4]), int(parts[5] or 1)) not in known:
            yield f"precision.missed: {question!r} is no question of this run"


def _libraries(run: Information) -> Mapping[str, Any]:
    return run.get("peers", {}).get("libraries", {})
