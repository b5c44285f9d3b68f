"""A machine that does not exist: runs made of numbers near those of a Zen 4, for every test of the analysis."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.record import store
from harness.record.caches import HasCaches
from harness.record.consistency import FLOATS
from harness.record.run import (
    Asked,
    Cache,
    Canary,
    Compiler,
    Control,
    Item,
    Library,
    Machine,
    Memory,
    Pass,
    Peers,
    Protocol,
    Record,
    Session,
    Skipped,
    Threads,
    Timer,
    Vetoes,
    content_of,
)
from harness.record.samples import Run, load_run
from harness.record.schema import schema

LENGTHS = (1000, 3000, 8192, 10_000, 30_000, 100_000, 131_072, 262_144, 1_000_000, 3_000_000)
LENGTHS += (8_388_608, 10_000_000, 16_777_216, 30_000_000, 56_000_000)
CLANG_LENGTHS = (10_000, 1_000_000, 16_777_216)
ISAS = ("scalar", "avx2", "avx512f")
ALGORITHMS = {
    "three-pass-recompute": ["max", "exp_sum", "exp_scale"],
    "three-pass-reload": ["max", "exp_store", "scale"],
    "two-pass": ["ext_sum", "ext_scale"],
}
LATER = {"two-pass-nt": ["ext_sum", "ext_scale_nt"], "online": ["online_sum", "exp_scale"]}
"""Algorithms that the paper does not have."""
# reads of X, reads of Y, writes of Y
TRAFFIC = {
    "max": (1, 0, 0),
    "exp_sum": (1, 0, 0),
    "exp_store": (1, 0, 1),
    "exp_scale": (1, 0, 1),
    "scale": (0, 1, 1),
    "ext_sum": (1, 0, 0),
    "ext_scale": (1, 0, 1),
    "ext_scale_nt": (1, 0, 1),
    "online_sum": (1, 0, 0),
    "load": (1, 0, 0),
    "store": (0, 0, 1),
    "copy": (1, 0, 1),
    "update": (0, 1, 1),
    "copy_nt": (1, 0, 1),
}
EVERY = [(name, "", "+".join(["u4k2", *["u4k1"] * (len(its) - 1)])) for name, its in (ALGORITHMS | LATER).items()]
"""Each algorithm as a contender: its name, no pass, its variants."""
WHOLE = EVERY[: len(ALGORITHMS)]
SUMS = ("exp_sum", "exp_store", "ext_sum")
TRAFFIC |= {f"{name}_lanes": TRAFFIC[name] for name in SUMS}
BANDWIDTH_KERNELS = ("load", "store", "copy", "update", "copy_nt")
LOOK_LENGTHS = (1 << 21, 1 << 25)
"""Of the conditions: half of L3, and out of cache."""
CACHES = {1: 32 * 1024, 2: 1024 * 1024, 3: 32 * 1024 * 1024}


class ItsCaches(HasCaches):
    """The caches of the machine."""

    caches = tuple(Cache(level, size, 2, level == 2) for level, size in CACHES.items())


CLOCK_ADDS, CLOCK_NANOSECONDS = 20_000, 5405
"""3.7 GHz."""

# Nanoseconds per element of computation alone, by ISA (AVX512F, in part from measurements; the rest follows its width).
COMPUTATION = {
    "max": 0.02,
    "exp_sum": 0.139,
    "exp_store": 0.142,
    "exp_scale": 0.155,
    "scale": 0.03,
    "ext_sum": 0.143,
    "ext_scale": 0.155,
    "ext_scale_nt": 0.155,
    "online_sum": 0.15,
    "load": 0.009,
    "store": 0.017,
    "copy": 0.02,
    "update": 0.02,
    "copy_nt": 0.14,
}
WIDTH = {"avx512f": 1.0, "avx2": 1.42, "scalar": 11.0}
# Nanoseconds per element of data alone, in L1, L2, L3 and memory, by (reads of X, reads of Y, writes of Y).
DATA = {
    (1, 0, 0): (0.009, 0.017, 0.04, 0.099),
    (0, 0, 1): (0.017, 0.03, 0.07, 0.18),
    (1, 0, 1): (0.02, 0.04, 0.10, 0.255),
    (0, 1, 1): (0.02, 0.035, 0.08, 0.2),
}


PARTS = ("algorithms", "passes", "breakdown", "controls", "accumulation", "class-counts", "scaling", "strong-scaling")
PARTS += ("peers", "peer-overhead", "conditions", "frontier", "frontier-reused", "frontier-threads", "frontier-rising")
CONTENDERS = {
    "algorithms": "algorithms",
    "passes": "passes",
    "breakdown": "algorithms-by-pass",
    "controls": "controls",
    "accumulation": "accumulations",
    "class-counts": "algorithms",
    "scaling": "algorithms-and-limits",
    "strong-scaling": "algorithms",
    "peers": "peers",
    "peer-overhead": "peers",
    "conditions": "conditions",
    "frontier": "frontier",
    "frontier-reused": "frontier",
    "frontier-threads": "frontier",
    "frontier-rising": "frontier",
}
ASKED = {name: Asked(kind) for name, kind in CONTENDERS.items()}
ASKED["frontier-rising"] = Asked("frontier", input="rising")
FRONTIERS = (("frontier", "paper", (1,)), ("frontier-reused", "reused", (1,)), ("frontier-threads", "paper", (2,)))
# Nanoseconds of a call and of an element.
PEERS = {"numpy": (7000, 1.5), "scipy": (9000, 1.3), "torch": (2500, 0.7), "onednn": (400, 0.5)}
CONTROLS = {
    "two-pass-again": {"algorithm": "two-pass", "moved": False, "extra_percent": 0},
    "two-pass-moved": {"algorithm": "two-pass", "moved": True, "extra_percent": 0},
    **{f"two-pass-plus-{p}-percent": {"algorithm": "two-pass", "moved": False, "extra_percent": p} for p in (1, 2, 5)},
}


def pass_time(name: str, isa: str, elements: int) -> float:
    """Nanoseconds per element that the machine takes, without noise."""
    levels = DATA[TRAFFIC[name]]
    if name.endswith("_nt"):
        levels = (0.14, 0.14, 0.15, 0.164)
    data = levels[0]
    for slower, faster, size in zip(levels[1:], levels, CACHES.values(), strict=False):
        # Half of the way where the input fills three quarters of the cache.
        data += (slower - faster) / (1 + (0.75 * size / (4 * elements)) ** 3)
    # Bandwidth loops, unlike exponentials, take the same instructions per vector however wide it is.
    width = WIDTH[isa] if name not in BANDWIDTH_KERNELS else 1 + (WIDTH[isa] - 1) / 4
    return ((COMPUTATION[name] * width) ** 4 + data**4) ** 0.25 + 8 / elements


def algorithm_time(name: str, isa: str, elements: int, state: str = "paper") -> float:
    """Nanoseconds per element of a whole algorithm, without noise. An output that is in cache takes half as long to
    write."""
    parts = (ALGORITHMS | LATER)[name]
    time = sum(pass_time(part, isa, elements) for part in parts)
    if state == "reused" and 8 * elements <= CACHES[2] and not parts[-1].endswith("_nt"):
        time -= pass_time("store", isa, elements) / 2
    return time


def rows_of(
    isas: Sequence[str],
    lengths: Sequence[int],
    clang_lengths: Sequence[int],
    processes: int,
    rounds: int,
    parts: Sequence[str],
) -> pd.DataFrame:
    """Rows of samples.csv: a spread of 1 % between processes, 2 % between samples, and a few disturbed rounds."""
    random, control_random = np.random.default_rng(20010443), np.random.default_rng(1)
    table: list[tuple[Any, ...]] = []

    def add(
        experiment: str,
        point: tuple[str, str, int],
        contenders: list[tuple[str, str, str, float]],
        state: str,
        random: np.random.Generator = random,
        threads: int = 1,
        quiet: float = 1.0,
    ) -> None:
        compiler, isa, elements = point
        calls = max(1, round(100_000 / elements))
        for process in range(processes):
            placement = 0.01 * quiet * random.standard_normal(len(contenders))
            for turn in range(rounds):
                order = random.permutation(len(contenders))
                taken = []
                flags = "steal" if random.random() < 0.02 else ""
                for number, (algorithm, name, variant, time) in enumerate(contenders):
                    disturbed = 1.5 if flags else 1.0
                    noise = np.exp(placement[number] + 0.02 * quiet * random.standard_normal()) * disturbed
                    nanoseconds = max(1, round(time * elements * calls * noise))
                    sample = (algorithm, name, variant, elements, threads, state, process, turn)
                    what = (calls, nanoseconds, CLOCK_NANOSECONDS, 2703, flags)
                    # An algorithm that is split by pass has one turn.
                    mates = [i for i, one in enumerate(contenders) if one[0] == algorithm] if algorithm and name else []
                    place = min((order[i] for i in mates), default=order[number])
                    taken.append((place, (experiment, compiler, isa, *sample), what))
                places = sorted({place for place, _, _ in taken})
                for place, sample, what in sorted(taken, key=lambda one: one[0]):
                    table.append((*sample, places.index(place), *what))

    for isa in isas:
        for compiler, some in (("gcc", lengths), ("clang", clang_lengths)):
            slower = {"gcc": 1.0, "clang": 1.03}[compiler]
            for elements in some:
                point = (compiler, isa, elements)
                if "algorithms" in parts:
                    whole = [(*name, slower * algorithm_time(name[0], isa, elements)) for name in WHOLE]
                    add("algorithms", point, whole, "paper")
                if "passes" in parts and compiler == "gcc":
                    alone = [
                        ("", name, variant, worse * pass_time(name, isa, elements))
                        for name in TRAFFIC
                        if not name.endswith("_lanes")
                        for variant, worse in (("u4k1", 1.0), ("u8k2", 1.2))
                        if worse == 1.0 or name in BANDWIDTH_KERNELS
                    ]
                    add("passes", point, alone, "warm")
        if "breakdown" in parts:
            split = [
                (name, part, "u4k1", pass_time(part, isa, max(lengths)))
                for name, passes in ALGORITHMS.items()
                for part in passes
            ]
            add("breakdown", ("gcc", isa, max(lengths)), split, "paper")
        if "controls" in parts:
            for elements in sorted({min(lengths), max(lengths)}):
                time = algorithm_time("two-pass", isa, elements)
                extra = {"two-pass": 0, **{name: its["extra_percent"] for name, its in CONTROLS.items()}}
                known = [(name, "", WHOLE[-1][2], time * (1 + percent / 100)) for name, percent in extra.items()]
                add("controls", ("gcc", isa, elements), known, "paper", control_random, quiet=0.25)
        for experiment, own_vectors in (("class-counts", False), ("scaling", True), ("strong-scaling", False)):
            if experiment not in parts:
                continue
            for elements in (21_841, 2_933_659) if experiment == "class-counts" else (1 << 25,):
                for threads in (1, 2):
                    # Two threads get 1.6 times the bandwidth of one.
                    share = (threads if own_vectors else 1) / {1: 1.0, 2: 1.6}[threads]
                    timed = [(*name, share * algorithm_time(name[0], isa, elements)) for name in WHOLE]
                    if own_vectors:
                        loops = [("", loop, f"u{u}k1") for loop in ("load", "copy") for u in (1, 4)]
                        timed += [(*loop, share * pass_time(loop[1], isa, elements)) for loop in loops]
                    add(experiment, ("gcc", isa, elements), timed, "paper", control_random, threads)
        for experiment, state, counts in FRONTIERS:
            if experiment not in parts:
                continue
            for elements in (1024, 1 << 18, 1 << 25) if counts == (1,) else (1 << 25,):
                for threads in counts:
                    share = {1: 1.0, 2: 1 / 1.6}[threads]
                    timed = [(*name, share * algorithm_time(name[0], isa, elements, state)) for name in EVERY]
                    loops = [("", loop, f"u{u}k1") for loop in ("load", "copy", "copy_nt") for u in (1, 4)]
                    timed += [(*loop, share * pass_time(loop[1], isa, elements)) for loop in loops]
                    add(experiment, ("gcc", isa, elements), timed, state, control_random, threads)
        if "frontier-rising" in parts:
            for elements in (1 << 18, 1 << 25):
                slower = {"online": 1.1}
                timed = [(*its, slower.get(its[0], 1.0) * algorithm_time(its[0], isa, elements)) for its in EVERY]
                timed += [("", loop, "u4k1", pass_time(loop, isa, elements)) for loop in ("load", "copy", "copy_nt")]
                add("frontier-rising", ("gcc", isa, elements), timed, "paper", np.random.default_rng(3))
        if "accumulation" in parts:
            for elements in (4096, 1 << 25):
                sums = [("", f"{name}{end}", "u4k2") for name in SUMS for end in ("", "_lanes")]
                timed = [(*name, pass_time(name[1].removesuffix("_lanes"), isa, elements)) for name in sums]
                add("accumulation", ("gcc", isa, elements), timed, "warm", control_random)
    beside = "avx2" if "avx2" in isas else isas[-1]
    for experiment, counts, state in (("peers", (1000, 1 << 25), "paper"), ("peer-overhead", (1,), "warm")):
        if experiment in parts:
            for elements in counts:
                for threads in (1, 2) if elements > 1 else (1,):
                    timed = [(*name, algorithm_time(name[0], beside, elements) / threads) for name in EVERY]
                    timed += [(name, "", "", call / elements + each) for name, (call, each) in PEERS.items()]
                    add(experiment, ("gcc", beside, elements), timed, state, control_random, threads, quiet=0.25)
    if "conditions" in parts:
        for elements in LOOK_LENGTHS:
            loops = [("", loop, "u4k1", pass_time(loop, isas[-1], elements)) for loop in ("load", "copy")]
            add("conditions", ("gcc", isas[-1], elements), loops, "warm", np.random.default_rng(2))
    return pd.DataFrame(table, columns=list(schema("samples")["properties"]))


def groups_of(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rows of `groups`: of each process one for each look after the first, or a single one; one after the other, three
    seconds each, the second of which was waited for."""
    started = 40.0
    for process, those in rows.groupby("process"):
        looks = those["experiment"] == "conditions"
        count = max(1, int(those["round"][looks].max()) if looks.any() else 1)
        place = pd.Series(np.arange(len(those)) * count // len(those), index=those.index)
        place[looks] = (those["round"][looks] - 1).clip(lower=0)
        for group, its in those.groupby(place):
            waited = 3.0 if group == 1 else 0.0
            flags = its["flags"][its["flags"] != ""].value_counts().sort_index()
            yield {
                **{"process": int(process), "group": int(group), "session": 0},
                **{"started": started + waited, "seconds": 3.0, "waited": waited},
                **{"questions": 1, "samples": len(its), "disturbed": int(flags.sum())},
                "flags": [f"{flag} {number}" for flag, number in flags.items()],
                **{name: float(its[name].median()) for name in ("clock_nanoseconds", "throughput_nanoseconds")},
                "before": int(group) if looks.any() else None,
                "after": min(int(group) + 1, int(those["round"][looks].max())) if looks.any() else None,
            }
            started += 3.1 + waited


def record_of_rows(rows: pd.DataFrame, machine: str, protocol: str, isas: Sequence[str], ended: str | None) -> Record:
    """What run.json and its tables say of the rows."""
    content_hash = hashlib.sha256(f"{machine} {protocol} {ended}".encode()).hexdigest()
    points = rows.groupby(["experiment", "compiler", "isa", "cache_state"], sort=False)[["elements", "threads"]]
    experiments: dict[str, tuple[Item, ...]] = {}
    for (experiment, compiler, isa, state), those in points:
        elements, threads = (tuple(int(n) for n in those[name].unique()) for name in ("elements", "threads"))
        item = Item(compiler, isa, elements, state, threads)
        experiments[experiment] = (*experiments.get(experiment, ()), item)
    return Record(
        name=f"{protocol}-{content_hash[:12]}",
        machine=Machine(
            name=machine,
            overridden=False,
            microarchitecture="Zen 4",
            vendor="AuthenticAMD",
            brand="AMD EPYC 9R14 96-Core Processor",
            family=25,
            model=17,
            stepping=1,
            isas=tuple(isas),
            caches=ItsCaches.caches,
            cores=2,
            threads=2,
            memory_bytes=8 * 2**30,
            kernel="6.1.0",
            hypervisor="KVMKVMKVM",
        ),
        audit=(
            {"item": "hypervisor", "found": "KVMKVMKVM", "disturbs": "yes", "advice": "measure on bare metal"},
            {"item": "turbo", "found": "unknown", "disturbs": "unknown", "advice": "the system does not tell"},
            {"item": "huge pages", "found": "given", "disturbs": "no", "advice": "none"},
        ),
        sessions=(Session("2026-01-01T00:00:00+00:00", ()),),
        compilers={name: Compiler((name,), "12.2", {}) for name in ("gcc", "clang")},
        primary_compiler="gcc",
        content_hash=content_hash,
        protocol=Protocol(protocol, experiments=ASKED),
        seed=1,
        timer=Timer("CLOCK_MONOTONIC_RAW", 1, 22.5),
        canary=Canary(CLOCK_ADDS, 20_000, CLOCK_NANOSECONDS, 2703),
        memory=Memory(2**30, 2**30, 1),
        threads=Threads((1, 0), "none"),
        kernels={name: kernel_of(name) for name in TRAFFIC},
        algorithms={name: tuple(passes) for name, passes in (ALGORITHMS | LATER).items()},
        controls={name: Control(**its) for name, its in CONTROLS.items()},
        peers=Peers(350.0, {name: Library(name, "1.0", "allocated" if name == "scipy" else "given") for name in PEERS}),
        domain=tuple(domain_of(isa, name) for isa in isas for name in ALGORITHMS | LATER),
        experiments=experiments,
        accuracy_elements=(1000, 1_000_000),
        exp=tuple(exp_of(isa) for isa in isas),
        accuracy=tuple(
            accuracy_of(*key)
            for key in product(isas, ALGORITHMS | LATER, ("folded", "lanes"), DISTRIBUTIONS, (1000, 1_000_000))
        )
        + tuple(peer_accuracy(*key) for key in product(PEERS, DISTRIBUTIONS, (1000, 1_000_000))),
        tuning=tuple(row for isa in isas for row in tuning_of(isa)),
        # As many as a test needs.
        skipped=(Skipped(f"{protocol}'s processes.least: 8", "the configuration has fewer"),),
        vetoes=Vetoes(len(rows), int((rows["flags"] != "").sum())),
        groups=tuple(groups_of(rows)) if "conditions" in experiments else (),
        started="2026-01-01T00:00:00+00:00",
        ended=ended,
    )


DISTRIBUTIONS = ("uniform ±10", "constant")


def kernel_of(name: str) -> Pass:
    """What the table of kernels says of a pass or loop."""
    computes = name not in BANDWIDTH_KERNELS
    twin_of = name.removesuffix("_lanes") if name.endswith("_lanes") else ""
    papers = {part for passes in ALGORITHMS.values() for part in passes} | {f"{part}_lanes" for part in SUMS}
    origin = "paper" if name in papers else "later" if computes else "ours"
    return Pass(*TRAFFIC[name], computes, name.endswith("_nt"), twin_of, origin)


def domain_of(isa: str, name: str) -> dict[str, Any]:
    """A row of `domain`."""
    return {
        **{"compiler": "gcc", "isa": isa, "algorithm": name, "largest_magnitude": 1e5},
        **{"results": 393_294, "not_finite": 0, "largest_sum_error": 1e-7},
    }


def exp_of(isa: str) -> dict[str, Any]:
    """A row of `exp`."""
    counts = [FLOATS - sum(range(960, 200, -40)), *range(960, 200, -40), 0, 0, 0, 0]
    return {"isa": isa, "stride": 1, "largest_ulps": 1.98, "bins_per_ulp": 10, "counts": counts}


def accuracy_of(isa: str, name: str, accumulation: str, distribution: str, elements: int) -> dict[str, Any]:
    """A row of `accuracy` of an algorithm."""
    return {
        **{"isa": isa, "algorithm": name, "accumulation": accumulation, "distribution": distribution},
        **{"elements": elements, "largest_relative_error": 4e-7 * (1 if accumulation == "folded" else elements**0.4)},
        **{"rms_relative_error": 1e-7, "sum_error": 1e-8, "not_finite": 0, "order_violations": 0},
        **{"shift_difference": 1e-6},
    }


def peer_accuracy(name: str, distribution: str, elements: int) -> dict[str, Any]:
    """A row of `accuracy` of a library that sums in float lanes."""
    return {
        **{"isa": "", "algorithm": name, "accumulation": "library", "distribution": distribution},
        **{"elements": elements, "largest_relative_error": 1e-7 * elements**0.5, "rms_relative_error": 1e-7},
        **{"sum_error": 1e-8, "not_finite": 0, "order_violations": 0, "shift_difference": None},
    }


def tuning_of(isa: str) -> list[dict[str, Any]]:
    """Two variants of each pass of Two-Pass: the best one, and a published one that takes 10 % longer in cache."""
    published = {"avx512f": ["skylake-x"], "avx2": ["broadwell", "zen2"]}.get(isa, [])
    times = {4096: (1000.0, 1.1), 1 << 25: (1e7, 1.0), None: (1e5, 1.1**0.5)}
    return [
        {
            "compiler": "gcc",
            "isa": isa,
            "pass": name,
            "variant": variant,
            "elements": elements,
            "chosen": variant == "u8k2",
            **({"chosen_by": "time"} if variant == "u8k2" else {}),
            "finalist": True,
            "published_for": published if variant == "u12k1" else [],
            "processes": 6,
            **{f"nanoseconds_{bound}": longer * times[elements][0] * width for bound, width in widths.items()},
            **{
                f"relative_percent_{bound}": 0.0 if longer == 1 and variant == "u8k2" else 100 * (longer * width - 1)
                for bound, width in widths.items()
            },
        }
        for name in ("ext_sum", "ext_scale")
        for variant in ("u8k2", "u12k1")
        for elements in (None, 4096, 1 << 25)
        for longer in (times[elements][1] if variant == "u12k1" else 1.0,)
        for widths in ({"median": 1.0, "low": 0.99, "high": 1.01},)
    ]


MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """make_run(...) writes a run, and returns its folder."""
    return maker(tmp_path / "results" / "runs")


def maker(default: Path) -> MakeRun:
    """What writes runs below a folder, and returns the folder of each."""

    def make(
        root: Path = default,
        *,
        machine: str = "amd-epyc-9r14-25-17",
        protocol: str = "quick",
        isas: Sequence[str] = ISAS,
        lengths: Sequence[int] = (4096, 1_000_000, 56_000_000),
        clang_lengths: Sequence[int] = (),
        processes: int = 6,
        rounds: int = 3,
        parts: Sequence[str] = PARTS,
        ended: str | None = "2026-01-05T09:14:00+00:00",
    ) -> Path:
        what = (tuple(isas), tuple(lengths), tuple(clang_lengths), processes, rounds, tuple(parts))
        name, files = _files_of(what, machine, protocol, ended)
        return write_files(root / machine / name, files)

    return make


@cache
def _files_of(what: tuple[Any, ...], machine: str, protocol: str, ended: str | None) -> tuple[str, dict[str, str]]:
    """Name and files of a run of what `rows_of` takes: tests ask for the same runs again and again."""
    rows = rows_of(*what)
    record = record_of_rows(rows, machine, protocol, what[0], ended)
    return record.name, run_files(record, rows)


@pytest.fixture(scope="module")
def make_module_run(tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
    """As `make_run`, for runs that the tests of a module only read."""
    return maker(tmp_path_factory.mktemp("results"))


@pytest.fixture
def edit_information() -> Callable[..., None]:
    """edit_information(folder, key=value) replaces what run.json has at its top level."""

    def edit(folder: Path, **fields: object) -> None:
        path = folder / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")

    return edit


def write_content(folder: Path, content: Mapping[str, Any]) -> None:
    """Writes run.json and its tables, whatever the content says."""
    write_files(folder, store.files_of(content))


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Writes files of a run, by name, into a folder, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run_files(record: Record, rows: pd.DataFrame) -> dict[str, str]:
    """The files of a run, by name."""
    return {**store.files_of(content_of(record)), "samples.csv": rows.to_csv(index=False, lineterminator="\n")}


def write_run(folder: Path, record: Record, rows: pd.DataFrame) -> Path:
    """The files of a run, in a folder of its name below this one, which is returned."""
    return write_files(folder / record.name, run_files(record, rows))


@pytest.fixture(scope="session")
def full_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with every experiment at every length: read only."""
    rows = rows_of(ISAS, LENGTHS, CLANG_LENGTHS, 7, 3, PARTS)
    record = record_of_rows(rows, "amd-epyc-9r14-25-17", "quick", ISAS, "2026-01-05T09:14:00+00:00")
    return load_run(write_run(tmp_path_factory.mktemp("runs"), record, rows))


@pytest.fixture
def compress() -> Callable[[Path], Path]:
    """compress(folder) turns samples.csv into samples.csv.gz, as in results/recorded."""

    def replace(folder: Path) -> Path:
        plain = folder / "samples.csv"
        packed = folder / "samples.csv.gz"
        packed.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
        plain.unlink()
        return packed

    return replace
