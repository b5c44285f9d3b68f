"""Whether the parts of run.json fit together: its names, its ranges, what may stand there once only."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product

from harness.record import instance
from harness.record.run import Record, Row, by_pass, question_key

# float32 in [-87.3, -0], of which `exp` looks at every so many-th.
FLOATS = 1_118_738_843

# What tells the items of a list apart.
KEYS = {
    "exp": ("isa",),
    "accuracy": ("isa", "algorithm", "accumulation", "distribution", "elements"),
    "domain": ("compiler", "isa", "algorithm"),
    "tuning": ("compiler", "isa", "pass", "variant", "elements"),
    "groups": ("process", "group"),
    "experiments": ("compiler", "isa", "cache_state"),
    "machine.caches": ("level",),
}


def contradictions(run: Record) -> Iterator[str]:
    """What in a Record (which fits its schema) contradicts another part of it, each as "field: reason"."""
    yield from _identity(run)
    yield from _processors(run)
    yield from _contenders(run)
    yield from _kernels(run)
    for name, items in _lists(run):
        yield from _items(run, name, items)
    yield from _experiments(run)
    yield from _tuning(run)
    yield from _accuracy(run)
    yield from _groups(run)
    yield from _counts(run)


def _identity(run: Record) -> Iterator[str]:
    if missing := _missing(run):
        yield f"machine.host: {' and '.join(missing)} must be there as well"
    elif run.name != instance.run_name(run, instance.ordinal_of(run.name)):
        yield f"run: {run.name!r} does not follow from protocol.name, content_hash and what was measured on"
    if run.ended and datetime.fromisoformat(run.ended) < datetime.fromisoformat(run.started):
        yield "ended: the run ended before it started"


def _missing(run: Record) -> list[str]:
    """What a run that tells its host has, and this one has not; older runs have less."""
    if run.machine.host is None:
        return []
    told = {
        "machine.allowed": run.machine.allowed is not None,
        "protocol.processes": run.protocol.processes.most < math.inf,
    }
    if run.is_complete:
        told |= {"samples_sha256": run.samples_sha256 is not None, "precision": run.precision is not None}
    return [name for name, is_told in told.items() if not is_told]


def _processors(run: Record) -> Iterator[str]:
    """What was measured on is among what was there and allowed, where the run tells that."""
    cpu, team = run.memory.cpu, run.threads.cpus
    if cpu not in team:
        yield f"memory.cpu: {cpu} is not in threads.cpus"
    if run.machine.allowed and (strange := {cpu, *team} - {*run.machine.allowed}):
        yield f"machine.allowed: {min(strange)} is not in it, but was measured on"


def _kernels(run: Record) -> Iterator[str]:
    """What a pass declares tells how fast it can be; so each moves something, and a softmax reads X and writes Y."""
    for name, its in run.kernels.items():
        if not its.reads_x + its.reads_y + its.writes_y:
            yield f"kernels.{name}: neither reads nor writes"
        if its.twin_of and its.twin_of not in run.kernels:
            yield f"kernels.{name}.twin_of: {its.twin_of!r} is not in kernels"
    for algorithm, passes in run.algorithms.items():
        for stream in ("reads_x", "writes_y"):
            if not any(getattr(run.kernels[name], stream) for name in passes):
                yield f"algorithms.{algorithm}: no pass has {stream}"


def _contenders(run: Record) -> Iterator[str]:
    """Compilers; algorithms, controls and peers: each a name that rows have as algorithm."""
    if run.primary_compiler not in run.compilers:
        yield f"primary_compiler: {run.primary_compiler!r} is not in compilers"
    for algorithm, passes in run.algorithms.items():
        yield from (f"algorithms.{algorithm}: {name!r} is not in kernels" for name in passes if name not in run.kernels)
    for control, its in run.controls.items():
        if its.algorithm not in run.algorithms:
            yield f"controls.{control}: {its.algorithm!r} is not in algorithms"
    if run.controls and all(its.extra_percent for its in run.controls.values()):
        yield "controls: none has 0 extra percent, so there is no null test"
    taken = set(run.algorithms)
    for kind, names in (("controls", run.controls), ("peers.libraries", run.peers.libraries)):
        yield from (f"{kind}.{name}: another contender has this name" for name in names if name in taken)
        taken |= set(names)


def _lists(run: Record) -> Iterator[tuple[str, Sequence[Row]]]:
    """Each list that has KEYS, by where it stands."""
    yield "machine.caches", [vars(cache) for cache in run.machine.caches]
    for name in ("domain", "tuning", "exp", "accuracy", "groups"):
        yield name, getattr(run, name)
    for name, items in run.experiments.items():
        yield f"experiments.{name}", [vars(item) for item in items]


def _items(run: Record, where: str, items: Sequence[Row]) -> Iterator[str]:
    """Items that name what the run has not, and those that stand in their list twice."""
    known = {
        "compiler": run.compilers,
        "isa": ["", *run.machine.isas],
        "algorithm": [*run.algorithms, *(run.peers.libraries if where == "accuracy" else ())],
        "pass": run.kernels,
    }
    keys = KEYS.get(where) or KEYS[where.split(".")[0]]
    seen = set()
    fields = known.keys() & items[0].keys() if items else ()
    for place, item in enumerate(items):
        for field in fields:
            if item[field] not in known[field]:
                yield f"{where}[{place}].{field}: {item[field]!r} is not in this run"
        key = tuple(item[field] for field in keys)
        if key in seen:
            yield f"{where}[{place}]: {' '.join(map(str, key))} stands there twice"
        seen.add(key)


def _experiments(run: Record) -> Iterator[str]:
    asked, most = run.protocol.experiments, len(run.threads.cpus)
    for name, items in run.experiments.items():
        if asked and name not in asked:
            yield f"experiments.{name}: is not in protocol.experiments"
        state = asked[name].cache_state if name in asked else None
        for place, item in enumerate(items):
            where = f"experiments.{name}[{place}]"
            if state and item.cache_state != state:
                yield f"{where}.cache_state: is not the one of protocol.experiments"
            if max(item.threads) > most:
                yield f"{where}.threads: more than the {most} processors of the run"


def _tuning(run: Record) -> Iterator[str]:
    """Of each compiler, ISA and pass one variant is chosen, and one at least was measured to the end: at the lengths of
    all that were. Intervals hold their medians, and what is told is told against the chosen one."""
    if run.is_complete and not run.tuning:
        yield "tuning: is empty, and passes are measured in the variants that it chooses"
    for place, row in enumerate(run.tuning):
        for value in ("nanoseconds", "relative_percent"):
            if not row[f"{value}_low"] <= row[f"{value}_median"] <= row[f"{value}_high"]:
                yield f"tuning[{place}].{value}_median: is not within its interval"
        if row["chosen"] and any(row[f"relative_percent_{bound}"] for bound in ("low", "median", "high")):
            yield f"tuning[{place}].relative_percent_median: is not 0, though the variant is the chosen one"
        if row["chosen"] != ("chosen_by" in row):
            yield f"tuning[{place}].chosen_by: the chosen variant has it, and only that"
    for key, rows in by_pass(run.tuning).items():
        if (chosen := sum(row["chosen"] for row in rows if row["elements"] is None)) != 1:
            yield f"tuning: {chosen} variants of {' '.join(key)} are chosen"
        if len({row["variant"] for row in rows if row["chosen"]}) > 1:
            yield f"tuning: several variants of {' '.join(key)} are chosen"
        if not any(row["finalist"] for row in rows):
            yield f"tuning: no variant of {' '.join(key)} is a finalist"
        lengths: dict[tuple[str, bool], set[int | None]] = {}
        for row in rows:
            lengths.setdefault((row["variant"], row["finalist"]), set()).add(row["elements"])
        if len({frozenset(its) for (_, finalist), its in lengths.items() if finalist}) > 1:
            yield f"tuning: finalists of {' '.join(key)} have rows at different lengths"
        if any(None not in its for its in lengths.values()):
            yield f"tuning: a variant of {' '.join(key)} has no row over all lengths"


def _accuracy(run: Record) -> Iterator[str]:
    for place, item in enumerate(run.exp):
        counts, worst = item["counts"], item["largest_ulps"] * item["bins_per_ulp"]
        last = max((bin for bin, count in enumerate(counts) if count), default=-1)
        # An error at the edge of a bin may have been rounded into the next.
        if last < 0 or not last <= min(worst, len(counts) - 1) <= last + 1:
            yield f"exp[{place}].counts: the last that is not 0 is not that of largest_ulps"
        if sum(counts) != -(-FLOATS // item["stride"]):
            yield f"exp[{place}].counts: are not of every float32 that the stride leaves"
    for place, row in enumerate(run.accuracy):
        where = f"accuracy[{place}]"
        kinds = {row["algorithm"] in run.peers.libraries, not row["isa"], row["accumulation"] == "library"}
        if len(kinds) > 1:
            yield f"{where}: a library, and only that, has no ISA and accumulates as a library"
        if row["elements"] not in (run.accuracy_elements or ()):
            yield f"{where}.elements: {row['elements']} is not in accuracy_elements"
        if row["rms_relative_error"] > row["largest_relative_error"] * (1 + 1e-9):
            yield f"{where}.rms_relative_error: is more than the largest"
    yield from _lacking(run)


def _lacking(run: Record) -> Iterator[str]:
    """Of a run that looked at whole results: each contender at each length on each distribution."""
    rows = {tuple(row[field] for field in KEYS["accuracy"]) for row in run.accuracy}
    contenders, distributions = ({row[:3] for row in rows}, {row[3] for row in rows})
    asked = run.accuracy_elements or ()
    for contender, distribution, elements in product(sorted(contenders), sorted(distributions), asked):
        if (*contender, distribution, elements) not in rows:
            name = " ".join(filter(None, contender))
            yield f"accuracy: no row of {name}, {distribution}, {elements} elements"


def _groups(run: Record) -> Iterator[str]:
    """Every group is of a session, and has not more than its samples."""
    for place, row in enumerate(run.groups):
        if row["session"] >= len(run.sessions):
            yield f"groups[{place}].session: there are {len(run.sessions)} sessions"
        if row["disturbed"] > row["samples"]:
            yield f"groups[{place}].disturbed: more than there are samples"


def _counts(run: Record) -> Iterator[str]:
    if run.vetoes.disturbed_samples > run.vetoes.samples:
        yield "vetoes.disturbed_samples: more than there are samples"
    least, most = run.protocol.processes.least, run.protocol.processes.most
    if least > most:
        yield "protocol.processes: least is above most"
    if run.precision is None:
        return
    if run.precision.target_half_width_percent != run.protocol.half_width_percent:
        yield "precision.target_half_width_percent: is not protocol.half_width_percent"
    if len(run.precision.missed) > run.precision.questions:
        yield "precision.missed: more than there are questions"
    known = {
        question_key(name, item.compiler, item.isa, *point)
        for name, items in run.experiments.items()
        for item in items
        for point in item.points()
    }
    for question in sorted(run.precision.missed.keys() - known):
        yield f"precision.missed: {question!r} is no question of this run"
