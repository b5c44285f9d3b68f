"""Says what a run would measure and how long that would take."""

import argparse

from harness.commands.options import add_run, measurable
from harness.run import measure

add_arguments = add_run


def run(options: argparse.Namespace) -> None:
    """Prints the plan."""
    print(measure.planned_text(measurable(options), options.built))
