"""What the READMEs tell a stranger to type: the command is there, and takes what stands behind it."""

import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from harness.reading.command_line import main
from harness.record.files import ROOT

READMES = ("README.md", "config/README.md", "harness/README.md", "analysis/README.md", "kernels/README.md")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
INLINE = re.compile(r"`([^`]+)`")


def commands(start):
    """The words behind `start` of each command that begins so, in blocks for a shell and in the text."""
    told = []
    for name in READMES:
        text = (ROOT / name).read_text(encoding="utf-8")
        told += [line for block in BLOCK.findall(text) for line in block.splitlines()]
        told += [" ".join(words.split()) for words in INLINE.findall(BLOCK.sub("", text))]
    found = dict.fromkeys(tuple(shlex.split(one, comments=True)) for one in told if f"{one} ".startswith(f"{start} "))
    return [words[len(start.split()) :] for words in found]


def test_every_target_of_make_and_what_it_is_given_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split()
    told = [word for words in commands("make") for word in words]
    assert {"reproduce-all", "test", "PROTOCOL=smoke"} <= set(told)
    assert [word for word in told if "=" not in word and word not in targets] == []
    assert [word for word in told if "=" in word and f"\n{word.split('=')[0]} ?=" not in makefile] == []


def test_every_target_of_snakemake_is_there():
    snakemake = Path(sys.executable).with_name("snakemake")
    listed = subprocess.run([snakemake, "--list"], cwd=ROOT, capture_output=True, text=True)
    assert listed.returncode == 0, listed.stderr
    told = [words[0] for words in commands("snakemake") if words and "NAME" not in words[0]]
    assert {"figures", "reproduce-skylake-x"} <= set(told)
    assert [word for word in told if word not in listed.stdout.split()] == []


@pytest.mark.parametrize("package", ["harness", "analysis", "analysis.model"])
def test_every_command_takes_the_options_that_stand_there(package, monkeypatch):
    told = [words for words in commands(f"python -m {package}") if words]
    assert told
    for command, *options in told:
        module = import_module(f"{package}.commands.{command.replace('-', '_')}")
        monkeypatch.setattr(module, "run", lambda options: None)
        assert main(package, [command, *options]) == 0
