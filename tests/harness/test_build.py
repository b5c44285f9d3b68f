"""Building: what is missing is said in one line, and what decides a run's name."""

import subprocess

import pytest

from harness import build, config
from harness.detect import ISAS
from harness.errors import HarnessError
from harness.extensions import load_kernels
from tests.conftest import SETTINGS


def without_tools(monkeypatch):
    monkeypatch.setattr(build.shutil, "which", lambda _: None)


def test_no_compiler_is_one_line_that_says_what_to_install(monkeypatch):
    without_tools(monkeypatch)
    with pytest.raises(HarnessError, match=r"no C compiler: none of gcc, clang is installed .*apt install gcc"):
        build.find_compilers(SETTINGS)


def test_a_missing_second_compiler_is_skipped_with_the_reason(monkeypatch):
    real = build.shutil.which
    monkeypatch.setattr(build.shutil, "which", lambda name: None if "clang" in name else real(name))
    present, skipped = build.find_compilers(SETTINGS)
    assert [compiler.name for compiler in present] == ["gcc"]
    assert skipped == [{"what": "compiler clang", "reason": "not installed"}]


def test_missing_python_headers_are_one_line_that_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(build.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(HarnessError, match=r"Python.h is missing .*apt install python3-dev"):
        build.build(SETTINGS, "gcc", "host", tmp_path / "x.so")


def test_a_failed_compilation_gives_the_compilers_first_error_and_no_file(tmp_path):
    broken = {**SETTINGS, "flags": [*SETTINGS["flags"], "-include", "no-such-header.h"]}
    with pytest.raises(HarnessError, match=r"gcc failed with status 1: .*error") as refused:
        build.build(broken, "gcc", "scalar", tmp_path / "gcc" / "x.so")
    assert "\n" not in str(refused.value)
    assert list((tmp_path / "gcc").iterdir()) == []


def test_an_extension_that_is_not_built_is_named(tmp_path):
    with pytest.raises(HarnessError, match=r"_softmax_gcc_avx2.so is not built; `snakemake build` does it"):
        load_kernels(tmp_path, "gcc", "avx2")


def test_the_host_part_is_compiled_for_any_x86_64():
    assert not [flag for flag in build.flags(SETTINGS, "host") if flag.startswith("-m")]
    assert "-march=native" not in str(SETTINGS)


@pytest.mark.parametrize("compiler", ("gcc", "clang"))
@pytest.mark.parametrize("target", (*ISAS, build.HOST))
def test_every_source_compiles_without_a_warning(compiler, target, tmp_path):
    found = build.find_compiler(SETTINGS, compiler)
    if found is None:
        pytest.skip(f"{compiler} is not installed")
    for source in build.HOST_SOURCES if target == build.HOST else ("kernels.c",):
        # Not in the shipped flags, where a newer compiler's new warning would be in a stranger's way.
        flags = [*build.flags(SETTINGS, target), "-Werror", f"-I{build.KERNELS}"]
        command = [*found.command, *flags, "-c", str(build.KERNELS / source), "-o", str(tmp_path / "x.o")]
        result = subprocess.run(command, capture_output=True, text=True)
        assert (result.returncode, result.stderr) == (0, "")


def test_a_runs_hash_follows_whatever_can_change_a_row(monkeypatch, tmp_path):
    compilers = [build.Compiler("gcc", ("gcc",), "gcc 12")]
    before = build.content_hash(SETTINGS, compilers)
    assert before == build.content_hash(config.load(), compilers)
    assert before != build.content_hash({**SETTINGS, "rotation": 9}, compilers)
    assert before != build.content_hash(SETTINGS, compilers, [("numpy", "2.4.6")])
    assert before != build.content_hash(SETTINGS, [build.Compiler("gcc", ("gcc",), "gcc 13")])
    for folder in ("kernels", "harness"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(build, "ROOT", tmp_path)
    empty = build.content_hash(SETTINGS, compilers)
    (tmp_path / "kernels" / "exp.h").write_text("changed")
    assert build.content_hash(SETTINGS, compilers) != empty
