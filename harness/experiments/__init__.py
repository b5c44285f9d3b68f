"""What is compared: the kinds of experiments, one file each, and the experiments that config.yaml makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from harness.experiments.base import UNIFORM, Experiment, Kind
from harness.record.errors import HarnessError
from harness.record.run import Asked

KINDS = sorted(
    path.stem.replace("_", "-") for path in Path(__file__).parent.glob("*.py") if path.stem not in ("__init__", "base")
)
"""Every kind that there is a file for, as config.yaml calls it."""


def kind(name: str) -> Kind:
    """The kind of experiment that config.yaml calls so. Raises HarnessError where there is no file for it."""
    if name not in KINDS:
        raise HarnessError(f"experiments: contenders {name!r} is not one of {', '.join(KINDS)}")
    return import_module(f"{__name__}.{name.replace('-', '_')}").KIND


def experiments(described: Mapping[str, Mapping[str, Any] | Asked]) -> dict[str, Experiment]:
    """The experiments, by name, as config.yaml's `experiments` has them, or a run's protocol."""
    asked = {name: its if isinstance(its, Asked) else Asked(**its) for name, its in described.items()}
    return {
        name: Experiment(name, kind(its.contenders), its.cache_state or "", its.threads or "one", its.input or UNIFORM)
        for name, its in asked.items()
    }
