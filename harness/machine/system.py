"""What the system tells in files of its own, as below /proc and /sys. Nothing but the standard library is imported
here, as in `errors`."""

from __future__ import annotations

from pathlib import Path


def read(path: Path) -> str:
    """The text of a system's file, without blanks around it; empty where the system has none, or shows it to others
    only."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except (OSError, ValueError):  # a path with a zero byte
        return ""
