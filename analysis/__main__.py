"""The command line: `python -m analysis --help`."""

import sys

from harness.reading.command_line import main

if __name__ == "__main__":
    sys.exit(main("analysis"))
