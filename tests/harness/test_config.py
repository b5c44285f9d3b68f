"""The configuration: what is refused, and in which words."""

import copy

import pytest
import yaml

from analysis.information import schema
from harness import config
from harness.errors import HarnessError

LLC = 32 << 20


@pytest.fixture
def written(tmp_path):
    """Writes a changed copy of the shipped configuration and returns its path."""

    def write(change):
        settings = copy.deepcopy(config.load())
        change(settings)
        file = tmp_path / "config.yaml"
        file.write_text(yaml.safe_dump(settings))
        return file

    return write


def test_the_shipped_configuration_uses_every_key_that_the_schema_knows():
    settings = config.load()
    assert set(settings) == set(schema("config")["properties"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(protocl="quick"), ["'protocl'", "allowed:", "protocol"]),
        (lambda c: c.update(protocol="fast"), ["protocol", "'fast'", "smoke, quick, full, paper"]),
        (lambda c: c.update(isas=["avx"]), ["isas.0", "'avx'", "scalar, avx2, avx512f"]),
        (lambda c: c.update(isas="avx2"), ["isas", "'avx2' is not of type 'array'"]),
        (lambda c: c["protocols"]["quick"].update(processes="many"), ["protocols.quick.processes", "'object'"]),
        (lambda c: c["protocols"]["quick"].update(minuts=3), ["protocols.quick", "'minuts'", "minutes"]),
        (lambda c: c["protocols"]["quick"]["rounds"].update(passes=3), ["protocols.quick.rounds.passes", "3"]),
        (lambda c: c["protocols"]["quick"]["rounds"].pop("passes"), ["protocols.quick.rounds", "passes is missing"]),
        (lambda c: c["protocols"]["quick"]["lengths"].update(pases=[1]), ["lengths.pases", "passes"]),
        (lambda c: c.update(compilers=["icc"]), ["compilers", "'icc'", "gcc", "clang"]),
        (lambda c: c["input"].update(low=5, high=-5), ["input", "5", "-5"]),
        (lambda c: c.pop("rotation"), ["'rotation' is a required property"]),
    ],
)
def test_a_bad_configuration_is_refused_by_file_key_and_what_is_allowed(written, change, words):
    file = written(change)
    with pytest.raises(HarnessError) as refused:
        config.load(file)
    message = str(refused.value)
    assert "\n" not in message
    for word in [str(file), *words]:
        assert word in message


def test_a_file_that_is_not_yaml_is_refused_by_line(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("protocol: quick\nisas: [avx2\ncompilers: gcc\n")
    with pytest.raises(HarnessError, match=r"config.yaml, line 3: not valid YAML"):
        config.load(file)


@pytest.mark.parametrize(("content", "word"), [(None, "No such file"), ("just text", "not of type 'object'")])
def test_a_file_without_configuration_is_refused(tmp_path, content, word):
    file = tmp_path / "config.yaml"
    if content:
        file.write_text(content)
    with pytest.raises(HarnessError, match=word):
        config.load(file)


def test_only_a_few_keys_can_be_set_on_the_command_line():
    assert config.overrides(config.load(overrides={"protocol": "smoke"})) == {"protocol": "smoke"}
    assert config.overrides(config.load()) == {}
    with pytest.raises(HarnessError, match=r"--config rotation: only protocol, isas, .* can be set there"):
        config.overrides(config.load(overrides={"rotation": 2}))


def test_lengths_are_evenly_spaced_up_to_four_times_the_cache():
    assert config.lengths({"per_decade": 2, "from": 1000}, 1 << 20) == [
        1000, 3160, 10_000, 31_600, 100_000, 316_000, 1_000_000, 3_160_000,
    ]  # fmt: skip
    longest = config.lengths({"per_decade": 4, "from": 1000}, LLC)[-1]
    assert longest * 4 >= 4 * LLC


def test_lengths_in_a_list_are_sorted_and_out_of_cache_is_resolved():
    assert config.lengths([5, "out-of-cache", 3, 5], LLC) == [3, 5, LLC]
    assert config.lengths(["out-of-cache"], 1 << 20) == [16 << 20]


@pytest.mark.parametrize(("value", "rounded"), [(1000, 1000), (1778.3, 1780), (56234.1, 56200), (7.4, 7), (12.6, 13)])
def test_lengths_have_three_digits(value, rounded):
    assert config.three_digits(value) == rounded
