"""The command line: `python -m harness --help`."""

from __future__ import annotations

from harness.record.errors import told_in_one_line

with told_in_one_line():  # imports take long enough to be interrupted, and memory that may not be there
    import argparse
    import json
    import sys
    from collections.abc import Iterator
    from contextlib import contextmanager, redirect_stdout
    from pathlib import Path
    from typing import TextIO

    from harness.machine.limits import require_address_space
    from harness.record.console import print_everywhere
    from harness.record.files import ROOT
    from harness.record.schema import schema

    require_address_space()
    from harness import peers
    from harness.doctor import assembly, doctor, passes
    from harness.exchange import bundle
    from harness.machine.lock import die_with_parent, exclusive
    from harness.native import build
    from harness.record import configuration
    from harness.record.store import write_whole
    from harness.run import measure

BUILT = ROOT / "results" / "build"
ASSEMBLY = BUILT / "assembly"
RUNS = ROOT / "results" / "runs"
RECORDED = ROOT / "results" / "recorded"

EXAMPLES = """\
examples:
  python -m harness doctor                      what was detected, what disturbs measurements here
  python -m harness passes --elements 4096      every pass in cache
  python -m harness passes --elements 33554432 --isas avx2 --json
  python -m harness plan --protocol full        what a run would do, and how long
  python -m harness measure --protocol smoke    the run itself (`snakemake reproduce-all` builds, measures and draws)
  python -m harness pack results/runs/MACHINE/RUN   one file that carries a complete run to another machine
  python -m harness adopt MACHINE-RUN.tar.gz    checks it there, and files it below results/recorded

To measure, the kernels must be built: `snakemake build` (or `make reproduce-all`, which does everything).
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="python -m harness",
        description="Measures softmax algorithms on this machine.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def plain(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = plain(name, text)
        sub.add_argument("--isas", nargs="+", metavar="ISA", help="scalar, avx2, avx512f (default: config.yaml's)")
        sub.add_argument("--compilers", nargs="+", metavar="NAME", help="the first is primary (default: config.yaml's)")
        sub.add_argument(
            "--config", type=Path, default=configuration.CONFIG_FILE, metavar="FILE", help="default: %(default)s"
        )
        sub.add_argument("--built", type=Path, default=BUILT, metavar="DIR", help="extensions (default: %(default)s)")
        return sub

    command("doctor", "Shows what was detected, what disturbs measurements here, and what to do about each.")
    one = command("passes", "Times every pass and ISA at one length: the best variant against this machine's limits.")
    one.add_argument("--elements", type=positive, required=True, metavar="N", help="length of the vectors")
    one.add_argument(
        "--cache-state",
        choices=("warm", "paper", "cold"),
        default="warm",
        help="what holds before each call: the same operands as before; the input just read and the output evicted, "
        "as in the paper; nothing in any cache (default: %(default)s)",
    )
    one.add_argument("--json", action="store_true", help="for programs")
    for name, text in (
        ("plan", "Says what a run would measure and how long that would take."),
        ("measure", "Measures this machine, or goes on with a run that was stopped."),
    ):
        run = command(name, text)
        run.add_argument("--protocol", metavar="NAME", help="smoke, quick, full or paper (default: config.yaml's)")
        run.add_argument("--tuning", metavar="NAME", help="measured or paper (default: config.yaml's)")
        run.add_argument(
            "--peers", nargs="+", metavar="NAME", help=f"other libraries: {', '.join(peers.names())} (see `make peers`)"
        )
        run.add_argument(
            "--machine", metavar="NAME", help="overrides detection, which is recorded: the run is then no evidence"
        )
    run.add_argument(
        "--runs", type=Path, default=RUNS, metavar="DIR", help="below which runs lie (default: %(default)s)"
    )
    run.add_argument("--log", type=Path, metavar="FILE", help="write what is told into this file as well")
    run.add_argument("--parent", type=int, metavar="PID", help="end when this process, which started this one, ends")
    run.add_argument("--name-in", type=Path, metavar="FILE", help="write the run's folder into this file")
    make = command("build", "Compiles one extension.")
    make.add_argument("--compiler", required=True, metavar="NAME")
    make.add_argument(
        "--target", required=True, choices=(*schema("config")["$defs"]["isa"]["enum"], build.HOST, build.ONEDNN)
    )
    make.add_argument("--output", type=Path, required=True, metavar="FILE")
    texts = command("assembly", "Compiles the kernels of every compiler and ISA to assembly, for predictions.")
    texts.add_argument("--output", type=Path, default=ASSEMBLY, metavar="DIR", help="default: %(default)s")
    pack = plain("pack", "Makes one file of a complete run, to be adopted elsewhere.")
    pack.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    pack.add_argument("--output", type=Path, metavar="FILE", help="default: MACHINE-RUN.tar.gz in the current folder")
    adopt = plain("adopt", "Checks a packed run and files it among the recorded ones; nothing in it is executed.")
    adopt.add_argument("bundle", type=Path, metavar="BUNDLE", help="what `pack` made")
    adopt.add_argument("--recorded", type=Path, default=RECORDED, metavar="DIR", help="default: %(default)s")
    return top


def positive(text: str) -> int:
    """An argument that counts elements."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a length; it is at least 1")
    return value


class Both:
    """A stream that writes to two."""

    def __init__(self, *streams: TextIO) -> None:
        self.streams = streams

    def write(self, text: str) -> None:
        """Writes to both, at once: what is told here and the progress on standard error keep their order."""
        for stream in self.streams:
            stream.write(text)
            stream.flush()

    def flush(self) -> None:
        """Nothing is left to flush."""


@contextmanager
def logged(log: Path | None) -> Iterator[None]:
    """Has what is printed stand in the file `log` as well."""
    if log is None:
        yield
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8", errors="backslashreplace") as file, redirect_stdout(Both(sys.stdout, file)):
        yield


def run(arguments: argparse.Namespace) -> None:
    """Does what the command line says."""
    # These work where nothing is built and whatever is configured.
    if arguments.command == "pack":
        print(bundle.pack(arguments.run, arguments.output))
        return
    if arguments.command == "adopt":
        folder, new = bundle.adopt(arguments.bundle, arguments.recorded)
        print(f"{folder}: {'adopted' if new else 'already adopted'}")
        return
    overrides = {key: getattr(arguments, key, None) for key in configuration.OVERRIDABLE}
    settings = configuration.load(arguments.config, overrides)
    if arguments.command == "build":
        build.build(settings, arguments.compiler, arguments.target, arguments.output)
        return
    if arguments.command == "assembly":
        assembly.write(settings, arguments.output)
        return
    if arguments.command == "doctor":
        print(doctor.report(settings, arguments.built))
        return
    peers.check_names(settings["peers"])
    measure.check_named(settings, arguments.built, arguments.isas, arguments.compilers)
    if arguments.command == "passes":
        with exclusive():
            results = passes.measure_passes(settings, arguments.built, arguments.elements, arguments.cache_state)
        print(json.dumps(passes.as_data(results), indent=1) if arguments.json else passes.table(results))
    elif arguments.command == "plan":
        print(measure.planned_text(settings, arguments.built))
    else:
        if arguments.parent:
            die_with_parent(arguments.parent)
        with logged(arguments.log):
            folder = measure.measure(settings, arguments.built, arguments.runs)
        if arguments.name_in:
            write_whole(arguments.name_in, f"{folder}\n")


def main() -> None:
    """Runs the command line."""
    with told_in_one_line():
        print_everywhere()
        run(parser().parse_args())
        if sys.stdout:  # closed by whoever called
            sys.stdout.flush()


if __name__ == "__main__":
    main()
