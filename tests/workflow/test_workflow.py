"""The workflow, really run, in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import psutil
import pytest
import yaml

from harness.exchange import bundle
from harness.machine import detection, identity
from harness.machine.lock import exclusive
from harness.native import build
from harness.record import configuration
from harness.record.files import ROOT
from harness.workflow.targets import MEASURING
from tests.conftest import COMPILERS, LOCALES, assert_gone, the_host, with_few_variants

PARTS = ("config", "kernels", "harness", "analysis", "profiles")
SCRIPTS = Path(sys.executable).parent
# Without activation: whatever rules start is found by the interpreter that runs Snakemake.
OUTSIDE = os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep) if Path(folder) != SCRIPTS)


# Figures of three experiments, and claims; each takes one or two seconds, and tests of figures and claims look at all.
FEW = ("pass_breakdown", "peers", "speedup")
FEW_CLAIMS = ("memory-bound-avx2", "no-overflow", "traffic-two-pass")


def copied(folder):
    """A copy of the project, below a folder that is there, with nothing built, measured or drawn: it can draw a few of
    the figures and judge a few of the claims, and has a page of one word; their own tests look at them. Its path has a
    comma, a space and a letter that is not ASCII."""
    project = folder / "here, or thére"
    for part in (*PARTS, "results/model"):
        shutil.copytree(ROOT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", project)
    (project / "analysis" / "page" / "report.py").write_text("def render(*_): return 'page'", encoding="utf-8")
    for file in (project / "analysis" / "figures").rglob("[a-z]*.py"):
        if file.stem not in FEW:
            file.unlink()
    file = project / "config" / "claims.yaml"
    claims = [claim for claim in yaml.safe_load(file.read_text(encoding="utf-8")) if claim["id"] in FEW_CLAIMS]
    file.write_text(yaml.safe_dump(claims), encoding="utf-8")
    return project


@pytest.fixture
def project(tmp_path):
    """Such a copy of its own for a test."""
    return copied(tmp_path)


def drawable(project):
    """The figures that the project can draw."""
    return {file.stem.replace("_", "-") for file in (project / "analysis" / "figures").rglob("[a-z]*.py")}


def configured(project, change):
    """Has the project's configuration changed by `change`, which gets it and returns it, and its kernels in a few
    variants: they are built, looked at and tuned in a tenth of the time."""
    file = project / "config" / "config.yaml"
    file.write_text(yaml.safe_dump(change(with_few_variants(configuration.load(file)))))


def with_algorithms_only(settings):
    """The configuration with a smoke that measures whole algorithms and nothing else, slowly enough to be killed."""
    smoke = settings["protocols"]["smoke"]
    smoke["lengths"] = {key: smoke["lengths"][key] for key in ("algorithms", "secondary", "scalar")}
    smoke["sample_milliseconds"] = 20
    del smoke["accuracy"]
    return settings


def surroundings(project, **more):
    """The environment of a command in the project."""
    return {**os.environ, "PATH": OUTSIDE, "TWO_PASS_SOFTMAX_LOCK": str(project / "lock"), **more}


def snakemake(project, *arguments, **environment):
    command = [str(SCRIPTS / "snakemake"), *arguments]
    environment = surroundings(project, **environment)
    return subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment)


def without_compilers(project):
    """A PATH that has what make, a shell and Snakemake's plugin for Slurm need, and no compiler."""
    tools = project / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "cat", "env", "mkdir", "rm", "setpriv", "which"):
        (tools / name).symlink_to(shutil.which(name))
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    return str(tools)


def with_slurm(project, refuses):
    """A PATH with programs of Slurm, whose sbatch `refuses` every job; the file where that notes, one line a time, what
    it was asked for."""
    tools, asked = project / "tools", project / "asked"
    tools.mkdir()
    programs = {"sacctmgr": "echo m1234", "sbatch": f"echo \"$@\" >> '{asked}'; echo {refuses} >&2; exit 1"}
    for name in ("sacct", "sacctmgr", "sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun", "sshare"):
        (tools / name).write_text(f"#!/bin/sh\n{programs.get(name, '')}\n")
        (tools / name).chmod(0o755)
    return f"{tools}{os.pathsep}{OUTSIDE}", asked


@pytest.mark.skipif("gcc" not in COMPILERS, reason="gcc is not installed")
def test_what_an_entry_of_a_cluster_says_is_what_slurm_is_asked_for(project):
    path, asked = with_slurm(project, refuses="Invalid account")
    for target in ("host", "avx2"):
        built = build.extension_path(project / "results" / "build", "gcc", target)
        built.parent.mkdir(parents=True, exist_ok=True)
        built.touch()
    entry = {"partition": "bench", "constraint": "zen2", "nodes": "one", "processors": 24, "memory_gigabytes": 16}
    entry |= {
        "hours": 2,
        "protocol": "smoke",
        "account": "m1234",
        "qos": "regular",
        "flags": ["--cpu-freq=performance"],
    }
    content = {"wait_hours": 24, "jobs": {"zen2": entry}}
    (project / "config" / "cluster.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    options = ["--profile", "profiles/slurm", "--config", "compilers=[gcc]", "isas=[avx2]"]
    options += ["--slurm-init-seconds-before-status-checks", "1"]  # which it sleeps before it ends, 40 otherwise
    result = snakemake(project, "reproduce-cluster", *options, PATH=path)
    assert result.returncode == 1 and "Invalid account" in result.stderr, result.stderr
    assert "cluster: 0 of 1 came back" in result.stderr
    first, *others = asked.read_text(encoding="utf-8").splitlines()
    assert len(others) == 3, "so often it is tried again"
    words = ("-A m1234", "-p bench", "-t 120", "-C zen2", "--qos=regular", "--mem 16000", "--cpus-per-task=24")
    words += ("--requeue", "--exclusive", "--deadline=now+93600", "--cpu-freq=performance")
    assert [word for word in words if f" {word} " not in first] == []


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, make_module_run):
    """A project with a run that lacks one experiment, what `make figures` said when it had drawn it, at a site that
    has no compiler, no home, and other Pythons and profiles; and the machine's name."""
    project = copied(tmp_path_factory.mktemp("drawn"))
    run = make_module_run(project / "results" / "recorded", isas=("avx2",), parts=("algorithms", "breakdown"))
    # The environment that these tests run in is the project's own, by links.
    environment, site = project / ".venv", project / "site"
    environment.mkdir()
    for part in ("bin", "lib", "pyvenv.cfg"):
        (environment / part).symlink_to(Path(sys.prefix) / part)
    shutil.copy(ROOT / "Makefile", project)
    made_for = ["make", "--silent", "--eval", 'asked: ; @echo "$$MADE_FOR" > .venv/ready', "asked"]
    subprocess.run(made_for, cwd=project, check=True, env=surroundings(project))
    os.utime(environment / "ready", (4e9, 4e9))
    site.mkdir()
    for name in ("numpy", "yaml", "cffi", "snakemake"):
        (site / f"{name}.py").write_text("raise RuntimeError('a module of the site')")
    (site / "config.yaml").write_text("executor: slurm\ndry-run: true\n")
    strange = {"HOME": "/proc/none", "PYTHONPATH": str(site), "PYTHONHOME": "/nonexistent", "PYTHONSAFEPATH": "1"}
    strange |= {"SNAKEMAKE_PROFILE": str(site), "PATH": without_compilers(project), **LOCALES["C locale"]}
    command, told = [shutil.which("make"), "figures"], {"capture_output": True, "text": True}
    result = subprocess.run(command, cwd=project, env=surroundings(project, **strange), **told)
    return project, result, run.parent.name


def test_make_works_where_a_site_has_other_pythons_profiles_and_no_home(drawn):
    _, result, _ = drawn
    assert result.returncode == 0, result.stderr
    assert "Setting up" not in result.stdout


def test_figures_are_drawn_from_recorded_rows_without_a_compiler(drawn):
    project, _, machine = drawn
    assert not (project / "results" / "build").exists() and not (project / "results" / "runs").exists()
    # A run without an experiment is drawn without its figures.
    names = {path.stem for path in (project / "results" / "figures" / machine).glob("*.svg")}
    assert names == drawable(project) - {"peers"}
    for name in names:
        for folder, ending in (("figures", "svg"), ("figures", "png"), ("tables", "csv")):
            assert (project / "results" / folder / machine / f"{name}.{ending}").stat().st_size > 100
    again = snakemake(project, "figures", "--dry-run", PATH=str(project / "tools"))
    assert "Nothing to be done" in again.stdout + again.stderr


def test_snakemakes_own_report_has_figures_and_tables_with_captions(drawn):
    project, _, machine = drawn
    result = snakemake(project, "figures", "--report", "report.zip")
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(project / "report.zip") as report:
        names = [Path(name).name for name in report.namelist()]
        text = "".join(report.read(name).decode() for name in report.namelist() if name.endswith((".html", ".js")))
    assert {"speedup.svg", "speedup.csv", "machines.svg", "claims.csv", "report.html"} <= set(names)
    assert f"A figure of {machine}" in text and "All machines" in text


@pytest.fixture
def recorded(project, make_run):
    """A recorded run in the project: its folder."""
    return make_run(project / "results" / "recorded", isas=("avx2",), parts=("algorithms",))


def test_newer_code_never_schedules_a_build_or_a_measurement(project, recorded):
    for file in (*(project / "kernels").iterdir(), *(project / "harness").glob("*.py"), project / "config/config.yaml"):
        os.utime(file, (4e9, 4e9))
    plan = snakemake(project, "figures", "--dry-run")
    assert plan.returncode == 0, plan.stderr
    assert not re.search(r"^(measure|extension) +[0-9]+$", plan.stdout + plan.stderr, re.MULTILINE)
    assert re.search(r"^drawings +1$", plan.stdout + plan.stderr, re.MULTILINE)


def planned(project, *arguments):
    """The jobs that Snakemake would do, in its words; how figures are drawn is seen elsewhere."""
    result = snakemake(project, *arguments, "--dry-run", PATH=without_compilers(project))
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def test_the_target_of_another_machine_draws_its_recorded_run(project, make_run):
    for name in ("zen2", "broadwell"):
        make_run(project / "results" / "recorded", machine=name, isas=("avx2",), parts=("algorithms",))
    plan = planned(project, "reproduce-zen2")
    assert re.search(r"^drawings +1$", plan, re.MULTILINE) and "output: results/figures/zen2, " in plan
    assert not re.search(r"^(measure|extension) +[0-9]+$", plan, re.MULTILINE)


def test_the_target_of_a_machine_without_a_run_predicts_and_says_how_to_bring_one(project):
    for name in ("broadwell", "zen2"):  # the model's own tests look at all
        (project / "config" / "machines" / f"{name}.yaml").unlink()
    result = snakemake(project, "reproduce-skylake-x", PATH=without_compilers(project))
    assert result.returncode == 0, result.stderr
    assert "there is no run of skylake-x (Xeon W-2135, recalled), and this is another machine" in result.stderr
    assert "python -m harness pack RUN" in result.stderr and "python -m harness adopt BUNDLE" in result.stderr
    assert {path.name for path in (project / "results" / "predicted" / "skylake-x").glob("*.svg")} == {"model.svg"}
    assert not (project / "results" / "figures").exists()


def test_a_bundle_made_in_one_clone_is_adopted_and_drawn_in_another(project, make_run, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    run = make_run(elsewhere / "results" / "runs", isas=("avx2",), parts=("algorithms",))
    packed = bundle.pack(run, elsewhere / "run.tar.gz")
    # By the clone's own code, in a process of its own.
    command = [sys.executable, "-m", "harness", "adopt", str(packed)]
    adopted = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert adopted.returncode == 0, adopted.stderr
    assert f"output: results/figures/{run.parent.name}, " in planned(project, f"reproduce-{run.parent.name}")


def test_a_machine_whose_run_cannot_be_drawn_keeps_no_other_from_being_drawn(project, make_run):
    few = {"isas": ("avx2",), "parts": ("algorithms",)}
    sound, lost, changed = (
        make_run(project / "results" / "recorded", machine=name, **few) for name in ("zen2", "broadwell", "skylake-x")
    )
    samples = lost / "samples.csv"
    samples.write_text("".join(samples.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")
    # As many rows as before: only to look at each of them tells.
    samples = changed / "samples.csv"
    samples.write_text(samples.read_text(encoding="utf-8").replace(",two-pass,", ",twq-pass,"), encoding="utf-8")
    result = snakemake(project, "figures", "--quiet", "rules", "progress", "reason", "host")
    assert f"analysis: skipped: {(lost / 'samples.csv').relative_to(project)}: " in result.stderr
    assert "'twq-pass' is not in run.json" in result.stderr
    figures_of = project / "results" / "figures"
    assert (figures_of / sound.parent.name / "speedup.svg").exists()
    assert (figures_of / "machines.svg").exists()
    assert all((project / "results" / name).exists() for name in ("claims.md", "report.html", "artifact.md"))
    assert not (figures_of / lost.parent.name).exists()


def test_without_a_run_figures_say_how_to_get_one(project):
    result = snakemake(project, "figures")
    assert result.returncode != 0
    assert "there is no complete run below results/: measure this machine" in result.stderr


def test_a_machine_without_a_run_is_one_clear_line(project, recorded):
    result = snakemake(project, "results/figures/zen9")
    assert result.returncode != 0
    assert result.stderr.strip().splitlines()[-1] == "snakemake: there is no complete run of zen9 below results/"
    assert "Traceback" not in result.stderr


def test_a_second_snakemake_that_would_measure_takes_nothing_from_the_first(project):
    note = project / "results" / "runs" / "measured"
    note.parent.mkdir()
    note.write_text("of the first")
    (project / ".snakemake").mkdir()
    with exclusive(project / MEASURING):
        result = snakemake(project, "reproduce-all")
    assert result.returncode == 2
    assert f"another measurement runs on this machine: process {os.getpid()}" in result.stderr.splitlines()[-1]
    assert note.read_text() == "of the first"


def test_no_room_is_one_clear_line(project):
    shutil.rmtree(project / "results")
    (project / "results").symlink_to("/proc")
    result = snakemake(project, "figures")
    assert result.returncode == 2
    assert re.fullmatch(r"snakemake: /proc: .*; 32 MB must fit there: make room.*", result.stderr.splitlines()[-1])
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("isas=[sse2]", "isas.0: 'sse2' is not one of scalar, avx2, avx512f"),
        ("protocol", "snakemake: --config protocol: is not NAME=VALUE"),
    ],
)
def test_a_bad_override_is_one_clear_line(project, override, words):
    result = snakemake(project, "reproduce-all", "--config", override)
    assert result.returncode != 0
    assert words in result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_a_fault_of_the_file_is_one_clear_line(project):
    file = project / "config" / "config.yaml"
    file.write_bytes(file.read_bytes().replace(b"rotation: 4", b"rotatoin: 4"))
    result = snakemake(project, "reproduce-all")
    assert result.returncode != 0
    assert "unknown key 'rotatoin'; allowed: protocol, isas" in result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.stderr


def test_no_compiler_is_one_clear_line(project):
    result = snakemake(project, "build", PATH=without_compilers(project))
    assert result.returncode != 0
    assert (
        "no C compiler: gcc is not installed (Debian and Ubuntu: apt install gcc); clang is not"
        in result.stderr.strip().splitlines()[-1]
    )


def test_snakemake_killed_while_measuring_leaves_no_process_and_the_same_command_goes_on_and_draws(project, few_built):
    here = identity.identify(detection.facts(the_host().processor()))
    target = f"reproduce-{here.name}" if here.known else "reproduce-all"
    configured(project, with_algorithms_only)
    shutil.copytree(few_built, project / "results" / "build")
    arguments = [target, "--config", "protocol=smoke", "isas=[scalar]", f"compilers=[{COMPILERS[0]}]"]
    environment = surroundings(project)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([SCRIPTS / "snakemake", *arguments], cwd=project, env=environment, **quiet) as killed:
        while not list(project.glob("results/runs/*/*/process-0.journal")):
            assert killed.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
        started = psutil.Process(killed.pid).children(recursive=True)
        killed.kill()
    assert len(started) >= 2, "the harness and its worker"
    assert_gone(started)
    result = snakemake(project, *arguments, **LOCALES["C locale"])
    assert result.returncode == 0, result.stderr
    assert "rule extension" not in result.stderr
    assert "going on with" in result.stdout
    assert "smoke: every part ran; no claim" in result.stdout
    (run,) = project.glob("results/runs/*/smoke-*")
    assert (run / "samples.csv").exists() and run.parent.name == here.name
    assert (project / "results" / "figures" / here.name / "speedup.svg").exists()


def is_drawing(process, project):
    """Whether a process draws the project's runs."""
    try:
        return "analysis" in process.cmdline() and process.cwd() == str(project)
    except psutil.Error:
        return False


def test_snakemake_killed_while_drawing_leaves_no_process(project, make_run):
    make_run(project / "results" / "recorded", machine="zen2", isas=("avx2",), parts=("algorithms",))
    environment = surroundings(project)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([SCRIPTS / "snakemake", "figures"], cwd=project, env=environment, **quiet) as killed:
        while not (started := [its for its in psutil.process_iter() if is_drawing(its, project)]):
            assert killed.poll() is None, "all was drawn before it could be killed"
            time.sleep(0.01)
        killed.kill()
    assert_gone(started)
    assert not list(project.glob("results/**/*.svg")), "they ended, and had not done what they were started for"


def test_the_workflow_is_formatted_and_linted():
    files = ["Snakefile", *map(str, ROOT.glob("*/workflow/*.smk"))]
    check = subprocess.run([SCRIPTS / "snakefmt", "--check", *files], cwd=ROOT, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
    lint = subprocess.run([SCRIPTS / "snakemake", "--lint"], cwd=ROOT, capture_output=True, text=True)
    complaints = [line for line in (lint.stdout + lint.stderr).splitlines() if line.strip().startswith("*")]
    # A container or conda environment for each rule is not wanted: the lock pins everything.
    assert complaints
    assert [line for line in complaints if "conda environment" not in line] == []
