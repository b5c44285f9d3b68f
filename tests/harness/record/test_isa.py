"""The table of ISAs, against what else has a list of them."""

import json
import re

import pytest

from harness.native import build
from harness.record import configuration
from harness.record.files import ROOT
from harness.record.isa import ISAS
from harness.record.schema import SCHEMAS, schema


def test_every_isa_has_a_vocabulary_of_its_lanes_and_flags():
    told = {file.stem: file.read_text(encoding="utf-8") for file in (build.KERNELS / "isa").iterdir()}
    lanes = {isa: int(re.search(r"enum \{ LANES = (\d+) \}", text)[1]) for isa, text in told.items()}
    assert lanes == {name: isa.lanes for name, isa in ISAS.items()}
    assert list(configuration.load()["isa_flags"]) == list(reversed(ISAS))


def test_the_longest_vectors_come_first():
    lanes = [isa.lanes for isa in ISAS.values()]
    assert lanes == sorted(lanes, reverse=True)


@pytest.mark.parametrize(("name", "beside"), [("isa", []), ("isa_or_every", [None]), ("isa_or_none", [""])])
def test_the_schemas_definition_has_the_isas_of_the_table(name, beside):
    allowed = schema("isa")["$defs"][name]["enum"]
    assert sorted(allowed, key=str) == sorted([*ISAS, *beside], key=str)
    assert set(schema("isa")["$defs"]["each_isa"]["required"]) == set(ISAS)


def test_no_other_schema_lists_them():
    others = [file for file in SCHEMAS.iterdir() if file.name != "isa.schema.json"]
    assert not [file.name for file in others if '"avx2"' in file.read_text(encoding="utf-8")]
    assert all(json.loads(file.read_text(encoding="utf-8")) for file in others)


def test_no_c_outside_of_the_architectures_folders_names_an_instruction():
    files = [file for file in (ROOT / "kernels").rglob("*.[ch]") if file.parent.name not in ("isa", "x86_64")]
    names = re.compile(r"\b_mm\d*_|\w*intrin\.h|\b_MM_")
    assert not [file.name for file in files if names.search(file.read_text(encoding="utf-8"))]
