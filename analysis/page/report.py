"""results/report.html: one file, which needs no network and asks for none."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import vl_convert
from altair.utils import schemapi
from markupsafe import Markup

from analysis import figures
from analysis.claims import verdicts
from analysis.claims.claims import Claim
from analysis.claims.quantities import QUANTITIES
from analysis.claims.told import number
from analysis.claims.verdicts import Judgement
from analysis.model import forecast, sealed
from analysis.page import facts
from analysis.page.found import Found
from analysis.page.pictures import PICTURES, Picture, caches
from analysis.page.template import FOLDER, environment
from analysis.tables.machines import BEST
from harness.reading import kept, names, parallel
from harness.record.errors import HarnessError
from harness.record.machines import load_machines

DIGITS = 6
"""Of numbers, as in the tables beside the figures."""


@dataclass(frozen=True)
class Shown:
    """A picture with what the page's script draws it from."""

    picture: Picture
    spec: Markup
    alt: str


def render(found: Found, appendix: str) -> str:
    """The page, as HTML, with the artifact appendix in it."""
    shown: dict[str, list[Shown]] = {}
    tables = {"caches": columnar(caches(found))}
    tasks: list[Callable[[], Any]] = [
        partial(library, found.results),
        *(partial(show, found, picture) for picture in PICTURES),
    ]
    # To bundle what draws the charts takes longest where it is not kept, so it comes first.
    script, *drawings = parallel.each(lambda make: make(), tasks)
    for picture, one in zip(PICTURES, drawings, strict=True):
        if one:
            spec, alt, tables[picture.name] = one
            shown.setdefault(picture.section, []).append(Shown(picture, spec, alt))
    missing = {picture.section: picture for picture in reversed(PICTURES) if picture.section not in shown}
    page = environment().get_template("report.html")
    return page.render(
        found=found,
        facts=facts,
        appendix=appendix,
        shown=shown,
        missing=missing,
        tables=inline(tables),
        verdicts=grouped(found.judgements),
        tallied=tallied,
        counts=counts(found.judgements),
        quantities=QUANTITIES,
        headlines={name: headlines(its.rows) for name, its in found.in_short.items()},
        drawn=list(drawn(found)),
        forecasts=forecasts(),
        fared=fared(found),
        style=Markup((FOLDER / "style.css").read_text(encoding="utf-8")),
        script=Markup((FOLDER / "page.js").read_text(encoding="utf-8")),
        library=Markup(script),
        measured=measured,
        split=split,
    )


def show(found: Found, picture: Picture) -> tuple[Markup, str, dict[str, Any]] | None:
    """A picture's chart, what it shows in words, and its table; None where no run has it."""
    table = picture.table(found)
    if table.empty:
        return None
    # Without a look of Altair at each part, which takes seconds: a browser draws them in a test.
    with schemapi.debug_mode(False):
        spec = picture.plot(found).chart(picture.name, table).to_dict(validate=False)
    return inline(spec), alternative(picture, table), columnar(table)


def library(results: Path) -> str:
    """Vega, Vega-Lite and Vega-Embed, as one script that asks for nothing. To bundle them takes three seconds, so it is
    kept below `results`."""
    name = f"vega-{version('vl-convert-python')}.js"
    if known := kept.read(results, name):
        return known
    made = vl_convert.javascript_bundle().replace("</script", r"<\/script")
    kept.write(results, name, made)
    return made


def inline(content: Any) -> Markup:
    """JSON that can stand in a page."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", r"\u003c"))


def columnar(table: pd.DataFrame) -> dict[str, Any]:
    """A table without its columns' names in every row: columns, and rows in their order."""
    return {"columns": list(table), "rows": [list(map(_plain, row)) for row in table.itertuples(index=False)]}


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            return None
        short = float(f"{value:.{DIGITS}g}")
        return int(short) if short.is_integer() else short
    return int(value) if isinstance(value, np.integer) else value


def alternative(picture: Picture, table: pd.DataFrame) -> str:
    """What a picture shows, for who does not see it."""
    return f"{picture.title}. {picture.says} {len(table)} rows; the table below the figure has those that are chosen."


def grouped(judgements: Sequence[Judgement]) -> dict[str, list[tuple[Claim, list[Judgement]]]]:
    """Whose claims, and of each what every machine says."""
    headings = {"paper": "What the paper claims", "ours": "What was found beyond it"}
    claims = list(dict.fromkeys(judgement.claim for judgement in judgements))
    return {
        heading: [
            (claim, [its for its in judgements if its.claim == claim]) for claim in claims if claim.whose == whose
        ]
        for whose, heading in headings.items()
        if any(claim.whose == whose for claim in claims)
    }


def tallied(judgements: Sequence[Judgement]) -> str:
    """How many of these have which verdict, in words."""
    said = Counter(its.verdict for its in judgements)
    return ", ".join(f"{count} {name}" for name, count in said.most_common())


def counts(judgements: Sequence[Judgement]) -> dict[str, dict[str, int]]:
    """How many verdicts of each kind the paper's claims have, on the machines that they are about and on others."""
    order = dict.fromkeys([*(name for pair in verdicts.ELSEWHERE.items() for name in pair), verdicts.NOT_RUN])
    told = {}
    for whose, is_native in (("on the machines that they are about", True), ("elsewhere", False)):
        said = [its.verdict for its in judgements if its.claim.whose == "paper" and its.is_native == is_native]
        told[whose] = {name: said.count(name) for name in order if name in said}
    return told


def headlines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was found of a machine, a sentence for each ISA."""
    told = []
    for row in rows:
        if row["isa"] == "scalar" and len(rows) > 1:
            continue
        found = names.interval(row[name] for name in BEST)
        wins = row["wins_from_elements"]
        since = "" if wins is None else f"; faster from {names.count(wins)} elements on"
        told.append(f"{names.ISAS[row['isa']]} {found}{since}")
    return told


def drawn(found: Found) -> Iterator[tuple[str, str, str]]:
    """The figures for papers: name, caption, and the machines that have it, as links."""
    for name in figures.names():
        held = [its.newest.machine.name for its in found.bodies if figures.experiment(name) in its.parts]
        if held:
            links = (Markup('<a href="figures/{0}/{1}.svg">{0}</a>').format(machine, name) for machine in held)
            yield name, figures.caption(name), Markup(", ").join(links)


def forecasts() -> list[Mapping[str, str]]:
    """What the model expects of each machine of the paper."""
    rows: list[Mapping[str, str]] = []
    for name, isas in forecast.predicted_machines().items():
        with suppress(HarnessError):
            expected = {names.ISAS[isa]: forecast.told(name, isa) for isa in isas}
            title = load_machines()[name].title
            rows += [{"machine": title, "isa": isa, "expected": told} for isa, told in expected.items()]
    return rows


def fared(found: Found) -> list[str]:
    """How each prediction fared that was sealed before anything was measured, a sentence each."""
    with suppress(HarnessError):
        return [one.told for one in sealed.judged(found.runs.get).values()]
    return []


def split(reason: str) -> tuple[str, str]:
    """A reason as what is said at once, and what is said to who asks."""
    first, _, rest = reason.partition("; ")
    if first.startswith("noise floor ") and rest:  # said of every number
        reason = f"{rest}; {first}"
    if folder := re.match(r"(\S+/\S+): ", reason):
        reason = f"{reason[folder.end() :]}; {folder[1]}"
    cut = re.search(r"; | \(the run has|, where ", reason)
    return (reason[: cut.start()], reason[cut.start() :].lstrip("; ,")) if cut else (reason, "")


def measured(judgement: Judgement) -> str:
    """The number of a verdict with its interval; a dash where nothing was measured."""
    return number(judgement) or "–"
