"""Processes that are started for one job and tell what they find, message by message.

Messages have a pipe of their own, of which no library knows. What else a process prints, to standard output or error,
is read as it comes, and its end is kept for the case that the process fails.
"""

from __future__ import annotations

import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Generator, Iterator, Mapping
from importlib import import_module
from typing import Any, TextIO

from harness.machine.lock import die_with_parent
from harness.record.errors import HarnessError, Killed, TimeSpent, described
from harness.record.files import ROOT

Message = dict[str, Any]
CHUNK_BYTES, KEPT_BYTES = 1 << 16, 1 << 13
# How often a process is looked at that has closed nothing and tells nothing, as where it left its pipes to a child.
SECONDS_BETWEEN_LOOKS = 0.5
# From the last message to its end; to give back the largest arena takes a second.
SECONDS_TO_END = 30.0
_channel: TextIO | None = None


def ask(module: str, job: Mapping[str, Any], who: str, deadline: float = math.inf) -> Iterator[Message]:
    """Starts a process that calls main(job) of a module, and yields what it tells. The process is killed when nobody
    listens any more.

    Raises HarnessError in one line where it fails: what it says of itself, or what `who` ended with (Killed: by a
    signal). Raises TimeSpent where it has not ended at the `deadline` (by time.monotonic); it is killed then.
    """
    reading, writing = os.pipe()
    envelope = os.memfd_create("job")  # standard input as a file: no job is too large, and no pipe can fill
    try:
        os.write(
            envelope, json.dumps({"parent": os.getpid(), "channel": writing, "module": module, "job": job}).encode()
        )
        os.lseek(envelope, 0, os.SEEK_SET)
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.machine.processes"],
            stdin=envelope,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
        os.close(envelope)
    assert process.stdout
    with open(reading, "rb", buffering=0), process.stdout:
        try:
            printed = yield from _messages(process, reading, who, deadline)
        finally:
            process.kill()
            process.wait()
    if process.returncode < 0:
        raise Killed(f"{who} {_ending(process.returncode)}{last_line(printed)}", -process.returncode)
    if process.returncode:
        raise HarnessError(f"{who} {_ending(process.returncode)}{last_line(printed)}")


def _messages(
    process: subprocess.Popen[bytes], channel: int, who: str, deadline: float
) -> Generator[Message, None, bytes]:
    """Yields messages until the process has ended, and returns the end of what it printed."""
    assert process.stdout
    output = process.stdout.fileno()
    printed = unread = b""
    with selectors.DefaultSelector() as open_pipes:
        open_pipes.register(channel, selectors.EVENT_READ)
        open_pipes.register(output, selectors.EVENT_READ)
        while open_pipes.get_map():
            # What an ended process wrote is in its pipes, though a child that it left may go on to write.
            ended = process.poll() is not None
            ready = open_pipes.select(min(SECONDS_BETWEEN_LOOKS, max(0.0, deadline - time.monotonic())))
            for key, _ in ready:
                read = os.read(key.fd, CHUNK_BYTES)
                if not read:
                    open_pipes.unregister(key.fd)
                elif key.fd == output:
                    printed = (printed + read)[-KEPT_BYTES:]
                else:
                    *lines, unread = (unread + read).split(b"\n")
                    yield from (_message(line, who) for line in lines)
            if time.monotonic() >= deadline:
                raise TimeSpent(f"{who} was not done in time")
            if ended and channel not in [key.fd for key, _ in ready]:
                break
    try:
        process.wait(min(SECONDS_TO_END, max(0.0, deadline - time.monotonic())))
    except subprocess.TimeoutExpired:
        raise TimeSpent(f"{who} has closed its channel and did not end") from None
    return printed


def _message(line: bytes, who: str) -> Message:
    """One message. Raises HarnessError where it is none, and where the process says that it failed."""
    try:
        message = json.loads(line)
    except ValueError:
        message = None
    if not isinstance(message, dict):
        raise HarnessError(f"{who} sent no valid message: {line[:80]!r}")
    if "failed" in message:
        raise HarnessError(message["failed"])
    return message


def _ending(status: int) -> str:
    if status > 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def last_line(printed: bytes) -> str:
    """What a process printed last, after a colon; nothing where it printed nothing."""
    lines = [line.strip() for line in printed.decode(errors="replace").splitlines()]
    return next((f": {line}" for line in reversed(lines) if line), "")


def tell(**message: object) -> None:
    """One message for the process that started this one."""
    assert _channel, "this process was not started by `ask`"
    _channel.write(json.dumps(message) + "\n")
    _channel.flush()


def serve() -> None:
    """What a process does that `ask` has started: its job, then it ends. A failure is told in one line."""
    global _channel
    envelope = json.load(sys.stdin)
    os.set_inheritable(envelope["channel"], False)
    _channel = os.fdopen(envelope["channel"], "w", encoding="ascii")
    die_with_parent(envelope["parent"])
    try:
        import_module(envelope["module"]).main(envelope["job"])
    except KeyboardInterrupt:
        sys.exit(130)  # whoever interrupted this process has interrupted the one that listens
    except Exception as error:
        traceback.print_exc()
        tell(failed=described(error))
        sys.exit(1)


if __name__ == "__main__":
    # By its name, since __main__ is another module than the one whose `tell` is called.
    import_module("harness.machine.processes").serve()
