"""Compiles extensions: the kernels once for each compiler and ISA, and the host part that they share."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import cffi

from harness.record.configuration import Config
from harness.record.errors import HarnessError, one_line
from harness.record.files import ROOT, clear_abandoned
from harness.record.machines import load_machines
from harness.record.run import Skipped

KERNELS = ROOT / "kernels"
HOST = "host"  # the target beside the ISAs
ONEDNN = "onednn"  # a target where these are installed: the library, and its headers
RPATH = ("-Xlinker", "-rpath", "-Xlinker")  # -Wl would take a comma in the path for its own
ONEDNN_PACKAGES = ("onednn-cpu-gomp", "onednn-devel-cpu-gomp")
# Further objects of an ISA's kernels, by what is put before the names that they export, and what makes them another
# table: a copy of the first rows, and other forms of passes, with whose name theirs end.
EXPORTED = ("kernels", "kernel_count", "lanes")
FORMS = {"table": "-DTABLE", "prefetch": "-DPREFETCH"}
FURTHER = {"moved": "-DMOVED"} | FORMS
# What times and checks is compiled alike whatever `flags` says: under -Ofast a check for NaN folds away.
WARNINGS = ("-Wall", "-Wextra", "-Wshadow")
HOST_FLAGS = ("-std=gnu11", "-O3", "-fvisibility=hidden", "-ffp-contract=off", "-falign-functions=64", *WARNINGS)
# Flags after which an operation need not be what IEEE 754 says, or NaN and infinities need not be told from numbers.
INEXACT_FLAGS = (
    "-Ofast", "-ffast-math", "-funsafe-math-optimizations", "-fassociative-math", "-freciprocal-math",
    "-ffinite-math-only", "-fno-signed-zeros", "-fapprox-func", "-ffp-model=fast",
    "-ffp-model=aggressive", "-ffp-contract=fast",
)  # fmt: skip
# Of a target that is no ISA: the headers that Python sees beside kernel.h, and the folders of the sources.
PARTS = {HOST: (("host/host.h", "x86_64/cpuid.h"), ("host", "x86_64")), ONEDNN: (("peers/onednn.h",), ("peers",))}
# What the hash of a run covers beside the configuration and the compilers: all that can change a row. The rooms that
# are not here talk to a person, or take a complete run elsewhere.
HASHED = ("kernels", *(f"harness/{room}" for room in (
    "record", "statistics", "machine", "native", "experiments", "peers", "sampling", "run",
)))  # fmt: skip
NOT_INSTALLED, BUILDING = "not installed", ".building-"
INSTALL = {
    "gcc": "Debian and Ubuntu: apt install gcc", "clang": "Debian and Ubuntu: apt install clang", "zig": "make zig",
}  # fmt: skip
SECONDS_TO_TELL, SECONDS_TO_COMPILE = 10, 600
MOST_TOLD = 1 << 20  # bytes that a compiler prints, far beyond what one with something to say does
# What compilers and linkers call an error; that the linker failed is told after the reason.
ERROR = re.compile(r"\berror:(?! (ld returned|linker command failed))|undefined reference|cannot find")


@dataclass(frozen=True)
class Compiler:
    """A C compiler that is installed."""

    name: str
    command: tuple[str, ...]
    version: str


def find_compiler(config: Config, name: str) -> Compiler | None:
    """The first command of this compiler that tells its version, None where there is none.

    Raises HarnessError for a name that the configuration has no commands for.
    """
    return _look_for(config, name)[0]


def find_compilers(config: Config) -> tuple[list[Compiler], list[Skipped]]:
    """The configured compilers that can be used, and what is skipped with the reason.

    Raises HarnessError where none can.
    """
    found = {name: _look_for(config, name) for name in config["compilers"]}
    present = [compiler for compiler, _ in found.values() if compiler]
    if not present:
        raise HarnessError(f"no C compiler: {'; '.join(_missing(name, why) for name, (_, why) in found.items())}")
    skipped = [Skipped(f"compiler {name}", why) for name, (compiler, why) in found.items() if not compiler]
    return present, skipped


def require_compiler(config: Config, name: str) -> Compiler:
    """The compiler of this name. Raises HarnessError where it cannot be used, with what to do."""
    compiler, why = _look_for(config, name)
    if compiler is None:
        raise HarnessError(_missing(name, why))
    return compiler


def _look_for(config: Config, name: str) -> tuple[Compiler | None, str]:
    """The first command of this compiler that tells its version; where there is none, why."""
    if name not in config["compiler_commands"]:
        raise HarnessError(f"compiler: {name!r} is not one of {', '.join(config['compiler_commands'])}")
    reasons = []
    for command in config["compiler_commands"][name]:
        try:
            words = tuple(shlex.split(command))
            if words and shutil.which(words[0]):
                version, why = _version(words, os.environ.get("PATH"))
                if not why:
                    return Compiler(name, words, version), ""
                reasons.append(f"{command}: {why}")
        except ValueError as error:  # an unbalanced quote
            reasons.append(f"{command}: {error}")
    return None, one_line("; ".join(reasons)) or NOT_INSTALLED


@cache  # one that hangs costs its time once in a process
def _version(words: tuple[str, ...], _path: str | None) -> tuple[str, str]:
    """The first line that a compiler, found along PATH, tells of its version; and why it tells none, or ""."""
    try:
        told = _run_to_end([*words, "--version"], SECONDS_TO_TELL)
    except HarnessError as error:
        return "", str(error)
    if told.returncode or not told.stdout.strip():
        return "", f"--version ends with status {told.returncode} and tells none"
    return one_line(told.stdout.strip().splitlines()[0]), ""


def _missing(name: str, why: str) -> str:
    what = f"is {why}" if why == NOT_INSTALLED else f"cannot be used: {why}"
    return f"{name} {what} ({INSTALL.get(name, 'compiler_commands in config.yaml say how it is called')})"


def module_name(compiler: str, target: str) -> str:
    """The name of the extension module of one compiler and target (an ISA, or HOST)."""
    return f"_softmax_{compiler.replace('-', '_')}_{target}"


def extension_path(folder: Path, compiler: str, target: str) -> Path:
    """Where the extension of one compiler and target lies below `folder`."""
    return folder / compiler / f"{module_name(compiler, target)}.so"


def flags(config: Config, target: str) -> list[str]:
    """The compiler flags of a target: explicit, so that an object is the same on every machine."""
    if target in PARTS:
        return list(HOST_FLAGS)
    return [*config["flags"], *config["isa_flags"].get(target, [])]


def inexact_flags(config: Config) -> list[str]:
    """Those of the configured flags after which kernels need not compute what their source says."""
    configured = [*config["flags"], *(flag for those in config["isa_flags"].values() for flag in those)]
    return [flag for flag in dict.fromkeys(configured) if flag in INEXACT_FLAGS]


def python_headers() -> Path:
    """The folder of Python.h. Raises HarnessError where it is not installed."""
    include = Path(sysconfig.get_path("include"))
    if not (include / "Python.h").exists():
        raise HarnessError(f"{include}/Python.h is missing (Debian and Ubuntu: apt install python3-dev)")
    return include


def provenance(config: Config, compiler_name: str, target: str) -> str:
    """What an extension depends on besides its sources: it is built anew when this changes."""
    compiler = find_compiler(config, compiler_name)
    linked = [str(path) for path in onednn_folders()] if target == ONEDNN else []
    told = [compiler.version if compiler else "not installed", cffi.__version__, *flags(config, target), *linked]
    return " ".join(told)


def interface(target: str) -> list[str]:
    """The headers of a target that Python sees too, below KERNELS."""
    return ["kernel.h", *(PARTS[target][0] if target in PARTS else ("table.h",))]


def sources(target: str) -> list[Path]:
    """The C sources of a target."""
    if target not in PARTS:
        return [KERNELS / "kernels.c"]
    return sorted(file for folder in PARTS[target][1] for file in (KERNELS / folder).glob("*.c"))


def build_hash(config: Config, compiler_name: str, target: str) -> str:
    """SHA-256 over all that an extension is made of: its sources, and what else it depends on."""
    digest = hashlib.sha256(provenance(config, compiler_name, target).encode())
    _add_files(digest, KERNELS, {*sources(target), *KERNELS.rglob("*.h")})
    return digest.hexdigest()


def kernels_hash(config: Config, compilers: Sequence[Compiler]) -> str:
    """SHA-256 over the kernels, the compilers' versions and the flags alone: where it is the same, so is what runs."""
    digest = hashlib.sha256(json.dumps([(c.name, c.version) for c in compilers]).encode())
    digest.update(json.dumps({target: flags(config, target) for target in (HOST, *config["isa_flags"])}).encode())
    _add_files(digest, KERNELS, KERNELS.rglob("*.[ch]"))
    return digest.hexdigest()


def _add_files(digest: hashlib._Hash, folder: Path, files: Iterable[Path]) -> None:
    for file in sorted(files):
        digest.update(f"\0{file.relative_to(folder)}\0".encode() + file.read_bytes())


def onednn_folders() -> tuple[Path, Path]:
    """Where oneDNN's headers and its library lie. Raises HarnessError where it is not installed."""
    found = []
    for package, file in zip(ONEDNN_PACKAGES, ("libdnnl.so", "dnnl.h"), strict=True):
        paths: list[metadata.PackagePath] = []
        with contextlib.suppress(metadata.PackageNotFoundError):
            paths = [path for path in metadata.files(package) or [] if path.name == file]
        if not paths:
            raise HarnessError(f"{package} is not installed (make peers)")
        found.append(Path(str(paths[0].locate())).resolve().parent)
    library, headers = found
    return headers, library


def build(config: Config, compiler_name: str, target: str, output: Path) -> None:
    """Compiles the extension of one compiler and target to `output`, whole or not at all.

    Raises HarnessError when the compiler or the Python headers are missing, or the compilation fails.
    """
    compiler = require_compiler(config, compiler_name)
    include = python_headers()
    headers, libraries = [], ["-lm"]
    if target == ONEDNN:
        include_folder, library_folder = onednn_folders()
        headers = [f"-I{include_folder}"]
        libraries = [f"-L{library_folder}", *RPATH, str(library_folder), "-ldnnl"]
    output.parent.mkdir(parents=True, exist_ok=True)
    clear_abandoned(output.parent, BUILDING)
    with tempfile.TemporaryDirectory(prefix=BUILDING, dir=output.parent) as folder:
        wrapper = Path(folder) / "wrapper.c"
        made_of = build_hash(config, compiler_name, target)
        write_wrapper(module_name(compiler_name, target), interface(target), made_of, wrapper)
        compile_flags = [*flags(config, target), "-fPIC", f"-I{KERNELS}", *headers]
        objects = [
            compile_object(compiler, compile_flags, source, Path(folder) / f"{source.name}.o")
            for source in sources(target)
        ]
        if target in config["isa_flags"]:
            for table, flag in FURTHER.items():
                renamed = [*compile_flags, flag, *(f"-D{name}={table}_{name}" for name in EXPORTED)]
                objects.append(compile_object(compiler, renamed, KERNELS / "kernels.c", Path(folder) / f"{table}.o"))
        # cffi's C is not held to our warnings.
        relaxed = [flag for flag in compile_flags if not flag.startswith("-W")]
        objects.append(compile_object(compiler, [*relaxed, f"-I{include}"], wrapper, Path(folder) / "wrapper.o"))
        library = Path(folder) / output.name
        run([*compiler.command, "-shared", *map(str, objects), *libraries, "-o", str(library)])
        os.replace(library, output)


def write_wrapper(module: str, headers: Sequence[str], made_of: str, output: Path) -> None:
    """Writes the C source of a cffi API-mode module for these headers below KERNELS; it tells what it is `made_of`
    (BUILD_HASH)."""
    ffi = cffi.FFI()
    declared = "\n".join((KERNELS / header).read_text(encoding="utf-8") for header in headers)
    ffi.cdef(f"{declared}static char *const BUILD_HASH;")
    includes = "".join(f'#include "{header}"\n' for header in headers)
    told = f'#define BUILD_HASH "{made_of}"\n'
    ffi.set_source(module, f"#include <stddef.h>\n#include <stdint.h>\n{includes}{told}")
    with contextlib.redirect_stdout(io.StringIO()):  # it reports what it does
        ffi.emit_c_code(str(output))


def compile_object(compiler: Compiler, compile_flags: list[str], source: Path, output: Path) -> Path:
    """Compiles one source file and returns the object's path."""
    run([*compiler.command, *compile_flags, "-c", str(source), "-o", str(output)])
    return output


def run(command: Sequence[str]) -> None:
    """Runs a compiler on the command's source, to its last word. Raises HarnessError with the first error that it
    tells, or else with the command; also where it leaves no output."""
    about = next((Path(word).name for word in command if word.endswith(".c")), Path(command[-1]).name)
    try:
        result = _run_to_end(command, SECONDS_TO_COMPILE)
    except HarnessError as error:
        raise HarnessError(f"{command[0]} on {about} {error}: {shlex.join(command)}") from error
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if ERROR.search(line)]
        told = one_line((errors or lines)[0]) if lines else f"it says nothing: {shlex.join(command)}"
        raise HarnessError(f"{command[0]} on {about} failed with status {result.returncode}: {told}")
    if not Path(command[-1]).exists():
        raise HarnessError(f"{command[0]} on {about} wrote no output, though it ended well: {shlex.join(command)}")


def _run_to_end(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    """Runs a compiler, in English. Raises HarnessError where it does not start, is killed, takes longer, or prints
    without end; what it started is killed then too."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0,
            env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except OSError as error:
        raise HarnessError(f"cannot be started: {error.strerror}") from error
    with process:
        try:
            output, errors = _told(process, seconds)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode < 0:
        raise HarnessError(f"was ended by signal {-process.returncode} ({signal.strsignal(-process.returncode)})")
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _told(process: subprocess.Popen[bytes], seconds: float) -> list[str]:
    """What a process prints as output and as errors until it ends. Raises HarnessError where that takes longer, or is
    more than MOST_TOLD."""
    end = time.monotonic() + seconds
    told: dict[Any, bytes] = {process.stdout: b"", process.stderr: b""}
    try:
        with selectors.DefaultSelector() as unread:
            for stream in told:
                unread.register(stream, selectors.EVENT_READ)
            while unread.get_map() and (left := end - time.monotonic()) > 0:
                for key, _ in unread.select(left):
                    piece = os.read(key.fd, 1 << 16)
                    told[key.fileobj] += piece
                    if len(told[key.fileobj]) > MOST_TOLD:
                        raise HarnessError(f"prints more than {MOST_TOLD >> 10} KiB")
                    if not piece:
                        unread.unregister(key.fileobj)
            if unread.get_map():
                raise subprocess.TimeoutExpired(process.args, seconds)
        process.wait(max(0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise HarnessError(f"has not ended after {seconds:g} s") from None
    return [text.decode("utf-8", "replace") for text in told.values()]


def content_hash(config: Config, compilers: Sequence[Compiler], peers: Sequence[tuple[str, str]] = ()) -> str:
    """SHA-256 over everything that can change a row: kernels, harness, configuration, versions of the compilers and of
    the `peers` (name, version)."""
    digest = hashlib.sha256()
    files = (file for folder in HASHED for file in (ROOT / folder).rglob("*") if file.suffix in (".c", ".h", ".py"))
    _add_files(digest, ROOT, files)
    digest.update(json.dumps(config, sort_keys=True).encode())
    # Published variants are measured in every run, and chosen in some.
    published = {name: machine.paper_variants for name, machine in load_machines().items() if machine.paper_variants}
    digest.update(json.dumps(published, sort_keys=True).encode())
    digest.update(json.dumps([*((c.name, c.version) for c in compilers), *peers]).encode())
    return digest.hexdigest()
