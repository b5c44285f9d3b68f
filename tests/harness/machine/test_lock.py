"""One measurement at a time, and nothing left behind."""

import errno
import fcntl
import os
import subprocess
import sys

import psutil
import pytest

from harness.machine.lock import exclusive, held
from harness.record.errors import HarnessError
from harness.record.files import ROOT
from tests.conftest import assert_gone

HELD = "import sys, time; from pathlib import Path; from harness.machine.lock import held\n"
HELD += "with held(Path(sys.argv[1]), 'f' * 32): print('held', flush=True); time.sleep(60)"
HOLD = "import sys, time; from pathlib import Path; from harness.machine.lock import exclusive\n"
HOLD += "with exclusive(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


def test_a_second_measurement_is_refused_and_told_who_holds_the_lock(tmp_path):
    file = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, file], cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(HarnessError, match=rf"process {holder.pid} in {ROOT} since") as refused, exclusive(file):
            pass
        assert "\n" not in str(refused.value)
        holder.kill()
    with exclusive(file):
        pass


def test_who_is_patient_waits_for_the_other_measurement_and_says_so(tmp_path, capsys):
    file = tmp_path / "lock"
    brief = HOLD.replace("time.sleep(60)", "time.sleep(1.5)")
    with subprocess.Popen([sys.executable, "-c", brief, file], cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with exclusive(file, patience=60):
            assert holder.wait() == 0
    told = capsys.readouterr().err
    assert told.startswith(f"waiting for another measurement on this machine: process {holder.pid} in ")
    assert told.count("\n") == 1


def test_the_lock_can_be_taken_again_after_it_was_given_back(tmp_path):
    for _ in range(2):
        with exclusive(tmp_path / "lock"):
            assert f"process {os.getpid()}" in (tmp_path / "lock").read_text()
    assert (tmp_path / "lock").read_text() == ""


def test_a_child_whose_parent_ended_before_it_could_ask_ends_at_once():
    child = "from harness.machine.lock import die_with_parent; die_with_parent(1 << 30); print('still here')"
    result = subprocess.run([sys.executable, "-c", child], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == -9
    assert result.stdout == ""


def test_a_lock_file_of_another_user_can_be_held_and_a_link_is_not_followed(tmp_path, monkeypatch):
    file = tmp_path / "lock"
    file.write_text("")
    real = os.open
    monkeypatch.setattr(
        "harness.machine.lock.os.open",
        lambda path, flags, *mode: (
            real(path, flags, *mode)
            if not flags & os.O_RDWR or flags & os.O_CREAT
            else (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
        ),
    )
    with exclusive(file), pytest.raises(HarnessError, match="another measurement"), exclusive(file):
        pass
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    with pytest.raises(HarnessError), exclusive(tmp_path / "link"):
        pass
    assert not (tmp_path / "precious").exists()


def test_a_child_ends_with_its_parent_even_after_kill_9():
    child = "from harness.machine.lock import die_with_parent; import os, time; die_with_parent(os.getppid()); "
    child += "print('ready', flush=True); time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        children = psutil.Process(process.pid).children()
        process.kill()
    assert len(children) == 1
    assert_gone(children)


def test_a_run_folder_is_held_by_one_process_and_free_when_that_dies(tmp_path):
    folder = tmp_path / "new" / "run"
    with subprocess.Popen([sys.executable, "-c", HELD, folder], cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(HarnessError) as refused, held(folder, "0" * 32):
            pass
        told = f"{folder}: process {holder.pid} of host {'f' * 12} since "
        assert str(refused.value).startswith(told) and "\n" not in str(refused.value)
        holder.kill()
    with held(folder, "0" * 32):
        # Not read here, since this process would let go by closing the file.
        note = subprocess.run(["cat", folder / "lock"], capture_output=True, text=True, close_fds=False).stdout
        assert note.startswith(f"process {os.getpid()} of host {'0' * 12} since ")
        second = subprocess.run([sys.executable, "-c", HELD, folder], cwd=ROOT, capture_output=True, text=True)
        assert second.stdout == "" and note.strip() in second.stderr
    assert list(folder.iterdir()) == []


def test_a_lock_file_that_its_holder_removes_meanwhile_is_not_taken_for_the_one_that_others_find(tmp_path, monkeypatch):
    real, file = fcntl.lockf, tmp_path / "lock"

    def late(descriptor, how):
        monkeypatch.setattr(fcntl, "lockf", real)
        file.unlink()
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "lockf", late)
    with held(tmp_path, "0" * 32):
        assert file.exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EROFS])
def test_a_file_system_without_locks_is_one_line_with_the_way_out(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with (
        pytest.raises(HarnessError, match=r"cannot be locked: .*; --runs takes another folder"),
        held(tmp_path, "0" * 32),
    ):
        pass
