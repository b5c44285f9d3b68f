"""Detection, on processors that are not here: decoded from the dumps of tests/data/cpuid, and from registers built by
hand from the vendors' manuals for what no dump shows."""

from dataclasses import replace

import pytest
import yaml

from harness.machine import detection
from harness.machine.processor import Processor
from harness.machine.topology import SystemCache
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from harness.record.run import Cache, Skipped
from tests.conftest import fake_files

KIB, MIB = 1 << 10, 1 << 20
FMA, SSE41, OSXSAVE = 1 << 12, 1 << 19, 1 << 27
EVERYTHING = FMA | SSE41 | OSXSAVE
HYPERVISOR = 1 << 31
AVX2, AVX512F = 1 << 5, 1 << 16

FILES = sorted((ROOT / "tests" / "data" / "cpuid").glob("*.yaml"))
DUMPS = {file.stem: yaml.safe_load(file.read_text()) for file in FILES}


def decoded(table, states=0xE7):
    """The processor behind a table of registers by leaf and subleaf."""
    return detection.decode(lambda leaf, subleaf: table.get((leaf, subleaf), (0, 0, 0, 0)), states)


def dumped(name, states=0xE7):
    """The processor of a dump."""
    leaves = DUMPS[name]["registers"].items()
    return decoded({(leaf, subleaf): row for leaf, rows in leaves for subleaf, row in enumerate(rows)}, states)


def sibling(processor, brand, llc_bytes, threads):
    """Another product of the same silicon: its brand and its last-level cache differ."""
    *inner, llc = processor.caches
    return replace(processor, brand=brand, caches=(*inner, replace(llc, bytes=llc_bytes, shared_by_threads=threads)))


def words(text, size):
    raw = text.encode().ljust(size, b"\0")
    return [int.from_bytes(raw[i : i + 4], "little") for i in range(0, size, 4)]


def processor_of(vendor, brand, signature, features, leaf7, states=0xE7):
    """A processor that tells of no cache, built by hand."""
    a, b, c = words(vendor, 12)
    table = {
        (0, 0): (22, a, c, b),
        (1, 0): (signature, 0, features, 0),
        (7, 0): (0, leaf7, 0, 0),
        (0x80000000, 0): (0x80000004, 0, 0, 0),
    }
    for i in range(3):
        table[0x80000002 + i, 0] = words(brand, 48)[4 * i : 4 * i + 4]
    return decoded(table, states)


# The paper's processors; of the two from Intel there is no dump.
SKYLAKE_X = sibling(dumped("skylake-x-core-i9-7900x"), "Intel(R) Xeon(R) W-2135 CPU @ 3.70GHz", 8448 * KIB, 12)
BROADWELL = sibling(dumped("broadwell-core-i7-6850k"), "Intel(R) Xeon(R) CPU E5-2696 v4 @ 2.20GHz", 55 * MIB, 44)
ZEN2 = dumped("zen2-ryzen-9-3900x")


@pytest.mark.parametrize("name", DUMPS)
def test_a_real_processor_is_read_off_its_dump(name):
    expected = dict(DUMPS[name]["expected"])
    microarchitecture = expected.pop("microarchitecture")
    expected["caches"] = tuple(Cache(**cache) for cache in expected["caches"])
    expected["isas"] = tuple(expected["isas"])
    processor = dumped(name)
    assert processor == Processor(**expected)
    assert detection.facts(processor).microarchitecture == microarchitecture
    assert dumped(name, 0x7).isas == ("scalar", "avx2"), "the system does not save zmm"


@pytest.mark.parametrize(
    ("processor", "l2_bytes", "llc_bytes"),
    [(SKYLAKE_X, MIB, 8448 * KIB), (BROADWELL, 256 * KIB, 55 * MIB), (ZEN2, 512 * KIB, 16 * MIB)],
)
def test_a_processor_tells_its_cache_sizes(processor, l2_bytes, llc_bytes):
    assert processor.last_cache_bytes == llc_bytes
    assert [processor.cache_bytes(level) for level in (1, 2, 3, 4)] == [32 * KIB, l2_bytes, llc_bytes, 0]


@pytest.mark.parametrize(
    ("vendor", "signature", "family", "model", "stepping", "microarchitecture"),
    [
        ("AuthenticAMD", 0xA00F11, 25, 1, 1, "Zen 3"),  # EPYC 7003
        ("AuthenticAMD", 0xB00F21, 26, 2, 1, "Zen 5"),  # EPYC 9005
        ("GenuineIntel", 0x606A6, 6, 106, 6, "Ice Lake server"),
        ("GenuineIntel", 0xC06F2, 6, 207, 2, "Emerald Rapids"),
        ("GenuineIntel", 0xA06D1, 6, 173, 1, "Granite Rapids"),
        ("GenuineIntel", 0x5065B, 6, 85, 11, "Cooper Lake"),
        ("GenuineIntel", 0xC06C2, 6, 204, 2, "Panther Lake"),
        ("GenuineIntel", 0xD0650, 6, 213, 0, "Wildcat Lake"),
        ("GenuineIntel", 0xD0671, 6, 215, 1, "Bartlett Lake"),
        ("AuthenticAMD", 0x880F40, 23, 132, 0, "Zen 2"),
        ("AuthenticAMD", 0x600F20, 21, 2, 0, "Piledriver"),
        ("AuthenticAMD", 0x610F01, 21, 16, 1, "Piledriver"),
        ("AuthenticAMD", 0x610F31, 21, 19, 1, "Piledriver"),
        ("AuthenticAMD", 0x630F01, 21, 48, 1, "Steamroller"),
        ("AuthenticAMD", 0x630F81, 21, 56, 1, "Steamroller"),
        ("AuthenticAMD", 0x660F51, 21, 101, 1, "Excavator"),
        ("AuthenticAMD", 0x670F00, 21, 112, 0, "Excavator"),
        ("HygonGenuine", 0x900F01, 24, 0, 1, "Dhyana"),
        ("HygonGenuine", 0x900F11, 24, 1, 1, "Dhyana"),
        ("HygonGenuine", 0x900F22, 24, 2, 2, "Dhyana"),
        ("HygonGenuine", 0x910F00, 24, 16, 0, "Hygon C86"),
        ("  Shanghai  ", 0x707B0, 7, 123, 0, "unknown"),
        ("  Shanghai  ", 0x507B3, 7, 91, 3, "YongFeng"),
        ("CentaurHauls", 0x607B1, 7, 107, 1, "ShiJiDaDao"),
    ],
)
def test_later_processors_are_told_apart_by_their_signature(
    vendor, signature, family, model, stepping, microarchitecture
):
    processor = processor_of(vendor, "", signature, EVERYTHING, AVX2 | AVX512F)
    assert (processor.family, processor.model, processor.stepping) == (family, model, stepping)
    assert detection.facts(processor).microarchitecture == microarchitecture


@pytest.mark.parametrize(
    ("unit", "caches"),
    [
        (0x100, [(1, 32 * KIB, 1), (2, MIB, 2), (3, 8 * MIB, 8)]),
        (0, [(1, 32 * KIB, 1), (2, MIB, 1), (3, 8 * MIB, 8)]),
    ],
)
def test_caches_of_an_older_amd_processor_are_in_older_leaves(unit, caches):
    table = {
        (0, 0): (13, *(words("AuthenticAMD", 12)[i] for i in (0, 2, 1))),
        (1, 0): (0x600F20, 0, EVERYTHING, 0),
        (0x80000005, 0): (0, 0, 0x20080140, 0),
        (0x80000006, 0): (0, 0, 0x04008140, 16 << 18),
        (0x80000008, 0): (0, 0, 7, 0),
        (0x8000001E, 0): (0, unit, 0, 0),
    }
    processor = decoded(table)
    assert [(c.level, c.bytes, c.shared_by_threads) for c in processor.caches] == caches
    assert processor.isas == ("scalar",)


def test_caches_that_cpuid_does_not_tell_are_those_of_the_processor_that_is_measured(monkeypatch):
    guest = processor_of("GenuineIntel", "", 0x606A6, EVERYTHING, AVX2)
    told = {
        3: [SystemCache(1, 48 * KIB, frozenset({3})), SystemCache(3, 32 * MIB, frozenset(range(4)))],
        7: [SystemCache(3, 16 * MIB, frozenset(range(4, 8)))],
    }
    monkeypatch.setattr(detection.topology, "caches", lambda cpu, cpus=None: told.get(cpu, []))
    found = detection.with_known_caches(guest, 3, [0, 3, 7])
    assert found.caches == (Cache(1, 48 * KIB, 1, False), Cache(3, 32 * MIB, 4, False))
    assert found.llc_count == 2
    with pytest.raises(HarnessError, match="neither CPUID nor the system tells"):
        detection.with_known_caches(guest, 0, [0])


def test_without_the_systems_word_last_level_caches_are_as_many_as_the_threads_need(monkeypatch):
    monkeypatch.setattr(detection.topology, "last_level_caches", lambda cpus: 0)
    assert detection.with_known_caches(ZEN2, 0, range(24)).llc_count == 4


def test_a_guest_may_be_told_neither_its_hypervisor_nor_its_caches():
    guest = processor_of("AuthenticAMD", "AMD EPYC", 0xA10F11, EVERYTHING | HYPERVISOR, AVX2)
    assert guest.hypervisor == "unknown"
    assert guest.caches == ()
    assert guest.last_cache_bytes == 0


@pytest.mark.parametrize(
    ("features", "leaf7", "states", "isas"),
    [
        (EVERYTHING, AVX2 | AVX512F, 0x03, ()),  # the system saves neither zmm nor ymm
        (SSE41 | OSXSAVE, AVX2, 0xE7, ()),  # no FMA
        (EVERYTHING, 0, 0x07, ("scalar",)),  # FMA without AVX2
        (SSE41, 0, 0, ()),  # Nehalem
    ],
)
def test_an_isa_counts_only_if_the_system_saves_its_registers(features, leaf7, states, isas):
    assert processor_of("GenuineIntel", "", 0x106A5, features, leaf7, states).isas == isas


def test_a_processor_without_fma_is_refused_in_one_line():
    nehalem = processor_of("GenuineIntel", "Intel Core i7", 0x106A5, SSE41, 0, 0)
    with pytest.raises(HarnessError, match="Intel Core i7 lacks AVX2 and FMA3") as refused:
        detection.usable_isas(nehalem, ["scalar"])
    assert "\n" not in str(refused.value)


def test_an_isa_that_is_not_there_is_skipped_with_the_reason():
    usable, skipped = detection.usable_isas(BROADWELL, ["scalar", "avx2", "avx512f"])
    assert usable == ["scalar", "avx2"]
    assert skipped == [Skipped("ISA avx512f", "Intel(R) Xeon(R) CPU E5-2696 v4 @ 2.20GHz does not have it")]
    with pytest.raises(HarnessError, match="has none of avx512f; it has scalar, avx2"):
        detection.usable_isas(BROADWELL, ["avx512f"])


def test_another_architecture_is_refused(monkeypatch):
    monkeypatch.setattr(detection.platform, "machine", lambda: "aarch64")
    with pytest.raises(HarnessError, match="aarch64 machine; the kernels are written for x86-64"):
        detection.require_x86_64()


def test_this_processor_describes_itself(host):
    described = detection.describe(host.processor())
    assert described.isas
    assert described.memory_bytes > 1 << 28
    assert 0 < detection.available_memory_bytes() <= described.memory_bytes


@pytest.mark.parametrize("told", ("", "MemAvailable:", "MemAvailable: lots kB", "\ufffd", None))
def test_memory_that_the_system_does_not_tell_is_what_is_built_in(monkeypatch, told):
    monkeypatch.setattr(detection, "memory_bytes", lambda: 1 << 30)
    monkeypatch.setattr(detection, "Path", fake_files(told))
    monkeypatch.setattr(detection.control_groups, "memory_left", lambda: None)
    assert detection.available_memory_bytes() == 1 << 30


def test_memory_beyond_the_limit_of_address_space_is_not_available(monkeypatch):
    monkeypatch.setattr(detection.limits, "address_space", lambda: 1 << 40)
    before = detection.available_memory_bytes()
    monkeypatch.setattr(detection.limits, "address_space", lambda: 1 << 31)
    assert 0 <= detection.available_memory_bytes() < min(before, 1 << 31)
