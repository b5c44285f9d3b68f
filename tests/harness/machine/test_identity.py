"""Which machine a processor makes: known, a stranger, or named on the command line."""

import os
import re
from dataclasses import replace

import pytest
import yaml

from harness.machine import detection, identity
from harness.record import configuration
from harness.record.errors import HarnessError
from harness.record.machines import MACHINES, load_machines, matches
from harness.record.run import Cache, Skipped
from tests.conftest import kernels_of
from tests.harness.machine.test_detection import BROADWELL, SKYLAKE_X, ZEN2, dumped

CASCADE_LAKE = dumped("cascade-lake-xeon-platinum-8280")


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    """As many threads as the virtual machine of the recorded runs has."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def told(processor, cores="unknown", threads="unknown"):
    """What is told of the machine that a processor is in; of cores and threads nothing, since those here are others."""
    return replace(detection.facts(processor), cores=cores, threads=threads)


def guest(stepping=1, brand="AMD EPYC"):
    """The virtual machine of the recorded runs, or another one like it."""
    return replace(dumped("zen4-epyc-virtual-machine"), stepping=stepping, brand=brand)


@pytest.mark.parametrize(
    ("processor", "cores", "name", "microarchitecture"),
    [
        (SKYLAKE_X, 6, "skylake-x", "Skylake-X"),
        (BROADWELL, 22, "broadwell", "Broadwell"),
        (ZEN2, 12, "zen2", "Zen 2"),
        (guest(), 2, "amd-epyc-25-17", "Zen 4"),
    ],
)
def test_a_known_machine_goes_by_the_name_of_its_file(processor, cores, name, microarchitecture, monkeypatch):
    assert identity.identify(told(processor)) == identity.Identity(name, known=True, overridden=False)
    monkeypatch.setattr(detection.topology, "cores", lambda: cores)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    described = detection.describe(processor)
    assert described.name == name
    assert described.overridden is False
    assert described.microarchitecture == microarchitecture


def test_a_stranger_goes_by_its_brand():
    assert identity.identify(told(CASCADE_LAKE)) == identity.Identity("intel-xeon-platinum-8280-6-85", False, False)
    assert detection.describe(CASCADE_LAKE).microarchitecture == "Cascade Lake"


def test_a_stranger_never_gets_the_name_of_a_known_machine():
    assert identity.identify(told(guest(stepping=2))) == identity.Identity("amd-epyc-25-17-2", False, False)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cores": 4}, "it has 4 cores, not 6"),
        ({"threads": 8}, "it has 8 threads, not 12"),
        ({"isas": ("scalar", "avx2")}, "it has avx2, not avx2, avx512f"),
        ({"hypervisor": "KVMKVMKVM"}, "its hypervisor is KVMKVMKVM, not none"),
        ({"hypervisor": "hidden"}, "its hypervisor is hidden, not none"),
        ({"emulator": "QEMU"}, "it is emulated (QEMU)"),
        (
            {"caches": (Cache(1, 32768, 2, False), Cache(2, 4 << 20, 2, False))},
            "its caches are L1 32 KiB L2 4096 KiB, not L1 32 KiB L2 1024 KiB L3 8448 KiB",
        ),
    ],
)
def test_a_machine_of_a_known_brand_that_is_another_is_a_stranger_and_why_is_told(change, reason):
    other = replace(told(SKYLAKE_X, 6, 12), **change)
    assert identity.identify(other) == identity.Identity("intel-xeon-w-2135-6-85", False, False)
    assert identity.mistaken(other) == [Skipped("the name skylake-x", reason)]
    with pytest.raises(HarnessError, match=re.escape(f"machine.name: this is not skylake-x: {reason}")):
        identity.check_name(replace(other, name="skylake-x"))
    identity.check_name(replace(other, name="intel-xeon-w-2135-6-85"))


@pytest.mark.parametrize("threads", [6, 12])
def test_a_machine_may_have_its_sibling_threads_switched_off(threads):
    assert identity.identify(told(SKYLAKE_X, 6, threads)).name == "skylake-x"
    assert identity.mistaken(told(SKYLAKE_X, 6, threads)) == []


def test_a_guest_of_another_size_is_another_machine():
    *inner, last = guest().caches
    smaller = replace(guest(), caches=(*inner, replace(last, bytes=last.bytes // 2)))
    assert identity.identify(told(smaller)) == identity.Identity("amd-epyc-25-17-1", False, False)
    assert identity.identify(told(guest(), threads=4)) == identity.Identity("amd-epyc-25-17-1", False, False)


def test_a_guest_of_another_size_than_a_known_one_of_its_stepping_has_its_size_in_its_name(tmp_path):
    described = detection.describe(guest(stepping=3))
    assert described.name == "amd-epyc-25-17-3"
    (tmp_path / f"{described.name}.yaml").write_text(identity.offer(described))
    assert identity.identify(described, folder=tmp_path).known
    assert identity.identify(told(guest(stepping=3), threads=16), folder=tmp_path) == identity.Identity(
        "amd-epyc-25-17-3-16-threads-32768-kib", False, False
    )


def test_generations_of_one_model_and_brand_are_two_machines():
    skylake, cascade_lake = (
        replace(CASCADE_LAKE, brand=f"Intel(R) Xeon(R) CPU @ {clock}GHz", stepping=stepping)
        for clock, stepping in (("2.00", 3), ("2.80", 7))
    )
    assert identity.identify(told(skylake)).name == "intel-xeon-6-85-3"
    assert identity.identify(told(cascade_lake)).name == "intel-xeon-6-85-7"


@pytest.mark.parametrize(
    ("brand", "is_product"),
    [
        ("AMD EPYC-Milan-v2 Processor", False),
        ("12th Gen Intel(R) Core(TM)", False),
        ("Genuine Intel(R) CPU 0000 @ 2.20GHz", False),
        ("Intel Xeon E312xx (Sandy Bridge)", False),
        ("QEMU Virtual CPU version 2.5+", False),
        ("12th Gen Intel(R) Core(TM) i7-12700K", True),
        ("Intel(R) Xeon(R) CPU E5-2696 v4 @ 2.20GHz", True),
        ("AMD EPYC 9R14", True),
        ("Intel(R) N100", True),
        ("AMD Ryzen AI 9 HX 370 w/ Radeon 890M", True),
    ],
)
def test_only_the_number_of_a_product_makes_a_brand_a_name_of_its_own(brand, is_product):
    machine = told(guest(brand=brand), threads=64)
    short, stepping = (name := identity.stranger_name(machine)), f"{name}-1"
    assert identity.stranger_names(machine)[0] == (short if is_product else stepping)
    for name in (short, stepping, f"{stepping}-64-threads-32768-kib"):
        identity.check_name(replace(machine, name=name))


@pytest.mark.parametrize("name", ["intel-xeon-6-85", "intel-xeon-6-85-7", "intel-xeon-6-85-7-2-threads-39424-kib"])
def test_a_run_may_have_any_name_that_its_machine_ever_had(name):
    described = detection.describe(replace(CASCADE_LAKE, brand="Intel(R) Xeon(R) CPU @ 2.80GHz"))
    identity.check_name(replace(described, name=name))
    with pytest.raises(HarnessError, match="does not follow from"):
        identity.check_name(replace(described, name=f"{name}-1"))


def test_two_files_that_match_decide_nothing(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text((MACHINES / "zen2.yaml").read_text())
    assert identity.identify(told(ZEN2), folder=tmp_path) == identity.Identity("amd-ryzen-9-3900x-23-113", False, False)


def test_a_given_name_is_recorded_as_an_override():
    assert identity.identify(told(ZEN2), "skylake-x") == identity.Identity("skylake-x", known=True, overridden=True)
    described = detection.describe(ZEN2, "skylake-x")
    assert (described.name, described.overridden) == ("skylake-x", True)
    assert described.microarchitecture == "Zen 2", "what was detected stays"


def test_to_give_the_name_that_was_detected_overrides_nothing():
    assert identity.identify(told(ZEN2), "zen2") == identity.identify(told(ZEN2))


def test_an_unknown_name_is_one_line_that_lists_the_known_ones():
    known = ", ".join(load_machines())
    assert "broadwell, skylake-x" in known
    with pytest.raises(HarnessError, match=f"machine: 'zen9' is not one of {known}"):
        identity.identify(told(ZEN2), "zen9")
    with pytest.raises(HarnessError, match=f"command line: machine: 'zen9' is not one of {known}"):
        configuration.load(overrides={"machine": "zen9"})
    assert configuration.overrides(configuration.load(overrides={"machine": "zen2"})) == {"machine": "zen2"}


def test_a_damaged_machine_file_is_one_line(tmp_path):
    (tmp_path / "x.yaml").write_text("title: 3\n")
    with pytest.raises(HarnessError, match=r"x\.yaml: ") as refused:
        load_machines(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "processor", [CASCADE_LAKE, guest(2, "unknown"), guest(2, "AMD EPYC 9R14 (96-Core) + x: y #1 'z'")]
)
def test_the_offered_file_makes_its_machine_known(processor, tmp_path):
    described = detection.describe(processor)
    (tmp_path / f"{described.name}.yaml").write_text(identity.offer(described))
    found = identity.identify(described, folder=tmp_path)
    assert found == identity.Identity(described.name, known=True, overridden=False)
    offered = load_machines(tmp_path)[described.name]
    assert offered.microarchitecture == described.microarchitecture
    assert [cache.bytes for cache in offered.caches] == [cache.bytes for cache in processor.caches]
    assert offered.memory.peak_gb_per_second == offered.base_clock_ghz == "unknown"
    assert offered.paper_variants == {}
    longer = replace(described, brand=described.brand + " 2")
    assert not matches(offered, longer), "another product is another machine"


def test_the_offered_file_is_laid_out_like_the_others():
    text = identity.offer(detection.describe(guest()))
    known = (MACHINES / "amd-epyc-25-17.yaml").read_text()
    keys = [line.split(":")[0] for line in text.splitlines()]
    assert keys == [line.split(":")[0] for line in known.splitlines() if not line.startswith("#")]
    assert yaml.safe_load(text)["processor"] == yaml.safe_load(known)["processor"]


@pytest.mark.parametrize("name", ["skylake-x", "broadwell", "zen2"])
def test_the_published_variants_are_in_the_table_of_kernels(name):
    # Every ISA's table has the same shapes, and every processor runs the scalar one.
    shapes = {(kernel.name, kernel.variant) for kernel in kernels_of("gcc", "scalar")}
    for variants in load_machines()[name].paper_variants.values():
        assert set(variants.items()) <= shapes


def test_the_published_tuning_is_for_the_papers_machines_only():
    assert identity.wanted_variants("measured", "zen2") == {}
    assert identity.wanted_variants("paper", "zen2")["avx2"]["ext_sum"] == "u9k1"
    with pytest.raises(
        HarnessError, match=r"no variants were published for amd-epyc-25-17; machine=NAME takes those of"
    ):
        identity.wanted_variants("paper", "amd-epyc-25-17")


def test_a_published_variant_knows_its_machines():
    assert identity.published("avx2")["ext_scale"] == {"u4k1": ["broadwell"], "u5k1": ["skylake-x", "zen2"]}
    assert identity.published("scalar") == {}
