"""What the command lines share: how commands are found and helped, how errors become one line, and exit statuses.

A package's commands are files of its room `commands`. A file's docstring says what the command does, its OPTIONS what
it takes, and its `run(options)` does it; that may return an exit status. The room's docstring is the help of them all,
with examples, and its NAMES are the commands in the order in which help shows them.

Nothing but the standard library is imported here, and only the command that is asked for: libraries take long enough to
be interrupted, and memory that may not be there, which is told in one line too.
"""

import argparse
import ast
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from harness.record.errors import HarnessError, described, is_limit

EXIT_STATUS = """\
exit status: 0 done; 2 an error you can fix, in one line; 130 interrupted"""


def option(*names: str, **how: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """One of a command's OPTIONS, or of what it takes without a name, in argparse's words."""
    return names, how


def main(package: str, arguments: Sequence[str] | None = None) -> int:
    """Runs one command of a package, by default the one of this process's arguments; returns the exit status."""
    return status(package, lambda: _run(package, arguments))


def status(program: str, do: Callable[[], int | None]) -> int:
    """Does something and returns the exit status: 2, after one line on standard error, for what a person can mend, 130
    for an interrupt. What is a fault of the program itself keeps its traceback."""
    try:
        with _noting_interrupts() as noted:
            return do() or 0
    except KeyboardInterrupt:
        return _interrupted(program)
    except BrokenPipeError:
        _print_no_more()
        return 0
    except Exception as error:
        if noted:
            return _interrupted(program)
        if not (isinstance(error, HarnessError | OSError) or is_limit(error)):
            raise
        print(f"{program}: {described(error)}", file=sys.stderr)
        if isinstance(error, OSError) and error.filename is None:  # of the output, where `described` says so
            _print_no_more()
        return 2


@contextmanager
def _noting_interrupts() -> Iterator[list[int]]:
    """Has each interrupt be noted as well: a library that is interrupted while it is imported may make an ImportError
    of it."""
    noted: list[int] = []

    def interrupt(number: int, _: object) -> NoReturn:
        noted.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupted(program: str) -> int:
    print(f"{program}: interrupted; to go on, give the same command again", file=sys.stderr)
    return 130


def _run(package: str, arguments: Sequence[str] | None) -> int | None:
    # What standard output's encoding lacks (± in the C locale, a path that is no UTF-8) is escaped instead of failing;
    # standard error does so of its own.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    room = import_module(f"{package}.commands")
    about, _, examples = (room.__doc__ or "").partition("\nexamples:\n")
    top = _parser(f"python -m {package}", about, f"examples:\n{examples}\n{EXIT_STATUS}")
    listed = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in room.NAMES:
        file = Path(room.__path__[0], f"{_module(name)}.py")
        about = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        listed.add_parser(name, help=about.split("\n\n")[0], add_help=False)
    chosen, rest = top.parse_known_args(arguments)
    command = import_module(f"{room.__name__}.{_module(chosen.command)}")
    parser = _parser(f"python -m {package} {chosen.command}", command.__doc__ or "")
    for names, how in command.OPTIONS:
        parser.add_argument(*names, **how)
    result = command.run(parser.parse_args(rest))
    if sys.stdout:  # closed by whoever called
        sys.stdout.flush()
    return result


def _module(name: str) -> str:
    return name.replace("-", "_")


def _parser(program: str, about: str, examples: str | None = None) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=program, description=about, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _print_no_more() -> None:
    """Has what is still to be printed go nowhere: where standard output is full or its reader has gone, Python would
    try it once more at the end, with a message and a status of its own."""
    if not sys.stdout:
        return
    with suppress(io.UnsupportedOperation):  # what stands in for it has no file below
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
