"""Detection, on processors that are not here: decoded from registers built by hand from the vendors' manuals."""

import pytest

from harness import detect, machines
from harness.errors import HarnessError

KIB, MIB = 1 << 10, 1 << 20
FMA, SSE41, OSXSAVE = 1 << 12, 1 << 19, 1 << 27
HYPERVISOR = 1 << 31
AVX2, AVX512F = 1 << 5, 1 << 16


def words(text, size):
    raw = text.encode().ljust(size, b"\0")
    return [int.from_bytes(raw[i : i + 4], "little") for i in range(0, size, 4)]


def cache_leaf(level, size, ways, shared, inclusive=False, kind=1):
    sets = size // ways // 64
    assert sets * ways * 64 == size
    return (kind | level << 5 | (shared - 1) << 14, (ways - 1) << 22 | 63, sets - 1, inclusive << 1)


def processor_of(vendor, brand, signature, features, leaf7, caches, states=0xE7, hypervisor=""):
    """A processor decoded from a table of registers."""
    a, b, c = words(vendor, 12)
    table = {
        (0, 0): (22, a, c, b),
        (1, 0): (signature, 0, features | (HYPERVISOR if hypervisor else 0), 0),
        (7, 0): (0, leaf7, 0, 0),
        (0x80000000, 0): (0x80000008, 0, 0, 0),
        (0x40000000, 0): (0, *words(hypervisor, 12)),
    }
    for i, leaf in enumerate((0x80000002, 0x80000003, 0x80000004)):
        table[leaf, 0] = tuple(words(brand, 48)[4 * i : 4 * i + 4])
    cache_leaf_number = 4 if vendor == "GenuineIntel" else 0x8000001D
    for i, cache in enumerate(caches):
        table[cache_leaf_number, i] = cache
    return detect.decode(lambda leaf, subleaf: table.get((leaf, subleaf), (0, 0, 0, 0)), states)


INSTRUCTIONS = cache_leaf(1, 32 * KIB, 8, 2, kind=2)
EVERYTHING = FMA | SSE41 | OSXSAVE
SKYLAKE_X = processor_of(
    "GenuineIntel", "Intel(R) Xeon(R) W-2135 CPU @ 3.70GHz", 0x50654, EVERYTHING, AVX2 | AVX512F,
    [cache_leaf(1, 32 * KIB, 8, 2), INSTRUCTIONS, cache_leaf(2, MIB, 16, 2), cache_leaf(3, 8448 * KIB, 11, 16)],
)  # fmt: skip
CASCADE_LAKE = processor_of(
    "GenuineIntel", "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz", 0x50657, EVERYTHING, AVX2 | AVX512F,
    [cache_leaf(1, 32 * KIB, 8, 2), INSTRUCTIONS, cache_leaf(2, MIB, 16, 2), cache_leaf(3, 28160 * KIB, 11, 64)],
)  # fmt: skip
BROADWELL = processor_of(
    "GenuineIntel", "Intel(R) Xeon(R) CPU E5-2696 v4 @ 2.20GHz", 0x406F1, EVERYTHING, AVX2,
    [cache_leaf(1, 32 * KIB, 8, 2), INSTRUCTIONS, cache_leaf(2, 256 * KIB, 8, 2),
     cache_leaf(3, 55 * MIB, 20, 64, True)],
)  # fmt: skip
ZEN2 = processor_of(
    "AuthenticAMD", "AMD Ryzen 9 3900X 12-Core Processor", 0x870F10, EVERYTHING, AVX2,
    [cache_leaf(1, 32 * KIB, 8, 2), INSTRUCTIONS, cache_leaf(2, 512 * KIB, 8, 2, True), cache_leaf(3, 16 * MIB, 16, 6)],
)  # fmt: skip


@pytest.mark.parametrize(
    ("processor", "name", "family", "model", "stepping", "isas", "sizes"),
    [
        (SKYLAKE_X, "intel-xeon-w-2135-6-85", 6, 85, 4, ("scalar", "avx2", "avx512f"), [32 * KIB, MIB, 8448 * KIB]),
        (BROADWELL, "intel-xeon-e5-2696-v4-6-79", 6, 79, 1, ("scalar", "avx2"), [32 * KIB, 256 * KIB, 55 * MIB]),
        (ZEN2, "amd-ryzen-9-3900x-23-113", 23, 113, 0, ("scalar", "avx2"), [32 * KIB, 512 * KIB, 16 * MIB]),
    ],
)
def test_the_papers_processors_are_recognized(processor, name, family, model, stepping, isas, sizes):
    assert processor.name == name
    assert (processor.family, processor.model, processor.stepping) == (family, model, stepping)
    assert processor.isas == isas
    assert [cache.bytes for cache in processor.caches] == sizes
    assert processor.llc_bytes == sizes[2]
    assert processor.outer_cache_bytes == sizes[1] + sizes[2]
    assert processor.cache_bytes(2) == sizes[1]
    assert processor.hypervisor == ""


def test_a_cache_is_shared_by_no_more_threads_than_there_are():
    leaves = {(4, 0): cache_leaf(3, 8448 * KIB, 11, 16), (0xB, 0): (1, 2, 0x100, 0), (0xB, 1): (4, 12, 0x201, 0)}
    (cache,) = detect._caches(lambda leaf, subleaf: leaves.get((leaf, subleaf), (0, 0, 0, 0)), "GenuineIntel")
    assert cache.shared_by_threads == 12


def test_sharing_and_inclusion_of_a_cache_are_read():
    assert BROADWELL.caches[2] == detect.Cache(3, 55 * MIB, 64, True)
    assert ZEN2.caches[2] == detect.Cache(3, 16 * MIB, 6, False)


@pytest.mark.parametrize(
    ("vendor", "signature", "family", "model", "stepping", "microarchitecture"),
    [
        ("AuthenticAMD", 0xA00F11, 25, 1, 1, "Zen 3"),  # EPYC 7003
        ("AuthenticAMD", 0xA20F10, 25, 33, 0, "Zen 3"),  # Ryzen 5000
        ("AuthenticAMD", 0xA10F11, 25, 17, 1, "Zen 4"),  # EPYC 9004
        ("AuthenticAMD", 0xB00F21, 26, 2, 1, "Zen 5"),  # EPYC 9005
        ("AuthenticAMD", 0xB40F40, 26, 68, 0, "Zen 5"),  # Ryzen 9000
        ("GenuineIntel", 0x606A6, 6, 106, 6, "Ice Lake server"),
        ("GenuineIntel", 0x706E5, 6, 126, 5, "Ice Lake client"),
        ("GenuineIntel", 0x806F8, 6, 143, 8, "Sapphire Rapids"),
        ("GenuineIntel", 0xC06F2, 6, 207, 2, "Emerald Rapids"),
        ("GenuineIntel", 0xA06D1, 6, 173, 1, "Granite Rapids"),
        ("GenuineIntel", 0x50657, 6, 85, 7, "Cascade Lake"),
        ("GenuineIntel", 0x50654, 6, 85, 4, "Skylake-X"),
        ("GenuineIntel", 0x5065B, 6, 85, 11, "Cooper Lake"),
    ],
)
def test_later_processors_are_told_apart_by_their_signature(
    vendor, signature, family, model, stepping, microarchitecture
):
    processor = processor_of(vendor, "", signature, EVERYTHING, AVX2 | AVX512F, [])
    assert (processor.family, processor.model, processor.stepping) == (family, model, stepping)
    assert machines.microarchitecture(processor) == microarchitecture


def test_a_hypervisor_is_named():
    guest = processor_of("AuthenticAMD", "AMD EPYC", 0xA10F11, EVERYTHING, AVX2, [], hypervisor="KVMKVMKVM")
    assert guest.hypervisor == "KVMKVMKVM"
    assert guest.name == "amd-epyc-25-17"
    assert guest.llc_bytes == 0


@pytest.mark.parametrize(
    ("features", "leaf7", "states", "isas"),
    [
        (EVERYTHING, AVX2 | AVX512F, 0x07, ("scalar", "avx2")),  # the system does not save zmm
        (EVERYTHING, AVX2 | AVX512F, 0x03, ()),  # nor ymm
        (SSE41 | OSXSAVE, AVX2, 0xE7, ()),  # no FMA
        (EVERYTHING, 0, 0x07, ("scalar",)),  # FMA without AVX2
        (SSE41, 0, 0, ()),  # Nehalem
    ],
)
def test_an_isa_counts_only_if_the_system_saves_its_registers(features, leaf7, states, isas):
    assert processor_of("GenuineIntel", "", 0x106A5, features, leaf7, [], states).isas == isas


def test_a_processor_without_fma_is_refused_in_one_line():
    nehalem = processor_of("GenuineIntel", "Intel Core i7", 0x106A5, SSE41, 0, [], 0)
    with pytest.raises(HarnessError, match="Intel Core i7 lacks AVX2 and FMA3") as refused:
        detect.usable_isas(nehalem, ["scalar"])
    assert "\n" not in str(refused.value)


def test_an_isa_that_is_not_there_is_skipped_with_the_reason():
    usable, skipped = detect.usable_isas(BROADWELL, ["scalar", "avx2", "avx512f"])
    assert usable == ["scalar", "avx2"]
    assert skipped == [{"what": "ISA avx512f", "reason": "Intel(R) Xeon(R) CPU E5-2696 v4 @ 2.20GHz does not have it"}]
    with pytest.raises(HarnessError, match="has none of avx512f; it has scalar, avx2"):
        detect.usable_isas(BROADWELL, ["avx512f"])


def test_another_architecture_is_refused(monkeypatch):
    monkeypatch.setattr(detect.platform, "machine", lambda: "aarch64")
    with pytest.raises(HarnessError, match="aarch64 machine; the kernels are written for x86-64"):
        detect.require_x86_64()


def test_this_processor_describes_itself(host):
    described = detect.describe(host.processor())
    assert described["isas"]
    assert described["memory_bytes"] > 1 << 28
    assert 0 < detect.available_memory_bytes() <= described["memory_bytes"]
