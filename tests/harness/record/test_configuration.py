"""The configuration: what is refused, and in which words."""

import copy
import json
import random
import re
import time

import pytest

from harness.experiments import algorithms
from harness.record import configuration
from harness.record.documents import read_yaml
from harness.record.errors import HarnessError
from harness.record.schema import schema
from tests.conftest import COMPILERS, kernels_of
from tests.mutations import mutated, mutated_bytes

LLC = 32 << 20
SHIPPED = configuration.load()


@pytest.fixture
def written(tmp_path):
    """Writes a changed copy of the shipped configuration and returns its path."""

    def write(change):
        settings = copy.deepcopy(configuration.load())
        change(settings)
        file = tmp_path / "config.yaml"
        file.write_text(json.dumps(settings))  # YAML too, and without aliases
        return file

    return write


def test_the_shipped_configuration_uses_every_key_that_the_schema_knows():
    assert set(read_yaml(configuration.CONFIG_FILE)) == set(schema("config")["properties"])


@pytest.fixture
def protocol(tmp_path):
    """Writes the shipped configuration with one protocol more, and returns how it is loaded."""

    def load(**its):
        settings = read_yaml(configuration.CONFIG_FILE)
        settings["protocols"]["mine"] = its
        file = tmp_path / "config.yaml"
        file.write_text(json.dumps(settings))
        return configuration.load(file, {"protocol": "mine"})["protocols"]["mine"]

    return load


REST = {"half_width_percent": 2, "sample_milliseconds": 1, "minutes": 5}


def test_a_protocol_says_only_what_differs_from_every_protocol(protocol):
    shared = read_yaml(configuration.CONFIG_FILE)["every_protocol"]
    loaded = protocol(processes={"most": 9}, rounds={"default": 4, "passes": 2}, lengths={"controls": [7]}, **REST)
    assert loaded["processes"] == {"least": shared["processes"]["least"], "most": 9}
    assert loaded["lengths"] == {**shared["lengths"], "controls": [7]}
    assert loaded["accuracy"] == shared["accuracy"]
    assert loaded["rounds"] == {**dict.fromkeys(SHIPPED["experiments"], 4), "passes": 2}


def test_what_neither_a_protocol_nor_every_protocol_says_is_missed_by_name(protocol):
    with pytest.raises(HarnessError, match=r"protocols.mine: 'minutes' is a required property"):
        protocol(rounds={"default": 4}, half_width_percent=2, sample_milliseconds=1)
    with pytest.raises(HarnessError, match=r"protocols.mine.rounds: algorithms is missing"):
        protocol(rounds={"passes": 4}, **REST)


def test_a_fault_of_every_protocol_is_blamed_on_it(tmp_path):
    settings = read_yaml(configuration.CONFIG_FILE)
    settings["every_protocol"]["processes"]["least"] = "many"
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps(settings))
    with pytest.raises(HarnessError, match=r"every_protocol.processes.least: 'many' is not of type 'integer'"):
        configuration.load(file)


def test_a_configuration_in_full_says_what_it_said(written):
    assert configuration.load(written(lambda c: None)) == SHIPPED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(protocl="quick"), ["'protocl'", "allowed:", "protocol"]),
        (lambda c: c.update(protocol="fast"), ["protocol", "'fast'", ", ".join(SHIPPED["protocols"])]),
        (lambda c: c.update(isas=["avx"]), ["isas.0", "'avx'", "scalar, avx2, avx512f"]),
        (lambda c: c.update(isas="avx2"), ["isas", "'avx2' is not of type 'array'"]),
        (lambda c: c["protocols"]["quick"].update(processes="many"), ["protocols.quick.processes", "'object'"]),
        (lambda c: c["protocols"]["quick"].update(minuts=3), ["protocols.quick", "'minuts'", "minutes"]),
        (lambda c: c["protocols"]["quick"]["rounds"].update(passes=3), ["protocols.quick.rounds.passes", "3"]),
        (lambda c: c["protocols"]["quick"]["rounds"].pop("passes"), ["protocols.quick.rounds", "passes is missing"]),
        (lambda c: c["protocols"]["quick"]["lengths"].update(pases=[1]), ["lengths.pases", "passes"]),
        (lambda c: c["protocols"]["quick"]["rounds"].update(pases=2), ["quick.rounds.pases: unknown key", "passes"]),
        (lambda c: c["experiments"]["frontier"].update(input="up"), ["frontier.input", "'up'", "uniform, rising"]),
        (lambda c: c.update(compilers=["icc"]), ["compilers", "'icc'", "gcc", "clang"]),
        (lambda c: c["controls"].update(algorithm="one-pass"), ["controls.algorithm: 'one-pass'", "two-pass"]),
        (
            lambda c: c["protocols"]["quick"]["tuner"].update(rounds=4.0),
            ["quick.tuner.rounds: 4.0 is not of type 'integer'"],
        ),
        (lambda c: c["input"].update(low=float("nan")), ["input.low", "not of type 'number'"]),
        (lambda c: c["input"].update(high=float("inf")), ["input.high", "not of type 'number'"]),
        (lambda c: c.update(rotation=10**9), ["rotation: 1000000000 is greater than the maximum of 100"]),
        (lambda c: c["protocols"]["full"]["processes"].update(most=10**9), ["full.processes.most", "maximum of 1000"]),
        (
            lambda c: c["protocols"]["quick"]["lengths"].update(algorithms={"per_decade": 10**6, "from": 1}),
            ["lengths.algorithms.per_decade: 1000000 is greater than the maximum of 100"],
        ),
        (
            lambda c: c["protocols"]["quick"]["lengths"].update(passes=[*range(1, 102)]),
            ["lengths.passes: has 101 entries; at most 100"],
        ),
        (lambda c: c["experiments"].update(scalar=c["experiments"]["peers"]), ["experiments", "'scalar'"]),
        (lambda c: c["input"].update(low=5, high=-5), ["input", "5", "-5"]),
        (lambda c: c.pop("rotation"), ["'rotation' is a required property"]),
    ],
)
def test_a_bad_configuration_is_refused_by_file_key_and_what_is_allowed(written, change, words):
    file = written(change)
    with pytest.raises(HarnessError) as refused:
        configuration.load(file)
    message = str(refused.value)
    assert "\n" not in message
    for word in [str(file), *words]:
        assert word in message


def test_a_file_that_is_not_yaml_is_refused_by_line(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("protocol: quick\nisas: [avx2\ncompilers: gcc\n")
    with pytest.raises(HarnessError, match=r"config.yaml, line 3: not valid YAML"):
        configuration.load(file)


@pytest.mark.parametrize(("content", "word"), [(None, "No such file"), ("just text", "not of type 'object'")])
def test_a_file_without_configuration_is_refused(tmp_path, content, word):
    file = tmp_path / "config.yaml"
    if content:
        file.write_text(content)
    with pytest.raises(HarnessError, match=word):
        configuration.load(file)


def test_what_the_command_line_says_is_not_blamed_on_the_file():
    with pytest.raises(HarnessError, match=r"^command line: compilers: 'icc' is not one of gcc, clang, zig$"):
        configuration.load(overrides={"compilers": ["icc"]})
    with pytest.raises(HarnessError, match=r"^--config: isas: 'avx2' is not of type 'array'$"):
        configuration.overrides({"isas": "avx2"})


def test_only_a_few_keys_can_be_set_on_the_command_line():
    assert configuration.overrides(configuration.load(overrides={"protocol": "smoke"})) == {"protocol": "smoke"}
    assert configuration.overrides(configuration.load()) == {}
    with pytest.raises(HarnessError, match=r"--config rotation: only protocol, isas, .* can be set there"):
        configuration.overrides(configuration.load(overrides={"rotation": 2}))


@pytest.mark.parametrize(("key", "value", "none"), [("peers", ["numpy"], []), ("machine", "zen2", None)])
def test_what_the_file_asks_for_is_not_taken_back_on_the_command_line(monkeypatch, key, value, none):
    written = configuration.load(overrides={key: value})
    monkeypatch.setattr(configuration, "load", lambda: written)
    with pytest.raises(HarnessError, match=f"--config {key}: only .*config.yaml can leave it empty"):
        configuration.overrides(written | {key: none})


def test_lengths_are_evenly_spaced_up_to_four_times_the_cache():
    assert configuration.lengths({"per_decade": 2, "from": 1000}, 1 << 20) == [
        1000, 3160, 10_000, 31_600, 100_000, 316_000, 1_000_000, 3_160_000,
    ]  # fmt: skip
    assert configuration.lengths({"per_decade": 100, "from": 1}, 4)[:3] == [1, 2, 3], "each once"
    longest = configuration.lengths({"per_decade": 4, "from": 1000}, LLC)[-1]
    assert longest * 4 >= 4 * LLC


def test_lengths_in_a_list_are_sorted_and_out_of_cache_is_resolved():
    assert configuration.lengths([5, "out-of-cache", 3, 5], LLC) == [3, 5, LLC]
    assert configuration.lengths(["out-of-cache"], 1 << 20) == [16 << 20]


@pytest.mark.parametrize(("value", "rounded"), [(1000, 1000), (1778.3, 1780), (56234.1, 56200), (7.4, 7), (12.6, 13)])
def test_lengths_have_three_digits(value, rounded):
    assert configuration.three_digits(value) == rounded


OPEN = ("compiler_commands", "algorithms", "experiments", "protocols", "rounds", "lengths")
"""What has names that a person chooses."""
OPTIONAL = {"machine", "accuracy", "threads", "input"}
MEASURES = ("rotation", "low", "high", "minutes", "sample_milliseconds", "half_width_percent", "waiting_percent")
"""What is no count."""


def strange(new, old, key=""):
    """Why an accepted value should have been refused, found without the schema: what stands there must be of the shape
    of what is shipped. None where it is."""
    if isinstance(new, dict) and isinstance(old, dict):
        missing, more = set(old) - set(new), set(new) - set(old)
        if missing - OPTIONAL and key not in OPEN and "per_decade" not in old:
            return f"{key} lacks {missing}"
        if more and (key not in OPEN or not all(re.fullmatch("[a-z][a-z0-9-]*", name) for name in more)):
            return f"{key} has {more}"
        parts = [(value, old.get(name, next(iter(old.values()))), name) for name, value in new.items()]
    elif isinstance(new, list) and isinstance(old, list):
        parts = [(value, old[0] if old else "text", key) for value in new]
    else:
        return None if is_like(new, old, key) else f"{key} is {new!r}"
    return next(filter(None, (strange(*part) for part in parts)), None)


def is_like(new, old, key):
    named = tuple(configuration.NAMED)
    if new in named or old in named or isinstance(old, list | dict):  # one of several ways to say lengths
        return isinstance(new, int | list) or new in (*named, "all") or set(new) == {"per_decade", "from"}
    if key == "machine" or old == "all":
        return isinstance(new, list) or new in (None, "all", *configuration.machine_names())
    if isinstance(old, str):
        return isinstance(new, str) and new.isprintable() and len(new) <= 1000
    return (type(new) is int or (type(new) is float and key in MEASURES)) and abs(new) < 2**32


def try_to_load(file, done):
    """Loads a mutated file: refused in one line, or of the shape of the shipped one and soon used."""
    began = time.process_time()
    try:
        read = configuration.load(file)
        assert strange(read, SHIPPED) is None, done
        for protocol in read["protocols"].values():
            specs = [spec for key, spec in protocol["lengths"].items() if key in read["experiments"]]
            assert sum(len(configuration.lengths(spec, LLC)) for spec in specs) < 10_000, done
        algorithms.check_passes(read, kernels_of(COMPILERS[0], "scalar"))
    except HarnessError as error:
        assert str(error).isprintable(), done
        assert len(str(error)) < 1000, done
        read = None
    assert time.process_time() - began < 5, done
    return read


def test_a_mutated_configuration_is_refused_in_one_line_or_says_what_it_means(tmp_path):
    file, accepted = tmp_path / "config.yaml", 0
    for seed in range(300):
        done, content = mutated(SHIPPED, random.Random(seed))
        file.write_text(json.dumps(content))
        read = try_to_load(file, done)
        assert read in (None, content), done
        accepted += read is not None
    assert 20 < accepted < 150


def test_a_mutated_file_is_refused_in_one_line_or_has_the_shape_of_a_configuration(tmp_path):
    file, accepted = tmp_path / "config.yaml", 0
    for seed in range(300):
        done, content = mutated_bytes(configuration.CONFIG_FILE.read_bytes(), random.Random(seed))
        file.write_bytes(content)
        accepted += try_to_load(file, done) is not None
    assert accepted < 150
