"""What the Snakefile has done before anything else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import peers
from harness.record import configuration
from harness.record.files import ROOT
from harness.record.machines import machine_names
from harness.workflow import targets

PREPARE = """
import getpass, os, pwd
pwd.getpwuid = {}.__getitem__
from harness.workflow.targets import prepare
prepare()
print(getpass.getuser(), os.environ["PATH"], *(n for n in os.environ if n.startswith(("PYTHON", "SNAKEMAKE"))))
"""


def test_rules_get_this_interpreter_no_settings_of_others_and_a_user_of_a_bare_number(tmp_path):
    environment = {"PATH": "/usr/bin", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "SNAKEMAKE_PROFILE": "a"}
    done = subprocess.run(
        [sys.executable, "-c", PREPARE], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert done.stdout.split() == [str(os.getuid()), f"{Path(sys.executable).parent}:/usr/bin"], done.stderr


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ({"protocol": "fast"}, f"protocol: 'fast' is not one of {', '.join(configuration.load()['protocols'])}"),
        ({"isas": ["sse2"]}, "isas.0: 'sse2' is not one of scalar, avx2, avx512f"),
        ({"machine": "zen9"}, f"machine: 'zen9' is not one of {', '.join(machine_names())}"),
        ({"again": "yes"}, "--config again: 'yes' is no number of runs; again=1 measures once more"),
        ({"again": True}, "--config again: True is no number of runs"),
        ({"again": 0}, "--config again: 0 is no number of runs"),
        ({"rotation": 9}, "--config rotation: only protocol, isas, compilers, machine, tuning, peers can be set there"),
    ],
)
def test_a_bad_override_ends_snakemake_with_one_line(capsys, override, words):
    with pytest.raises(SystemExit) as ended:
        targets.configure(override)
    errors = capsys.readouterr().err
    assert ended.value.code == 2 and errors.count("\n") == 1 and words in errors


def test_a_peer_of_no_file_ends_snakemake_with_one_line(capsys):
    config = {"peers": ["jax"]}
    with pytest.raises(SystemExit):
        targets.configure(config)
        targets.extensions(config, ROOT / "results" / "build")
    assert f"peers: 'jax' is not one of {', '.join(peers.names())}" in capsys.readouterr().err


def test_an_extension_of_a_compiler_that_nobody_knows_ends_snakemake_with_one_line(capsys):
    with pytest.raises(SystemExit) as ended:
        targets.provenance(configuration.load(), "icc", "avx2")
    errors = capsys.readouterr().err
    assert ended.value.code == 2 and errors == "snakemake: compiler: 'icc' is not one of gcc, clang, zig\n"


def test_what_the_command_line_changes_is_told_as_options():
    assert targets.configure({"protocol": "smoke", "isas": ["avx2", "scalar"]}) == "--protocol smoke --isas avx2 scalar"
    assert targets.configure({"again": 3}) == "--again 3"
