"""`reproduce-MACHINE`: on that machine measure, then draw; elsewhere draw from its recorded runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from harness import peers
from harness.machine import detection, identity
from harness.native import build
from harness.native.extensions import Host, is_current
from harness.record import catalog
from harness.record.configuration import Config
from harness.record.errors import HarnessError

RESULTS = Path("results")
PEERS_ENVIRONMENT = Path(".venv-peers")
QUIET = ("--quiet", "rules", "progress", "reason", "host")


def is_here(config: Config, name: str, built: Path) -> bool:
    """Whether this is the machine `name`. Compiles the host part if that is missing or old; where it can't be asked
    (another architecture, no compiler), nothing could be measured anyway."""
    if config.get("machine") is not None:
        return config["machine"] == name
    try:
        detection.require_x86_64()
        compilers, _ = build.find_compilers(config)
        library = build.extension_path(built, compilers[0].name, build.HOST)
        if not (library.exists() and is_current(config, built, compilers[0].name, build.HOST)):
            build.build(config, compilers[0].name, build.HOST, library)
        return identity.identify(detection.facts(Host(built, compilers[0].name).processor())).name == name
    except HarnessError:
        return False


def command(config: Config, changed: Mapping[str, object], name: str, built: Path) -> list[str]:
    """The Snakemake, as words, that measures and draws, or only draws; of one of the paper's machines without a run
    what the model expects. `changed` is what the command line overrides.

    Raises HarnessError where this is another machine, no run of it is at hand, and the model does not know it.
    """
    if is_here(config, name, built):
        return here(changed)
    known = identity.load().get(name)
    predicted = known is not None and known.performance is not None and bool(known.paper_isas)
    if name in catalog.newest_complete(RESULTS):
        return ["snakemake", f"figures-{name}", *(["predict"] if predicted else []), *QUIET]
    if not predicted:
        raise HarnessError(missing(name))
    told = f"{missing(name)}. Drawn instead: what the model expects of it, in results/predicted/{name}/"
    return ["sh", "-c", 'echo "$0" >&2; exec "$@"', told, "snakemake", "predict", *QUIET]


def here(changed: Mapping[str, object]) -> list[str]:
    """The Snakemake, as words, that measures this machine and draws."""
    settings = [f"{key}={_flow(value)}" for key, value in changed.items()]
    return ["snakemake", "reproduce-all", *QUIET, *(["--config", *settings] if settings else [])]


def with_peers(config: Config, changed: Mapping[str, object]) -> list[str]:
    """The same in the environment that has the peers, with all of them unless the configuration names some.

    Raises HarnessError where that environment has not been made.
    """
    scripts = PEERS_ENVIRONMENT / "bin"
    if not (PEERS_ENVIRONMENT / "ready").exists():
        raise HarnessError(f"{PEERS_ENVIRONMENT} is missing: `make peers` sets it up, then measures")
    path = f"PATH={scripts.resolve()}:{os.environ['PATH']}"
    return ["env", path, *here({**changed, "peers": config["peers"] or peers.names()})]


def _flow(value: object) -> str:
    return f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)


def missing(name: str) -> str:
    """Which machine is needed, and how a run is brought from it."""
    known = identity.load()
    product = ""
    if name in known:
        source = known[name].sources["product"]
        product = f" ({known[name].product}{', recalled' if source == 'recalled' else ''})"
    return (
        f"there is no run of {name}{product}, and this is another machine: on it, `make reproduce-all` and "
        "`python -m harness pack RUN`; here, `python -m harness adopt BUNDLE`"
    )
