"""`python -m harness.reading.room`: says in one line, before anything else starts, where there is no room to work.

Like what it asks, it needs nothing that is installed."""

import sys

from harness.reading.command_line import status
from harness.record.room import require

if __name__ == "__main__":
    sys.exit(status("harness", require))
