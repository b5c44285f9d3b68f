"""What processes that tests start do: each function is one way to talk, or to fail."""

import os
import signal
import sys
import time

from harness.machine import processes
from harness.machine.processes import tell
from harness.record.errors import HarnessError

MEGABYTE = 1 << 20


def print_much():
    for number in range(4):
        tell(number=number)
        for descriptor in (1, 2):
            os.write(descriptor, b"onednn_verbose,v1,primitive,exec,cpu,softmax\n" * (MEGABYTE // 45))


def print_strays():
    os.write(1, b'{"number": 7}\nno JSON\n\xff\xfe')
    print("a library that prints")
    tell(number=1)


def break_the_channel():
    os.write(processes._channel.fileno(), b"this is no message\n")
    time.sleep(60)


def say_what_is_wrong():
    tell(number=1)
    print("something else", file=sys.stderr)
    raise HarnessError("the vector is too long")


def fail():
    print("about to fail")
    raise ZeroDivisionError("division by zero\nand more")


def exit_without_a_word():
    print("the last words  \n\n", file=sys.stderr)
    os._exit(3)


def be_killed():
    print("before the end", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)


def leave_a_child():
    tell(number=1)
    if os.fork() == 0:
        time.sleep(5)


def hang():
    tell(pid=os.getpid())
    time.sleep(60)


def run_out_of_memory():
    raise MemoryError


def main(job):
    """Does what the job asks for."""
    globals()[job["act"]]()
