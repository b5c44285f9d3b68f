"""The recipes of config/README.md: each done word for word in a copy of the project, then measured and drawn."""

import csv
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.machine import identity
from harness.record.documents import read_checked
from harness.record.files import ROOT
from harness.record.store import read_record

SCRIPTS = Path(sys.executable).parent
STEP = re.compile(
    r"^(?:In|New file) `([^`]+)`(?:, (below|instead of) `([^`]+)`|, at the end)?:?\n\n```\w+\n(.*?)^```$", re.M | re.S
)
# Those that recipes speak of, and one more: tests of the figures look at all of them.
FIGURES = ("algorithms", "peers", "speedup")
# Quickly compiled, and tuned: the recipes are about files, not about speed.
FEW_VARIANTS = (
    "flags: [-O1, '-DREDUCTION(X, ...)=X(2, 1, __VA_ARGS__)', '-DMAP(X, ...)=X(1, 1, __VA_ARGS__)', "
    "-std=gnu11, -fvisibility=hidden, -ffp-contract=off]"
)
QUICK = {
    r"^flags: .*$": FEW_VARIANTS,
    r"^  tuner: .*$": "  tuner: {processes: 1, rounds: 1, finalists: 1}",
    r"^    conditions: .*$": "    conditions: []",
}


def recipes():
    """The steps of each recipe: the file, how and by which text in it a place is named (empty: its end), what is
    written there."""
    sections = (ROOT / "config" / "README.md").read_text(encoding="utf-8").split("\n## ")[1:]
    return {section.split("\n")[0]: STEP.findall(section) for section in sections}


def do(project, steps):
    for name, how, place, text in steps:
        file = project / name
        content = file.read_text(encoding="utf-8") if file.exists() else ""
        if how == "below":
            found = [line for line in content.splitlines(keepends=True) if line.strip().startswith(place)]
            assert len(found) == 1, f"{name} has {len(found)} lines that begin with {place}"
            place, text = found[0], found[0] + text
        assert place in content, f"{name} does not have {place}"
        content = content.replace(place, text.rstrip("\n") if how == "instead of" else text) if how else content + text
        file.write_text(content, encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    """A copy of the project that can draw a few of the figures and has a page of one word, with nothing built, measured
    or drawn."""
    for part in ("config", "kernels", "harness", "analysis", "profiles", "results/model"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", tmp_path)
    for file in (tmp_path / "analysis" / "figures").rglob("[a-z]*.py"):
        if file.stem not in FIGURES:
            file.unlink()
    (tmp_path / "analysis" / "page" / "report.py").write_text("def render(*_): return 'page'", encoding="utf-8")
    return tmp_path


def snakemake(project, *arguments):
    environment = {**os.environ, "TWO_PASS_SOFTMAX_LOCK": str(project / "lock")}
    command = [SCRIPTS / "snakemake", *arguments]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return result.stdout


def rows(file):
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def test_what_the_recipes_add_is_measured_judged_and_drawn(project):
    for steps in recipes().values():
        do(project, steps)
    assert "sapphire-rapids" in read_checked(project / "config" / "cluster.yaml", "cluster")["jobs"]
    file = project / "config" / "config.yaml"
    for shipped, quick in QUICK.items():
        text, found = re.subn(shipped, lambda _, quick=quick: quick, file.read_text(), count=1, flags=re.M)
        assert found == 1
        file.write_text(text)
    settings = ("protocol=glance", "isas=[fma3]", "compilers=[gcc]", "peers=[plainnumpy]")
    snakemake(project, "reproduce-all", "--config", *settings)
    (samples,) = project.glob("results/runs/*/glance-*/samples.csv")
    measured = rows(samples)
    assert {"three-pass-past-caches", "plainnumpy"} <= {row["algorithm"] for row in measured}
    assert "scale_nt" in {row["pass"] for row in measured}
    assert {row["isa"] for row in measured} == {"fma3"}
    tables = project / "results" / "tables" / samples.parts[-3]
    assert "three-pass-past-caches" in {row["algorithm"] for row in rows(tables / "reloading.csv")}
    assert (project / "results" / "figures" / samples.parts[-3] / "reloading.svg").exists()
    assert "NumPy, plainly" in (tables / "peers.csv").read_text()
    assert "| traffic-past-caches |" in (project / "results" / "claims.md").read_text()


def test_the_file_that_a_run_offers_makes_a_machine_known(project, make_run):
    run = make_run(project / "results" / "recorded", machine="mine", isas=("avx2",), parts=("algorithms",))
    machine = read_record(run).machine
    (project / "config" / "machines" / "mine.yaml").write_text(identity.offer(machine), encoding="utf-8")
    plan = snakemake(project, "reproduce-mine", "--dry-run", "--config", "machine=zen2")  # this is another machine
    assert "output: results/figures/mine, " in plan and not re.search(r"^measure +[0-9]+$", plan, re.MULTILINE)


def test_every_recipe_says_what_to_write_in_a_file_that_is_there_or_a_new_one():
    for name, steps in recipes().items():
        assert steps or name == "A machine", name
        assert [file for file, how, *_ in steps if how and not (ROOT / file).exists()] == []
