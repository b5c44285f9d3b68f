"""What all tests share: the built extensions of this machine."""

import fcntl
import functools
import io
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

import numpy as np
import psutil
import pytest

from harness.native import build, extensions
from harness.record import configuration
from harness.record.files import ROOT
from harness.statistics.selection import THREE_PASS, TWO_PASS

pytest_plugins = ["tests.synthetic", "tests.valgrind"]

BUILT = ROOT / "results" / "build"
SETTINGS = configuration.load()

# Surroundings in which ± can't be printed.
LOCALES = {
    "ascii output": {"PYTHONIOENCODING": "ascii"},
    "C locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


def is_built(compiler: str) -> bool:
    """Whether a compiler's extensions are there, and of the kernels that are there."""
    path = build.extension_path(BUILT, compiler, "scalar")
    return path.exists() and extensions.is_current(SETTINGS, BUILT, compiler, "scalar")


COMPILERS = tuple(filter(is_built, SETTINGS["compiler_commands"]))


@functools.cache
def the_host() -> extensions.Host:
    if not COMPILERS:
        pytest.exit("no kernels are built, or others: run `make test`, or `snakemake build` before pytest", 2)
    return extensions.Host(BUILT, COMPILERS[0])


def fewer_variants(reductions: Sequence[tuple[int, int]], maps: Sequence[int]) -> tuple[str, str]:
    """Flags with which kernels.c, of 112 variants and more, has only these: (vectors, accumulators) of each reduction,
    and vectors of each map. To compile all of them takes ten times as long."""
    spaces = {"REDUCTION": reductions, "MAP": [(vectors, 1) for vectors in maps]}
    some = {name: " ".join(f"X({u}, {k}, __VA_ARGS__)" for u, k in shapes) for name, shapes in spaces.items()}
    return f"-DREDUCTION(X, ...)={some['REDUCTION']}", f"-DMAP(X, ...)={some['MAP']}"


FEW_VARIANTS = fewer_variants([(1, 1), (8, 2)], [1, 5])


# AVX512F in plain C, in a few variants: the numbers of isa/avx512f.h and of the passes over it, on any machine.
EMULATED = "avx512f-emulated"
EMULATION_FLAGS = (
    *("-O1", "-msse4.1", "-mfma", "-Wno-psabi"),
    *(f"-I{ROOT / 'tests' / 'kernels' / 'avx512f'}", "-D__AVX512F__"),
    *FEW_VARIANTS,
)


@functools.cache
def emulated_kernels(compiler: str) -> tuple[extensions.Kernel, ...]:
    """The table of kernels of the emulated AVX512F, compiled now."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {**SETTINGS, "isa_flags": {"avx512f": EMULATION_FLAGS}}
        build.build(settings, compiler, "avx512f", build.extension_path(pathlib.Path(folder), compiler, "avx512f"))
        return tuple(extensions.load_kernels(pathlib.Path(folder), compiler, "avx512f"))


@functools.cache
def kernels_of(compiler: str, isa: str) -> tuple[extensions.Kernel, ...]:
    """The table of kernels of a compiler and ISA; skips the test where this machine has not got them."""
    if isa == EMULATED:
        return emulated_kernels(compiler)
    if isa not in the_host().processor().isas:
        pytest.skip(f"this processor lacks {isa}")
    if compiler not in COMPILERS:
        pytest.skip(f"{compiler} is not installed")
    return tuple(extensions.load_kernels(BUILT, compiler, isa))


def variants(compiler: str, isa: str, name: str) -> list[extensions.Kernel]:
    return [kernel for kernel in kernels_of(compiler, isa) if kernel.name == name]


def algorithm(compiler: str, isa: str, name: str) -> list[extensions.Kernel]:
    """The passes of an algorithm, each in a variant with several accumulators where it has them."""
    passes = []
    for pass_name in SETTINGS["algorithms"][name]:
        choices = variants(compiler, isa, pass_name)
        passes.append(next((k for k in choices if k.variant == "u8k2"), choices[len(choices) // 4]))
    return passes


def assert_gone(processes: list[psutil.Process]) -> None:
    """Fails unless all these processes have ended within a minute, or only wait to be reaped."""
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def interrupted_while_it_loads(module: str, library: str, *arguments: str) -> tuple[int, str]:
    """Status and standard error of `python -m MODULE`, interrupted as soon as it has loaded a library of this name."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as started:
        maps = pathlib.Path(f"/proc/{started.pid}/maps")
        while library not in maps.read_text(encoding="utf-8"):
            assert started.poll() is None
            time.sleep(0.001)
        started.send_signal(signal.SIGINT)
        _, errors = started.communicate()
    return started.returncode, errors


def fake_files(content: str | None):
    """What stands for Path where a module reads files of the system: each has this content; None: there is none."""

    class Fake(pathlib.PosixPath):
        def read_text(self, *args, **kwargs):
            if content is None:
                raise FileNotFoundError(self)
            return content

        def open(self, *args, **kwargs):
            return io.StringIO(self.read_text())

    return Fake


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with tests that take longest, or share what takes long: no worker is left alone with one of them at the
    end, and none takes some of them from the other and makes it again."""
    items.sort(key=lambda item: not item.nodeid.startswith(("tests/workflow/", "tests/test_agreement.py")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Halves the tests between two workers, and one that is done takes of the other's: each makes its own fixtures."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getvalue("dist") == "load" else None


@pytest.fixture(scope="session")
def host() -> extensions.Host:
    return the_host()


def with_few_variants(settings: configuration.Config) -> configuration.Config:
    """The configuration with flags that leave few variants: whole runs look at each before they measure."""
    return {**settings, "flags": [*settings["flags"], *FEW_VARIANTS]}


def with_few_algorithms(settings: configuration.Config) -> configuration.Config:
    """The configuration with the paper's algorithms and one that came later."""
    names = (TWO_PASS, *THREE_PASS, "two-pass-nt")
    return {**settings, "algorithms": {name: settings["algorithms"][name] for name in names}}


MadeForAll = Callable[[str, Callable[[pathlib.Path], object]], pathlib.Path]


@pytest.fixture(scope="session")
def made_for_all(tmp_path_factory: pytest.TempPathFactory) -> MadeForAll:
    """made_for_all(name, make) is a folder that `make` gets to fill, in the first of the workers that asks for it; the
    others wait, and find it. Nobody changes it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def folder(name: str, make: Callable[[pathlib.Path], object]) -> pathlib.Path:
        made, begun = shared / f"made-{name}", own / f"begun-{name}"
        with (shared / f"made-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                begun.mkdir()
                make(begun)
                begun.rename(made)
        return made

    return folder


@pytest.fixture(scope="session")
def few_built(made_for_all: MadeForAll) -> pathlib.Path:
    """The folder of the host part and of scalar extensions for `with_few_variants`."""

    def make(folder: pathlib.Path) -> None:
        compiler = COMPILERS[0]
        build.build(with_few_variants(SETTINGS), compiler, "scalar", build.extension_path(folder, compiler, "scalar"))
        host = build.extension_path(folder, compiler, build.HOST)
        host.symlink_to(build.extension_path(BUILT, compiler, build.HOST).resolve())

    return made_for_all("few", make)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(20200113)
