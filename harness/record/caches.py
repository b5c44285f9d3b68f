"""What caches hold, of whatever has caches: a run's machine, a machine that a file describes, a processor."""

from collections.abc import Sequence
from typing import Any

FLOAT_BYTES = 4
INPUT_IS_READ = ("paper", "reused")
"""The cache states in which the input is read, untimed, before each call."""
OUTPUT_STAYS = ("warm", "reused")
"""Those in which every call writes where the one before did, after an untimed one; in the others outputs rotate."""


class HasCaches:
    """Has `caches`, each with a `level` and its size in `bytes`, the smallest level first."""

    caches: Sequence[Any]

    def cache_bytes(self, level: int) -> int:
        """Size of the cache of this level in bytes, 0 where there is none."""
        return next((cache.bytes for cache in self.caches if cache.level == level), 0)

    @property
    def last_cache_bytes(self) -> int:
        """Size of the last-level cache in bytes, 0 where no cache is known."""
        return max(self.caches, key=lambda cache: cache.level).bytes if self.caches else 0

    @property
    def holds_bytes(self) -> int:
        """What the caches above L1 hold together."""
        return sum(cache.bytes for cache in self.caches if cache.level > 1)

    def is_out_of_cache(self, elements: Any) -> Any:
        """Whether the input alone, 4n bytes, is more than L2 and the last-level cache hold: of a number, or of each in
        an array."""
        return FLOAT_BYTES * elements > self.holds_bytes
