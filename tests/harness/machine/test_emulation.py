"""Emulators and hypervisors that hide: told by what they say, or by their pace."""

from dataclasses import replace

import pytest

from harness.machine import detection, emulation, identity
from tests.harness.machine.test_detection import HYPERVISOR, SKYLAKE_X, processor_of, words

NAMED = {"QEMU": "TCGTCGTCGTCG", "FEX": "FEXIFEXIEMU"}
CALM = {"clock_adds": 16384, "throughput_fmas": 16384, "clock_nanoseconds": 5461, "throughput_nanoseconds": 2800}


def played(signature, bit):
    """A processor behind a hypervisor's leaf with this signature, whose bit is set or not."""
    a, b, c = words(signature, 12)
    table = {(0, 0): (22, 0, 0, 0), (1, 0): (0x50654, 0, bit, 0), (0x40000000, 0): (0, a, b, c)}
    return detection.decode(lambda leaf, subleaf: table.get((leaf, subleaf), (0, 0, 0, 0)), 0)


@pytest.mark.parametrize("bit", [0, HYPERVISOR])
@pytest.mark.parametrize(("name", "signature"), NAMED.items())
def test_an_emulator_that_names_itself_is_told_even_where_the_bit_is_off(name, signature, bit):
    assert played(signature, bit).emulator == name
    assert played(signature, bit).hypervisor == (signature if bit else "")
    assert played("KVMKVMKVM", bit).emulator == "none"


@pytest.mark.parametrize(
    ("vendor", "brand", "name"),
    [
        ("GenuineIntel", "VirtualApple @ 2.50GHz", "Rosetta"),
        ("VirtualApple", "VirtualApple @ 2.50GHz processor", "Rosetta"),
        ("GenuineIntel", "Box64 on Cortex-A76 @2.40 GHz", "Box64"),
        ("GenuineIntel", "Intel(R) Xeon(R) W-2135 CPU @ 3.70GHz", "none"),
    ],
)
def test_a_translator_is_told_by_its_brand(vendor, brand, name):
    assert processor_of(vendor, brand, 0x50654, 0, 0).emulator == name


def test_a_false_brand_does_not_hide_the_pace_of_an_emulator():
    """Of qemu-user 7.2 as a W-2135, measured where the processor had 2.99 GHz."""
    slow = CALM | {"clock_nanoseconds": 5660, "throughput_nanoseconds": 2_254_912}
    judged = emulation.judged(SKYLAKE_X, slow, 28.8)
    assert judged == replace(SKYLAKE_X, emulator="suspected: an FMA takes as long as 398 additions")
    assert emulation.judged(replace(SKYLAKE_X, emulator="QEMU"), slow, 28.8).emulator == "QEMU"


@pytest.mark.parametrize(("nanoseconds", "hypervisor"), [(35, ""), (100, ""), (500, "hidden"), (1300, "hidden")])
def test_where_cpuid_takes_long_something_answers_it_that_hides(nanoseconds, hypervisor):
    assert emulation.judged(SKYLAKE_X, CALM, nanoseconds) == replace(SKYLAKE_X, hypervisor=hypervisor)
    guest = replace(SKYLAKE_X, hypervisor="KVMKVMKVM")
    assert emulation.judged(guest, CALM, nanoseconds) == guest


def test_this_processor_is_no_emulator(host):
    assert host.processor().emulator == "none"


def test_control_characters_of_a_brand_reach_nothing():
    processor = processor_of("Genuine\x1b[2J", "A\x1b]0;x\x07\tB\x07 <\x01>\x7f", 0x50654, 0, 0)
    assert processor.brand == "A?]0;x??B? <?>?"
    assert processor.vendor == "Genuine?[2J"
    assert identity.stranger_name(processor).replace("-", "").isalnum()
