"""The Makefile, really run, with a Python, pip and Snakemake that only note how they are called."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from harness.record.files import ROOT

# What it is asked about itself it answers, and passes the rest on: {made} is what its environments hold.
PYTHON = """#!/bin/sh
case "$*" in
  *_base_executable*) echo "3.11 $0";;
  "-m venv"*) for word; do :; done; mkdir -p "$word/bin"; {made}; echo made >> environments;;
  "-m harness.reading.room") exec {python} -m harness.reading.room;;
esac
"""
NOTE = """#!/bin/sh
echo "$0 $*" >> calls
env > "environment of $(basename "$0")"
"""
SITE = {
    "PYTHONPATH": "/broken",
    "PYTHONHOME": "/broken",
    "PYTHONSAFEPATH": "1",
    "PYTHONIOENCODING": "ascii",
    "SNAKEMAKE_PROFILE": "slurm",
    "PIP_USER": "1",
    "PIP_TARGET": "/elsewhere",
    "PIP_PREFIX": "/elsewhere",
    "PIP_DRY_RUN": "1",
    "PIP_INDEX_URL": "https://mirror.example/simple",
}


def program(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose path has a comma, a space and a letter that is not ASCII, and an interpreter beside it."""
    folder = tmp_path / "here, or thére"
    for package in ("harness", "analysis"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "config").mkdir()
    for file in ("Makefile", "config/requirements.lock", "config/peers.lock"):
        shutil.copy(ROOT / file, folder / file)
    note = program(tmp_path / "note", NOTE)
    made = f'cp "{note}" "$word/bin/python"; cp "{note}" "$word/bin/snakemake"'
    for name in ("python", "python-other"):
        program(tmp_path / name, PYTHON.format(made=made, python=sys.executable))
    program(tmp_path / "python-empty", PYTHON.format(made="true", python=sys.executable))
    return folder


def make(checkout, *arguments, python="python", **environment):
    result = subprocess.run(
        ["make", *arguments, f"PYTHON={checkout.parent / python}"],
        cwd=checkout,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **environment},
    )
    return result


def test_an_environment_is_made_once(checkout):
    assert "Setting up .venv (a minute or two)." in make(checkout, "setup").stdout
    again = make(checkout, "setup")
    assert (again.returncode, again.stderr) == (0, "")
    assert "Setting up" not in again.stdout
    assert (checkout / "environments").read_text() == "made\n"


def test_an_environment_is_made_anew_in_another_place_by_another_interpreter_and_for_another_lock(checkout):
    make(checkout, "setup")
    moved = checkout.rename(checkout.with_name("elsewhere"))
    told = make(moved, "setup").stdout
    assert f"anew: it was made for {checkout} by Python 3.11 {checkout.parent / 'python'} but this is {moved}" in told
    assert "anew: it was made for" in make(moved, "setup", python="python-other").stdout
    os.utime(moved / "config" / "requirements.lock", (4e9, 4e9))
    assert "anew: a lock changed" in make(moved, "setup", python="python-other").stdout


def test_an_environment_without_what_was_installed_is_not_ready(checkout):
    result = make(checkout, "figures", python="python-empty")
    assert result.returncode != 0
    assert not (checkout / ".venv" / "ready").exists()


def test_an_environment_whose_snakemake_fails_is_not_ready_and_says_where_to_look(checkout):
    broken = 'printf \'#!/bin/sh\\necho broken >&2; exit 1\' > "$word/bin/snakemake"; chmod +x "$word/bin/snakemake"'
    made = f'cp "{checkout.parent / "note"}" "$word/bin/python"; {broken}'
    program(checkout.parent / "python", PYTHON.format(made=made, python=sys.executable))
    result = make(checkout, "setup")
    assert result.returncode != 0
    assert "broken\n.venv does not hold what was installed: look for target, prefix or root" in result.stderr
    assert not (checkout / ".venv" / "ready").exists()


def test_settings_of_other_pythons_and_a_sites_profile_stay_outside(checkout):
    result = make(checkout, "figures", HOME="/nonexistent", **SITE)
    assert result.returncode == 0, result.stderr
    for name in ("python", "snakemake"):
        lines = (checkout / f"environment of {name}").read_text().splitlines()
        assert {line.split("=")[0] for line in lines} & set(SITE) == {"PIP_INDEX_URL"}
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR"):
        assert f"{name}={checkout}/.snakemake/home" in lines


def test_pip_installs_into_the_environment_whatever_its_configuration_says(checkout):
    make(checkout, "setup")
    assert "-m pip install --quiet --disable-pip-version-check --no-user" in (checkout / "calls").read_text()


def test_make_starts_one_snakemake_of_the_environment_that_is_to_measure(checkout):
    make(checkout, "reproduce-all", "PROTOCOL=smoke")
    make(checkout, "peers", "PROTOCOL=smoke")
    make(checkout, "peers", "PEERS=[numpy]")
    make(checkout, "again")
    make(checkout, "again", "RUNS=3", "PROTOCOL=paper")
    calls = [line for line in (checkout / "calls").read_text().splitlines() if "snakemake reproduce-all" in line]
    assert [re.sub(r"^.*/(\.venv[^/]*/bin/snakemake reproduce-all) .* --config", r"\1", call) for call in calls] == [
        ".venv/bin/snakemake reproduce-all protocol=smoke",
        ".venv-peers/bin/snakemake reproduce-all peers=all protocol=smoke",
        ".venv-peers/bin/snakemake reproduce-all peers=[numpy]",
        ".venv/bin/snakemake reproduce-all again=1",
        ".venv/bin/snakemake reproduce-all protocol=paper again=3",
    ]


def test_a_python_that_is_missing_is_one_clear_line(checkout):
    result = make(checkout, "setup", python="none")
    assert result.returncode != 0
    assert "Python 3.11 or later is needed" in result.stderr


def test_no_room_is_one_line_before_anything_is_set_up(checkout):
    (checkout / "results").symlink_to("/proc")
    result = make(checkout, "reproduce-all")
    assert result.returncode != 0
    assert "harness: /proc: " in result.stderr and "MB must fit there" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (checkout / ".venv").exists()
