"""Says what a run would measure and how long that would take."""

import argparse

from harness.commands.options import OF_A_RUN, measurable
from harness.run import prepare

OPTIONS = OF_A_RUN


def run(options: argparse.Namespace) -> None:
    """Prints the plan."""
    print(prepare.planned_text(measurable(options), options.built))
