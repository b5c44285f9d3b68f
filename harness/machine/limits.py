"""What the system lets this process have. Nothing but the standard library is imported here, as in `errors`."""

from __future__ import annotations

import math
import os
import re
import resource
from pathlib import Path

from harness.machine.system import read
from harness.record.errors import HarnessError

# Interpreter, libraries and their threads take 0.4 GB of address space; beneath that OpenBLAS, which NumPy loads, waits
# for ever or ends the process.
LEAST_ADDRESS_SPACE = 1 << 30


def address_space() -> float:
    """The address space that this process may have, in bytes (`ulimit -v`); infinite where there is no limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if limit == resource.RLIM_INFINITY else limit


def address_space_left() -> float:
    """What of it is not taken yet, in bytes."""
    taken = re.match("[0-9]+", read(Path("/proc/self/statm")))  # in pages
    return max(0.0, address_space() - (int(taken[0]) * os.sysconf("SC_PAGE_SIZE") if taken else 0))


def require_address_space() -> None:
    """Raises HarnessError where the libraries could not even be loaded."""
    if address_space() < LEAST_ADDRESS_SPACE:
        raise HarnessError(
            f"`ulimit -v` allows {address_space() / 1e6:.0f} MB of address space; raise it to "
            f"{LEAST_ADDRESS_SPACE / 1e6:.0f} MB at least, or take it away: `ulimit -v unlimited`"
        )
