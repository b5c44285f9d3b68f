"""Only one measurement runs on a machine at a time, whichever checkout it was started from, and only one process writes
into a run's folder, whichever machine it is on."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from harness.record.errors import HarnessError
from harness.record.files import ROOT
from harness.record.store import RUN_LOCK

# One path for all users and sessions; the variable is for tests.
LOCK_FILE = Path(os.environ.get("TWO_PASS_SOFTMAX_LOCK", "/tmp/two-pass-softmax-measurement.lock"))
PR_SET_PDEATHSIG = 1


def _open(file: Path) -> int:
    """A descriptor of the lock file, which another user may have made. A link is not followed."""
    flags = os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | flags)
        os.fchmod(descriptor, 0o666)
        return descriptor
    except FileExistsError:
        try:
            return os.open(file, os.O_RDWR | flags)
        except PermissionError:
            return os.open(file, os.O_RDONLY | flags)


@contextlib.contextmanager
def exclusive(file: Path = LOCK_FILE, patience: float = 0.0) -> Iterator[None]:
    """Holds the machine's measurement lock, for which it waits so many seconds at most. Raises HarnessError that names
    the holder. A holder that dies lets go."""
    try:
        descriptor = _open(file)
    except OSError as error:
        elsewhere = "TWO_PASS_SOFTMAX_LOCK names another file, the same for all who measure on this machine"
        raise HarnessError(f"{file}: {error.strerror}; {elsewhere}") from error
    try:
        _take(descriptor, time.monotonic() + patience)
        _note(descriptor, f"process {os.getpid()} in {ROOT} since {time.strftime('%H:%M:%S')}\n")
        try:
            yield
        finally:
            _note(descriptor, "")
    finally:
        os.close(descriptor)


def _take(descriptor: int, until: float) -> None:
    """Locks the file, trying until then (by time.monotonic). Raises HarnessError that names the holder."""
    told = ""
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 4096, 0).decode(errors="replace").strip() or "an unknown process"
        if time.monotonic() >= until:
            raise HarnessError(f"another measurement runs on this machine: {holder}; wait for it or stop it")
        if holder != told:
            print(f"waiting for another measurement on this machine: {holder}", file=sys.stderr, flush=True)
        told = holder
        time.sleep(1)


def _note(descriptor: int, text: str) -> None:
    """Replaces what the lock file says, if it may be written, for other machines too."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, os.fsencode(text), 0)
        os.fsync(descriptor)


@contextlib.contextmanager
def held(folder: Path, host: str) -> Iterator[None]:
    """Holds a run's folder, which is made where it is missing, against every other process on this machine, on another
    that shares the file system, or in a container. `host` is what those are told of this machine.

    Raises HarnessError that names the holder. A holder that dies lets go.
    """
    file = folder / RUN_LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _hold(file)
    except OSError as error:
        raise HarnessError(f"{file}: cannot be locked: {error.strerror}; --runs takes another folder") from error
    try:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        _note(descriptor, f"process {os.getpid()} of host {host[:12]} since {since}\n")
        yield
    finally:
        # While it is held: who opens it from now on makes another.
        with contextlib.suppress(OSError):
            file.unlink()
        os.close(descriptor)


def _hold(file: Path) -> int:
    """A descriptor by which the lock file is held. Raises OSError, and HarnessError where another holds it.

    The lock is a POSIX one, of a range of bytes, which NFS has in its protocol; flock holds for one machine only on
    some mounts of NFS, Lustre and others. Children do not inherit it. It ends when this process closes any descriptor
    of the file, so nothing else here opens that.
    """
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 4096, 0).decode(errors="replace").strip() or "an unknown process"
            os.close(descriptor)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise HarnessError(f"{file.parent}: {holder} measures into this folder; wait for it or stop it") from None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(file)):
                return descriptor
        # The holder before removed the file between opening and locking: this is not the one that others find.
        os.close(descriptor)


def die_with_parent(parent: int) -> None:
    """Has the kernel kill this process when the thread that started it ends, so that a killed Snakemake or harness
    leaves nothing running. `parent` is the process that should be the parent: if it is not, it has ended already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
