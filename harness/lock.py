"""Only one measurement runs on a machine at a time, whichever checkout it was started from."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.config import ROOT
from harness.errors import HarnessError

LOCK_FILE = Path(tempfile.gettempdir()) / "two-pass-softmax-measurement.lock"
PR_SET_PDEATHSIG = 1


@contextlib.contextmanager
def exclusive(file: Path = LOCK_FILE) -> Iterator[None]:
    """Holds the machine's measurement lock. Raises HarnessError that names the holder. A holder that dies lets go."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise HarnessError(f"{file}: {error.strerror}") from error
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = lock.read().strip() or "an unknown process"
            raise HarnessError(f"another measurement runs on this machine: {holder}; wait for it or stop it") from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()} in {ROOT} since {time.strftime('%H:%M:%S')}\n")
        lock.flush()
        yield
        lock.seek(0)
        lock.truncate(0)


def die_with_parent() -> None:
    """Has the kernel kill this process when the thread that started it ends, so that a killed Snakemake or harness
    leaves nothing running."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the call
        os.kill(os.getpid(), signal.SIGKILL)
