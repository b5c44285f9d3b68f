"""Shows what was detected, what disturbs measurements here, and what to do about each."""

import argparse

from harness.commands.options import SETTINGS, settings
from harness.doctor import doctor

OPTIONS = SETTINGS


def run(options: argparse.Namespace) -> None:
    """Prints the report."""
    print(doctor.report(settings(options), options.built))
