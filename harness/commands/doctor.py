"""Shows what was detected, what disturbs measurements here, and what to do about each."""

import argparse

from harness.commands.options import add_settings, settings
from harness.doctor import doctor

add_arguments = add_settings


def run(options: argparse.Namespace) -> None:
    """Prints the report."""
    print(doctor.report(settings(options), options.built))
