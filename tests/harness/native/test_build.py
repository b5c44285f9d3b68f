"""Building: what is missing is said in one line, and what decides a run's name."""

import dataclasses
import os
import re
import shutil
import subprocess
import time

import pytest

from harness.native import build
from harness.native.extensions import load_kernels, require_current
from harness.record import configuration
from harness.record.errors import HarnessError
from harness.record.isa import ISAS
from harness.record.run import Skipped
from tests.conftest import BUILT, COMPILERS, SETTINGS, fewer_variants


def without_tools(monkeypatch):
    monkeypatch.setattr(build.shutil, "which", lambda _: None)


@pytest.fixture
def program(tmp_path):
    """program(text) writes a program with this text and returns its path."""

    def write(text, name="cc"):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else f"#!/bin/sh\n{text}\n".encode())
        file.chmod(0o755)
        return str(file)

    return write


def commands(*those, name="gcc"):
    """The configuration with these commands of one compiler."""
    return {**SETTINGS, "compilers": [name], "compiler_commands": {name: list(those)}}


def test_no_compiler_is_one_line_that_says_what_to_install(monkeypatch):
    without_tools(monkeypatch)
    with pytest.raises(HarnessError, match=r"no C compiler: gcc is not installed .*apt install gcc\); clang is not"):
        build.find_compilers(SETTINGS)
    with pytest.raises(HarnessError, match=r"no C compiler: clang is not installed .*apt install clang\)$"):
        build.find_compilers({**SETTINGS, "compilers": ["clang"]})
    with pytest.raises(HarnessError, match=r"zig is not installed \(make zig\)"):
        build.require_compiler(SETTINGS, "zig")


def test_a_missing_second_compiler_is_skipped_with_the_reason(monkeypatch):
    real = build.shutil.which
    monkeypatch.setattr(build.shutil, "which", lambda name: None if "clang" in name else real(name))
    present, skipped = build.find_compilers(SETTINGS)
    assert [compiler.name for compiler in present] == ["gcc"]
    assert skipped == [Skipped("compiler clang", "not installed")]


def test_a_compiler_that_the_configuration_does_not_have_is_one_line_with_those_it_has():
    for ask in (build.find_compiler, build.require_compiler):
        with pytest.raises(HarnessError, match=r"compiler: 'bogus' is not one of gcc, clang, zig$"):
            ask(SETTINGS, "bogus")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "Exec format error"),
        (b"#!/no/such/shell\n", "cannot be started: No such file"),
        ("exit 3", "--version ends with status 3 and tells none"),
        ("exit 0", "--version ends with status 0 and tells none"),
        ("kill -SEGV $$", "was ended by signal 11 .Segmentation fault"),
        ("sleep 100 & wait", "has not ended after 0.5 s"),
        ("cat; exit 1", "--version ends with status 1"),
        ("exec yes", "prints more than 1024 KiB"),
        ("exec yes >&2", "prints more than 1024 KiB"),
        ("exec >&- 2>&-; sleep 100", "has not ended after 0.5 s"),
    ],
)
def test_a_command_that_does_not_work_is_passed_over_and_told_where_none_is_left(monkeypatch, program, text, words):
    monkeypatch.setattr(build, "SECONDS_TO_TELL", 0.5 if "sleep" in str(text) else 60)
    broken = program(text)
    with pytest.raises(HarnessError, match=f"gcc cannot be used: .*{words}") as refused:
        build.require_compiler(commands(broken, "no-such-compiler"), "gcc")
    assert str(refused.value).isprintable()
    monkeypatch.setattr(build, "SECONDS_TO_TELL", 60)  # the broken one was asked
    good = program("echo good 1.0", "good")
    assert build.find_compiler(commands(broken, good), "gcc") == build.Compiler("gcc", (good,), "good 1.0")


def test_a_command_is_asked_once_and_again_on_another_path(monkeypatch, program, tmp_path):
    asked = tmp_path / "asked"
    settings = commands(program(f"echo >>{asked}; exit 3"), program(f"echo >>{asked}; echo good 1.0", "good"))
    for path, times in ((build.os.environ["PATH"], 2), (f"{tmp_path}:{build.os.environ['PATH']}", 4)):
        monkeypatch.setenv("PATH", path)
        assert {build.find_compiler(settings, "gcc").version for _ in range(3)} == {"good 1.0"}
        assert asked.read_text() == "\n" * times


@pytest.mark.parametrize("command", ("gcc '", "/", " ", "''", "/etc/passwd"))
def test_what_is_no_command_is_passed_over(program, command):
    good = program("echo good 1.0")
    assert build.find_compiler(commands(command, good), "gcc").command == (good,)
    with pytest.raises(HarnessError, match=r"gcc (cannot be used: gcc ': No closing quotation|is not installed)"):
        build.require_compiler(commands(command), "gcc")


def test_a_version_in_any_encoding_is_one_printable_line(program):
    found = build.find_compiler(commands(program(r"printf '\n  cc \033[31m\377 1\nmore'")), "gcc")
    assert found.version == r"cc \x1b[31m� 1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # A compiler speaks the person's language unless it is told not to.
        ('[ "$LC_ALL" = C ] && m=error || m=Fehler; echo "terror: f\nx.c: $m: no" >&2; exit 1', "1: x.c: error: no"),
        ("printf 'x.c:1: error: \\377\\033[31m' >&2; exit 1", r"1: x.c:1: error: �\\x1b"),
        ("echo 'ld: cannot find -lx\ncollect2: error: ld returned 1 exit status' >&2; exit 1", "1: ld: cannot find"),
        ("exit 0", "wrote no output, though it ended well: .*cc -c k.c -o k.o"),
        ("exit 4", "failed with status 4: it says nothing: .*cc -c k.c -o k.o"),
        ("kill -9 $$", r"was ended by signal 9 \(Killed\): .*cc -c k.c -o k.o"),
        ("sleep 100 & wait", "has not ended after 0.5 s: .*cc -c k.c -o k.o"),
    ],
)  # fmt: skip
def test_a_compiler_that_fails_is_one_line_with_its_file_and_error_or_command(monkeypatch, program, text, words):
    monkeypatch.setattr(build, "SECONDS_TO_COMPILE", 0.5 if "sleep" in text else 60)
    with pytest.raises(HarnessError, match=f"cc on k.c .*{words}") as refused:
        build.run([program(text), "-c", "k.c", "-o", "k.o"])
    assert str(refused.value).isprintable()


def test_missing_python_headers_are_one_line_that_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(build.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(HarnessError, match=r"Python.h is missing .*apt install python3-dev"):
        build.build(SETTINGS, "gcc", "host", tmp_path / "x.so")


def test_a_failed_compilation_gives_the_compilers_first_error_and_no_file(tmp_path):
    broken = {**SETTINGS, "flags": [*SETTINGS["flags"], "-include", "no-such-header.h"]}
    with pytest.raises(HarnessError, match=r"gcc on kernels.c failed with status 1: .*error") as refused:
        build.build(broken, "gcc", "scalar", tmp_path / "gcc" / "x.so")
    assert "\n" not in str(refused.value)
    assert list((tmp_path / "gcc").iterdir()) == []


def test_what_a_killed_build_has_left_is_removed_after_a_day(tmp_path):
    for name, days in ((".building-old", 2), (".building-now", 0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "kernels.c.o").touch()
        os.utime(tmp_path / name, (time.time() - days * 24 * 3600,) * 2)
    with pytest.raises(HarnessError):
        build.build({**SETTINGS, "flags": ["-include", "no-such-header.h"]}, "gcc", "scalar", tmp_path / "x.so")
    assert [path.name for path in tmp_path.iterdir()] == [".building-now"]


def test_an_extension_that_is_not_built_is_named(tmp_path):
    with pytest.raises(HarnessError, match=r"_softmax_gcc_avx2.so is not built; `snakemake build` does it"):
        load_kernels(tmp_path, "gcc", "avx2")


@pytest.mark.parametrize("changed", [{"isa_flags": {"scalar": ["-O1"]}}, {"flags": ["-Ofast"]}], ids=str)
def test_an_extension_of_other_flags_is_refused_with_the_command_that_builds(changed):
    require_current(SETTINGS, BUILT, [(COMPILERS[0], "scalar"), (COMPILERS[0], build.HOST)])
    with pytest.raises(HarnessError, match=r"scalar\.so has other .*; `snakemake build`"):
        require_current({**SETTINGS, **changed}, BUILT, [(COMPILERS[0], "scalar")])


def test_an_extension_of_other_sources_or_another_compiler_is_refused(monkeypatch, tmp_path):
    real = build.find_compiler(SETTINGS, COMPILERS[0])
    with monkeypatch.context() as patch:
        patch.setattr(build, "find_compiler", lambda *_: dataclasses.replace(real, version="newer"))
        with pytest.raises(HarnessError, match="has other sources"):
            require_current(SETTINGS, BUILT, [(COMPILERS[0], "scalar")])
    shutil.copytree(build.KERNELS, tmp_path / "kernels")
    monkeypatch.setattr(build, "KERNELS", tmp_path / "kernels")
    require_current(SETTINGS, BUILT, [(COMPILERS[0], "scalar")])
    with (tmp_path / "kernels" / "passes.h").open("a", encoding="utf-8") as file:
        file.write("// changed\n")
    with pytest.raises(HarnessError, match="has other sources"):
        require_current(SETTINGS, BUILT, [(COMPILERS[0], "scalar")])


def test_what_checks_is_compiled_alike_whatever_is_configured():
    fast = {**SETTINGS, "flags": ["-Ofast"]}
    assert build.flags(fast, build.HOST) == build.flags(SETTINGS, build.HOST)
    assert build.inexact_flags(fast) == ["-Ofast"]
    assert build.inexact_flags(SETTINGS) == []


def test_the_host_part_is_compiled_for_any_x86_64():
    assert not [flag for flag in build.flags(SETTINGS, "host") if flag.startswith("-m")]
    assert "-march=native" not in str(SETTINGS)


@pytest.mark.parametrize("compiler", ("gcc", "clang"))
@pytest.mark.parametrize("target", (*ISAS, build.HOST))
def test_every_source_compiles_without_a_warning(compiler, target, tmp_path):
    found = build.find_compiler(SETTINGS, compiler)
    if found is None:
        pytest.skip(f"{compiler} is not installed")
    for source in build.sources(target):
        # Not in the shipped flags, where a newer compiler's new warning would be in a stranger's way.
        flags = [*build.flags(SETTINGS, target), "-Werror", f"-I{build.KERNELS}"]
        flags += fewer_variants([(2, 1), (2, 2)], [2])
        command = [*found.command, *flags, "-c", str(source), "-o", str(tmp_path / "x.o")]
        result = subprocess.run(command, capture_output=True, text=True)
        require_no_warning(compiler, found.version, result.returncode, result.stderr)


# Major versions that this was tried with.
TRIED = {"gcc": {12}, "clang": {14, 19}}


def require_no_warning(name, version, status, told):
    """Fails where the compiler said anything; skips where that is but a warning of one that the project was not tried
    with, since a stranger's machine is not at fault."""
    number = re.search(r"\b(\d+)\.\d+", version)
    errors = [line for line in told.splitlines() if re.search(r"\berror: ", line)]
    if errors and all("[-Werror" in line for line in errors) and not (number and int(number[1]) in TRIED[name]):
        pytest.skip(f"{version}, which the project was not tried with, warns: {errors[0]}")
    assert (status, told) == (0, "")


WARNING = "passes.h:1:1: error: parameter 'y' set but not used [-Werror=unused-but-set-parameter=]\ncc1: all warnings\n"
ERROR = "passes.h:1:1: error: unknown type name 'vf'\n"


def test_a_warning_of_a_compiler_that_was_not_tried_is_a_skip_with_the_reason_and_an_error_is_none():
    with pytest.raises(pytest.skip.Exception, match=r"^gcc \(Debian\) 16.1.0, .* warns: .* set but not used"):
        require_no_warning("gcc", "gcc (Debian) 16.1.0", 1, WARNING)
    for version, told in (("gcc (Debian) 12.2.0", WARNING), ("gcc 16.1.0", ERROR), ("gcc 16.1.0", WARNING + ERROR)):
        with pytest.raises(AssertionError):
            require_no_warning("gcc", version, 1, told)
    require_no_warning("clang", "clang version 99.0.0", 0, "")


def test_a_runs_hash_follows_whatever_can_change_a_row(monkeypatch, tmp_path):
    compilers = [build.Compiler("gcc", ("gcc",), "gcc 12")]
    before = build.content_hash(SETTINGS, compilers)
    assert before == build.content_hash(configuration.load(), compilers)
    assert before != build.content_hash({**SETTINGS, "rotation": 9}, compilers)
    assert before != build.content_hash(SETTINGS, compilers, [("numpy", "2.4.6")])
    assert before != build.content_hash(SETTINGS, [build.Compiler("gcc", ("gcc",), "gcc 13")])
    for folder in ("kernels", "harness"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(build, "ROOT", tmp_path)
    empty = build.content_hash(SETTINGS, compilers)
    (tmp_path / "kernels" / "exp.h").write_text("changed")
    assert build.content_hash(SETTINGS, compilers) != empty


def test_the_hash_of_kernels_follows_them_their_compilers_and_flags_alone(monkeypatch, tmp_path):
    compilers = [build.Compiler("gcc", ("gcc",), "gcc 12")]
    before = build.kernels_hash(SETTINGS, compilers)
    assert before == build.kernels_hash({**SETTINGS, "rotation": 9}, compilers)
    assert before != build.kernels_hash({**SETTINGS, "flags": ["-O1"]}, compilers)
    assert before != build.kernels_hash(SETTINGS, [build.Compiler("gcc", ("gcc",), "gcc 13")])
    shutil.copytree(build.KERNELS, tmp_path / "kernels")
    monkeypatch.setattr(build, "KERNELS", tmp_path / "kernels")
    assert before == build.kernels_hash(SETTINGS, compilers)
    (tmp_path / "kernels" / "isa" / "avx2.h").write_text("changed")
    assert before != build.kernels_hash(SETTINGS, compilers)


def test_a_library_is_found_in_a_folder_whose_name_has_a_comma(tmp_path):
    folder = tmp_path / "here, or there"
    folder.mkdir()
    (tmp_path / "seven.c").write_text("int seven(void) { return 7; }\n")
    (tmp_path / "main.c").write_text("int seven(void);\nint main(void) { return seven(); }\n")
    compiler = build.require_compiler(SETTINGS, COMPILERS[0]).command
    library = ["-shared", "-fPIC", "seven.c", "-o", str(folder / "libseven.so")]
    program = ["main.c", f"-L{folder}", *build.RPATH, str(folder), "-lseven", "-o", "main"]
    for arguments in (library, program):
        subprocess.run([*compiler, *arguments], cwd=tmp_path, check=True)
    assert subprocess.run([tmp_path / "main"]).returncode == 7


@pytest.mark.parametrize("files", (None, []), ids=("no list", "not in the list"))
def test_a_package_of_onednn_without_its_files_is_not_installed(monkeypatch, files):
    monkeypatch.setattr(build.metadata, "files", lambda _: files)
    with pytest.raises(HarnessError, match=r"is not installed \(make peers\)"):
        build.onednn_folders()
