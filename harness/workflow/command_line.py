"""What stands wrong on Snakemake's command line, told in one line. Snakemake would end with a traceback, before it
reads the Snakefile."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from snakemake.cli import parse_config


def check(words: Sequence[str]) -> None:
    """Ends Snakemake with one line and status 2 about the first word that sets nothing, or names no file of settings;
    also where a site's profile, which nobody named, would decide what is measured where. The profile asks for this."""
    if (site := os.environ.get("SNAKEMAKE_PROFILE")) and not [*values(words, "--profile")]:
        _end(f"SNAKEMAKE_PROFILE is {site}, of which nothing is meant for this: --profile none, or profiles/slurm")
    for word in values(words, "--config", "-C"):
        try:
            parse_config([word])
        except (ValueError, AssertionError):
            _end(f"--config {word}: is not NAME=VALUE; targets stand before --config")
    for word in values(words, "--configfile", "--configfiles"):
        if not Path(word).is_file():
            _end(f"--configfile {word}: no such file; targets stand before --configfile")


def cores(words: Sequence[str]) -> str | None:
    """How many processors are used at once: of this machine all; on a cluster its profile tells, which this one would
    go before."""
    return None if "slurm" in [Path(word).name for word in values(words, "--profile")] else "all"


def values(words: Sequence[str], *options: str) -> Iterator[str]:
    """Those of the words that argparse takes for values of an option, by its names, which takes several."""
    is_its = False
    for word in words:
        option, has_value, value = word.partition("=")
        if word.startswith("-"):
            is_its = option in options
            if is_its and has_value:
                yield value
        elif is_its:
            yield word


def _end(told: str) -> None:
    print(f"snakemake: {told}", file=sys.stderr)
    sys.exit(2)
