"""Says what a run would measure and how long that would take."""

import argparse

from harness.commands.options import add_run, measurable
from harness.run import prepare

add_arguments = add_run


def run(options: argparse.Namespace) -> None:
    """Prints the plan."""
    print(prepare.planned_text(measurable(options), options.built))
