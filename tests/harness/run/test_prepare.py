"""What a run says of itself before it has begun."""

import pytest

from harness.native import build
from harness.record import configuration
from harness.run import prepare
from tests.conftest import BUILT, COMPILERS, the_host


@pytest.mark.skipif(not {"gcc", "clang"} <= set(COMPILERS), reason="needs two compilers")
@pytest.mark.parametrize("names", [("gcc", "clang"), ("clang", "gcc")])
def test_the_first_compiler_is_the_primary_one_whatever_its_name(monkeypatch, names):
    config = configuration.load(overrides={"compilers": list(names), "isas": ["scalar"], "protocol": "quick"})
    monkeypatch.setattr(prepare, "first_host", lambda *_: the_host())
    record, _, _ = prepare.prepare(config, BUILT)
    assert record.primary == names[0]
    lengths = {item.compiler: len(item.elements) for item in record.experiments["algorithms"]}
    assert lengths[names[0]] > lengths[names[1]]
    assert {item.compiler for item in record.experiments["controls"]} == {names[0]}
    compilers, _ = build.find_compilers(config)
    assert record.kernels_hash == build.kernels_hash(config, compilers)
