"""Machine files: what they say, what is refused in them, and which runs are evidence for them."""

import itertools
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml

from harness.record import machines
from harness.record.errors import BadConfiguration
from harness.record.run import Cache
from harness.record.schema import schema
from harness.record.store import read_record

PAPERS = ("skylake-x", "broadwell", "zen2")
DUMPS = machines.CONFIG.parent / "tests" / "data" / "cpuid"
MARKS = {"abstract", "intro", "artifact", "derived", "spec", "published", "estimated", "recalled"}
"""The sources that a value of the paper's machines may have."""


@pytest.fixture
def written(tmp_path):
    """written(change, name) writes a changed copy of zen2.yaml and returns its path."""

    def write(change, name="made-up"):
        data = yaml.safe_load((machines.MACHINES / "zen2.yaml").read_text())
        change(data)
        file = tmp_path / f"{name}.yaml"
        file.write_text(json.dumps(data, sort_keys=True))  # YAML too, and without aliases
        return file

    return write


@pytest.fixture
def information(make_run):
    """information(**of_machine) is the Record of a run on a machine with these properties."""
    run = read_record(make_run(parts=("algorithms",), lengths=(4096,)))

    return lambda **of_machine: replace(run, machine=replace(run.machine, **of_machine))


def described(name, **other):
    """What is told of a known machine."""
    machine = machines.load_machines()[name]
    own = {
        key: getattr(machine, key) for key in ("vendor", "brand", "family", "model", "cores", "threads", "hypervisor")
    }
    caches = tuple(Cache(c.level, c.bytes, 1, False) for c in machine.caches)
    return {
        **own,
        "stepping": machine.steppings[0],
        "overridden": False,
        "caches": caches,
        "isas": ("scalar", *machine.paper_isas),
        "emulator": "none",
        **other,
    }


def detected(name, **other):
    """A known machine as it is detected."""
    return SimpleNamespace(**described(name, **other))


def test_the_papers_machines_and_those_of_recorded_runs_are_known():
    recorded = {path.parents[1].name for path in machines.CONFIG.parent.glob("results/recorded/*/*/run.json")}
    assert {*PAPERS, *recorded} <= set(machines.load_machines())


@pytest.mark.parametrize(
    ("name", "isas", "microarchitecture", "cores", "llc", "threads_of_llc", "peak"),
    [
        ("skylake-x", ("avx512f", "avx2"), "Skylake-X", 6, 8.25, 12, 4 * 2666e6 * 8),
        ("broadwell", ("avx2",), "Broadwell", 22, 55, 44, 4 * 2400e6 * 8),
        ("zen2", ("avx2",), "Zen 2", 12, 16, 6, 2 * 3200e6 * 8),
    ],
)
def test_the_papers_machines_are_described(name, isas, microarchitecture, cores, llc, threads_of_llc, peak):
    machine = machines.load_machines()[name]
    assert machine.paper_isas == isas
    assert machine.microarchitecture == microarchitecture
    assert (machine.cores, machine.threads) == (cores, 2 * cores)
    assert machine.caches[-1].bytes == llc * 2**20
    assert machine.caches[-1].shared_by_threads == threads_of_llc
    assert machine.memory.peak_gb_per_second * 1e9 == pytest.approx(peak, rel=1e-3)


@pytest.mark.parametrize("name", PAPERS)
def test_every_value_of_the_papers_machines_has_one_of_the_papers_marks(name):
    machine = machines.load_machines()[name]
    assert set(machine.sources.values()) <= MARKS
    assert machine.sources["microarchitecture"] == "abstract"
    assert machine.sources["product"] == machine.sources["paper.isas"] == "recalled"
    assert machine.sources["paper.variants"] == "artifact"
    data = yaml.safe_load((machines.MACHINES / f"{name}.yaml").read_text())
    assert set(machine.sources) >= set(data) - {"title", "processor", "caches", "memory", "performance", "paper"}


LEVELS = (1, 2, 3, "memory")
KINDS = ("load", "copy", "update")


@pytest.fixture(params=[(name, isa) for name in PAPERS for isa in machines.load_machines()[name].paper_isas])
def performance_in(request):
    """performance_in is (the performance of one of the paper's machines, an ISA that the paper measured on it)."""
    name, isa = request.param
    return machines.load_machines()[name].performance, isa


def gb_per_second(bandwidth, clock_ghz):
    """The range of a bandwidth, at one clock."""
    factor = clock_ghz if bandwidth.unit == "bytes_per_cycle" else 1
    return factor * bandwidth.estimate.low, factor * bandwidth.estimate.high


def test_the_papers_machines_have_every_property_of_the_isas_that_it_measured(performance_in):
    performance, isa = performance_in
    assert {"scalar", isa} <= set(performance.clock_ghz)
    rows = [performance.bandwidth(level, kind, isa) for level in LEVELS for kind in KINDS]
    estimates = [*performance.clock_ghz.values(), *(row.estimate for row in rows)]
    assert {estimate.source for estimate in estimates} <= {"spec", "published", "estimated"}
    assert all(0 < estimate.low < estimate.high for estimate in estimates)


def test_every_level_loads_faster_than_the_next_one(performance_in):
    performance, isa = performance_in
    clock = performance.clock_ghz[isa]
    loads = [gb_per_second(performance.bandwidth(level, "load", isa), (clock.low + clock.high) / 2) for level in LEVELS]
    for nearer, farther in itertools.pairwise(loads):
        assert nearer[0] > farther[1]


def test_no_core_is_faster_than_its_memory(performance_in):
    performance, isa = performance_in
    machine = next(m for m in machines.load_machines().values() if m.performance is performance)
    for kind in KINDS:
        assert performance.bandwidth("memory", kind, isa).estimate.high < machine.memory.peak_gb_per_second


def test_a_row_without_isas_holds_for_all_and_one_with_them_for_those():
    performance = machines.load_machines()["skylake-x"].performance
    assert performance.bandwidth(3, "load", "avx2") is performance.bandwidth(3, "load", "avx512f")
    assert performance.bandwidth(1, "load", "avx2") is not performance.bandwidth(1, "load", "avx512f")
    with pytest.raises(KeyError, match="level 1, load, scalar"):
        performance.bandwidth(1, "load", "scalar")


@pytest.mark.parametrize("name", PAPERS)
def test_a_published_bandwidth_says_at_which_clock_it_was_measured(name):
    performance = machines.load_machines()[name].performance
    used = {reference for row in performance.bandwidths for reference in row.estimate.published}
    assert used
    assert all(performance.references[reference].clock_ghz for reference in used)


def test_what_runs_measure_needs_no_description():
    assert machines.load_machines()["amd-epyc-25-17"].performance is None


@pytest.mark.parametrize(
    ("name", "dump", "leaf"),
    [
        ("skylake-x", "skylake-x-core-i9-7900x", 4),
        ("broadwell", "broadwell-core-i7-6850k", 4),
        ("zen2", "zen2-ryzen-9-3900x", 0x8000001D),
        ("amd-epyc-25-17", "zen4-epyc-virtual-machine", 0x8000001D),
    ],
)
def test_ways_are_those_that_processors_of_the_same_silicon_tell(name, dump, leaf):
    """Products of one microarchitecture differ in the bytes of L3, which come in whole slices, not in the ways."""
    registers = yaml.safe_load((DUMPS / f"{dump}.yaml").read_text())["registers"][leaf]
    told = [(ebx >> 22) + 1 for eax, ebx, _, _ in registers if eax & 0x1F in (1, 3)]
    caches = machines.load_machines()[name].caches
    assert [cache.ways for cache in caches] == told
    assert all(cache.bytes % (64 * cache.ways) == 0 for cache in caches)


# From the published names, elements per iteration and accumulators.
PUBLISHED = {
    ("skylake-x", "avx512f"): "u144 acc3, u16, u128 acc4, u16, u128 acc2, u64",
    ("skylake-x", "avx2"): "u64, u40, u64 acc2, u24, u80 acc2, u32",
    ("broadwell", "avx2"): "u96, u32, u96, u24, u64, u32",
    ("zen2", "avx2"): "u72, u40, u80, u16, u64, u32",
}
TUNED_PASSES = ("ext_sum", "ext_scale", "exp_sum", "exp_scale", "exp_store", "scale")


@pytest.mark.parametrize(("name", "isa"), PUBLISHED)
def test_the_published_variants_are_in_vectors_of_the_isa(name, isa):
    lanes = {"avx2": 8, "avx512f": 16}[isa]
    variants = {}
    for pass_name, published in zip(TUNED_PASSES, PUBLISHED[name, isa].split(", "), strict=True):
        unroll, _, accumulators = published.removeprefix("u").partition(" acc")
        variants[pass_name] = f"u{int(unroll) // lanes}k{accumulators or 1}"
    assert machines.load_machines()[name].paper_variants[isa] == variants


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.pop("cores"), ["'cores' is a required property"]),
        (lambda d: d.update(core=3), ["unknown key 'core'", "allowed: title, microarchitecture"]),
        (lambda d: d["cores"].update(source="hearsay"), ["cores.source: 'hearsay'", "abstract, intro, artifact"]),
        (lambda d: d["cores"].update(value="many"), ["cores.value", "'many'", "unknown"]),
        (lambda d: d["cores"].update(value="unknown"), ["cores: an unknown value has the source unknown"]),
        (lambda d: d["cores"].update(source="unknown"), ["cores: an unknown value has the source unknown"]),
        (lambda d: d.pop("paper"), ["cores: recalled is for the paper's machines", "key paper"]),
        (lambda d: d["paper"]["isas"].update(source="spec"), ["paper.isas.source: 'spec'", "abstract, intro"]),
        (lambda d: d["paper"]["variants"]["value"]["avx2"].update(max="u96"), ["variants.value.avx2.max", "'u96'"]),
        (lambda d: d["processor"]["brand"].update(match="("), ["processor.brand.match: not a regular expression"]),
        (
            lambda d: d["processor"]["brand"].update(match="Xeon"),
            ["processor.brand.match: it is not found in 'AMD Ryz"],
        ),
        (lambda d: d["microarchitecture"].update(value="Zen 9"), ["microarchitecture: 'Zen 9'", "says Zen 2"]),
        (lambda d: d["caches"][0].update(bytes=0), ["caches.0.bytes"]),
        (lambda d: d["performance"].pop("clock_ghz"), ["performance", "'clock_ghz' is a required property"]),
        (lambda d: d["performance"]["clock_ghz"]["avx2"].update(range=[4.5]), ["performance.clock_ghz.avx2.range"]),
        (
            lambda d: d["performance"]["clock_ghz"]["avx2"].update(range=[4.5, 4.2]),
            ["performance.clock_ghz.avx2.range: 4.5 is above 4.2"],
        ),
        (
            lambda d: d["performance"]["clock_ghz"]["avx2"].pop("source"),
            ["performance.clock_ghz.avx2", "'source' is a required property"],
        ),
        (
            lambda d: d["performance"]["single_core_bandwidth"][4].update(unit="furlongs"),
            ["performance.single_core_bandwidth.4.unit", "bytes_per_cycle", "gb_per_second"],
        ),
        (
            lambda d: d["performance"]["single_core_bandwidth"].append(d["performance"]["single_core_bandwidth"][9]),
            ["performance.single_core_bandwidth.12: row 9 already says level memory, load, "],
        ),
        (
            lambda d: d["performance"]["single_core_bandwidth"][0]["from"].update(hearsay=60),
            ["performance.single_core_bandwidth.0.from: 'hearsay' is not one of references: ", "epyc-7452"],
        ),
        (
            lambda d: d["performance"]["single_core_bandwidth"][0].pop("from"),
            ["performance.single_core_bandwidth.0.from: is missing, but the source is published"],
        ),
        (
            lambda d: d["performance"]["single_core_bandwidth"][0].update(range=[40, 50]),
            ["performance.single_core_bandwidth.0.range: 58.9 was published, which is outside"],
        ),
    ],
)
def test_a_bad_machine_file_is_refused_by_file_key_and_what_is_allowed(written, change, words):
    file = written(change)
    with pytest.raises(BadConfiguration) as refused:
        machines.load_machines(file.parent)
    message = str(refused.value)
    assert "\n" not in message
    for word in [str(file), *words]:
        assert word in message


def test_a_machine_file_that_is_no_yaml_is_refused_by_line(tmp_path):
    (tmp_path / "x.yaml").write_text("title: x\ncores: {value: 1\n")
    with pytest.raises(BadConfiguration, match=r"x\.yaml, line 3: not valid YAML"):
        machines.load_machines(tmp_path)


def test_the_name_of_a_file_is_the_name_of_a_folder(written):
    file = written(lambda _: None, "My Machine")
    with pytest.raises(BadConfiguration, match=r"My Machine\.yaml: a machine's name has lower-case letters"):
        machines.load_machines(file.parent)


def test_a_new_machine_is_one_file(tmp_path):
    shutil.copytree(machines.MACHINES, tmp_path, dirs_exist_ok=True)
    shutil.copy(tmp_path / "zen2.yaml", tmp_path / "another.yaml")
    assert machines.load_machines(tmp_path)["another"].product == "Ryzen 9 3900X"
    assert machines.machine_names(tmp_path) == sorted([*machines.machine_names(), "another"])


@pytest.mark.parametrize("name", machines.machine_names())
def test_every_known_machine_matches_itself_alone(name):
    known = machines.load_machines()
    assert [other for other in known if machines.matches(known[other], detected(name))] == [name]


@pytest.mark.parametrize("other", [{"threads": 4}, {"caches": ()}, {"caches": (Cache(3, 16 << 20, 1, False),)}])
def test_a_machine_of_a_known_brand_and_another_size_is_doubted(other):
    for name, machine in machines.load_machines().items():
        assert machines.matches(machine, detected(name, **other))
        assert machines.doubts(machine, detected(name, **other)) and not machines.doubts(machine, detected(name))


@pytest.mark.parametrize(
    "other",
    [
        {"brand": "Intel(R) Xeon(R) W-2145 CPU @ 3.70GHz"},  # the same family, model and stepping
        {"brand": "Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz"},
        {"stepping": 7},  # Cascade Lake
        {"model": 79},
        {"vendor": "AuthenticAMD"},
        {"overridden": True},
        {"caches": (Cache(1, 32768, 1, False),)},
        {"cores": 4},
        {"threads": 8},
        {"isas": ("scalar", "avx2")},
        {"hypervisor": "KVMKVMKVM"},
        {"emulator": "suspected: an FMA takes as long as 400 additions"},
    ],
)
def test_a_run_on_another_product_or_under_a_given_name_is_no_evidence(information, other):
    machine = machines.load_machines()["skylake-x"]
    assert machines.is_evidence(machine, information(**described("skylake-x")))
    assert not machines.is_evidence(machine, information(**described("skylake-x", **other)))


@pytest.mark.parametrize(
    ("canary", "reason"),
    [
        ({}, ""),
        ({"throughput_nanoseconds": 4 * 5405}, ""),  # two of split vectors in a row, and a busy sibling
        ({"throughput_nanoseconds": 400 * 5405}, "suspected: an FMA takes as long as 400 additions"),
        ({"clock_nanoseconds": 500_000}, "suspected: its additions would make a clock of 0.04 GHz"),
        ({"clock_nanoseconds": 1000}, "suspected: its additions would make a clock of 20 GHz"),
    ],
)
def test_a_run_whose_canaries_no_processor_has_is_no_evidence_whatever_it_says_of_itself(information, canary, reason):
    machine, run = machines.load_machines()["skylake-x"], information(**described("skylake-x"))
    run = replace(run, canary=replace(run.canary, **canary))
    assert machines.emulator(run) == reason
    assert machines.is_evidence(machine, run) == (reason == "")
    assert reason in machines.mistaken(machine, run)


def test_recorded_runs_are_evidence_about_their_machines():
    known = machines.load_machines()
    for path in machines.CONFIG.parent.glob("results/recorded/*/*/run.json"):
        run = read_record(path.parent)
        assert machines.emulator(run) == ""
        assert machines.is_evidence(known[path.parents[1].name], run)


@pytest.mark.parametrize(
    ("vendor", "family", "model", "stepping", "name"),
    [
        ("GenuineIntel", 6, 85, 4, "Skylake-X"),
        ("GenuineIntel", 6, 85, 5, "Cascade Lake"),
        ("GenuineIntel", 6, 85, 7, "Cascade Lake"),
        ("GenuineIntel", 6, 85, 8, "unknown"),
        ("GenuineIntel", 6, 85, 11, "Cooper Lake"),
        ("GenuineIntel", 6, 63, 2, "Haswell"),
        ("GenuineIntel", 6, 86, 3, "Broadwell"),
        ("GenuineIntel", 6, 94, 3, "Skylake"),
        ("GenuineIntel", 6, 26, 5, "unknown"),  # Nehalem, which no kernel runs on
        ("AuthenticAMD", 23, 1, 2, "Zen 1"),
        ("AuthenticAMD", 23, 8, 2, "Zen+"),
        ("AuthenticAMD", 23, 17, 0, "Zen 1"),
        ("AuthenticAMD", 23, 24, 1, "Zen+"),
        ("AuthenticAMD", 23, 49, 0, "Zen 2"),
        ("AuthenticAMD", 25, 33, 0, "Zen 3"),
        ("AuthenticAMD", 25, 97, 2, "Zen 4"),
        ("AuthenticAMD", 26, 68, 0, "Zen 5"),
        ("GenuineIntel", 23, 49, 0, "unknown"),
    ],
)
def test_microarchitectures_are_told_apart(vendor, family, model, stepping, name):
    assert machines.microarchitecture(vendor, family, model, stepping) == name


def test_no_processor_has_two_microarchitectures():
    rows = yaml.safe_load(machines.MICROARCHITECTURES.read_text())
    seen = {}
    for row in rows:
        for model in range(256):
            for stepping in range(16):
                if all(
                    machines._is_among(number, row.get(key, [number]))
                    for key, number in (("model", model), ("stepping", stepping))
                ):
                    signature = (row["vendor"], row["family"], model, stepping)
                    assert seen.setdefault(signature, row["name"]) == row["name"]


def test_a_bad_table_of_microarchitectures_is_refused(tmp_path):
    file = tmp_path / "table.yaml"
    file.write_text("- {name: Zen 9, vendor: AuthenticAMD, family: 30, model: [many]}\n")
    with pytest.raises(BadConfiguration, match=r"table\.yaml: 0\.model\.0: 'many' is not of type 'integer', 'object'"):
        machines.microarchitecture("AuthenticAMD", 23, 113, 0, file)


@pytest.mark.parametrize("name", PAPERS)
def test_the_papers_microarchitectures_have_a_model_with_all_their_isas(name):
    machine = machines.load_machines()[name]
    assert set(machine.paper_isas) <= set(machines.llvm_models()[machine.microarchitecture].isas)


def test_a_model_of_an_isa_that_nobody_has_is_refused(tmp_path):
    file = tmp_path / "table.yaml"
    file.write_text(
        "- {name: Zen 9, vendor: AuthenticAMD, family: 30, model: [1], llvm: {cpu: znver9, isas: [avx9]}}\n"
    )
    with pytest.raises(BadConfiguration, match=r"0\.llvm\.isas\.0: 'avx9' is not one of"):
        machines.llvm_models(file)


def test_the_schema_says_what_each_source_means():
    source = schema("machine")["$defs"]["source"]
    for name in source["enum"]:
        assert name in source["description"]
