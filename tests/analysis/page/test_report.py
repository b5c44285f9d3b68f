"""The page: whole, of the tables' numbers, nobody's, and honest about what is not there."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from analysis.claims.quantities import QUANTITIES
from analysis.claims.told import number
from analysis.page import report
from analysis.page.charts import Bars
from analysis.page.found import Found
from analysis.page.pictures import PICTURES
from analysis.tables.speedups import pooled_speedups
from harness.reading import names
from tests.analysis.page.conftest import MACHINES, page_of
from tests.synthetic import MakeRun

LARGEST = 6_000_000


@pytest.fixture
def nothing(tmp_path: Path) -> str:
    return page_of(Found.of(tmp_path))


def tables(page: str) -> dict[str, dict[str, list]]:
    return json.loads(re.search(r'<script type="application/json" id="tables">(.*?)</script>', page, re.DOTALL)[1])


def without_scripts(page: str) -> str:
    return re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)


def test_four_machines_are_one_file_that_asks_for_no_other(page: str) -> None:
    assert len(page.encode()) <= LARGEST
    assert re.findall(r'\b(?:src|srcset|action)="', without_scripts(page)) == []
    assert re.findall(r"<(?:link|img|iframe|object|embed)\b", without_scripts(page)) == []
    assert [link for link in re.findall(r'href="([^"]*)"', without_scripts(page)) if "//" in link] == []
    assert "default-src 'none'" in page


def test_numbers_are_those_of_the_tables(found: Found, page: str) -> None:
    (body,) = (its for its in found.bodies if its.newest.machine.name == MACHINES[0])
    assert len(body.runs) == 2
    shown = tables(page)["speedup"]
    rows = [dict(zip(shown["columns"], row, strict=True)) for row in shown["rows"]]
    expected = pooled_speedups(body)
    mine = [row for row in rows if row["machine"] == found.label(body.newest)]
    assert len(mine) == len(expected)
    for _, row in expected.iterrows():
        (its,) = (
            one
            for one in mine
            if (one["isa"], one["compiler"], one["elements"])
            == (names.ISAS[row["isa"]], row["compiler"], row["elements"])
        )
        for name in ("speedup_percent_median", "speedup_percent_low", "speedup_percent_high"):
            assert its[name] == float(f"{row[name]:.6g}")


@pytest.mark.parametrize("name", ["bandwidth", "bandwidth-later", "breakdown", "controls"])
def test_compilers_are_chosen_and_never_mixed(found: Found, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    of_first = Found.table

    def of_two(self: Found, figure: str) -> pd.DataFrame:
        table = of_first(self, figure)
        return pd.concat([table, table.assign(compiler="icc")], ignore_index=True)

    monkeypatch.setattr(Found, "table", of_two)
    picture = next(its for its in PICTURES if its.name == name)
    table, plot = picture.table(found), picture.plot(found)
    place = [plot.rows, plot.part] if isinstance(plot, Bars) else [plot.x.column, plot.series]
    assert set(table["compiler"]) == {"gcc", "icc"}
    assert not table.duplicated([*plot.switches, *place]).any()


def test_beside_libraries_are_the_papers_algorithms_and_one_that_came_later(found: Found) -> None:
    table = next(its for its in PICTURES if its.name == "peers").table(found)
    ours = table[table["title"] == "this project"].groupby("machine")["name"].unique()
    papers = {"three-pass-recompute", "three-pass-reload", "two-pass"}
    assert len(ours) and all(papers <= set(names) and len(names) <= 4 for names in ours)
    assert set(table["title"]) > {"this project"} and (table["elements"] > 1).all()


def test_every_verdict_is_there_with_its_number_its_reason_and_its_evidence(found: Found, page: str) -> None:
    ids = set(re.findall(r'id="([^"]*)"', page))
    told = without_scripts(page)
    for judgement in found.judgements:
        assert f'id="claim-{judgement.claim.id}"' in told
        assert number(judgement) in told
        assert QUANTITIES[judgement.claim.quantity].section in ids
    assert ids.issuperset(its.section for its in QUANTITIES.values())
    assert set(re.findall(r'href="#([^"]*)"', told)) <= ids


def test_a_reason_is_told_in_two_parts_without_a_loss() -> None:
    assert report.split("too few processes; at 1M elements; gcc") == ("too few processes", "at 1M elements; gcc")
    assert report.split("noise floor 1 %; over reloading; gcc") == ("over reloading", "gcc; noise floor 1 %")
    missing = "no rows of 'frontier' (the run has: passes)"
    assert report.split(f"runs/m/r: {missing}") == ("no rows of 'frontier'", "(the run has: passes); runs/m/r")
    assert report.split("the processor lacks AVX512F") == ("the processor lacks AVX512F", "")


def test_of_more_machines_than_it_shows_the_page_has_the_verdicts_and_a_list(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.page.found.MOST", 2)
    few = Found.of(found.results)
    told = [(its.claim.id, its.machine, its.verdict, number(its)) for its in few.judgements]
    assert told == [(its.claim.id, its.machine, its.verdict, number(its)) for its in found.judgements]
    shown = {its.newest.machine.name for its in few.bodies}
    assert len(shown) == len(few.others) == 2 and shown | {*few.others} == {*MACHINES}
    assert shown < {"skylake-x", "broadwell", "zen2"}, "claims are about them"
    page = page_of(few)
    others = {few.labels[name] for name in few.others}
    for name, table in tables(page).items():
        place = table["columns"].index("machine")
        assert name == "model" or others.isdisjoint(row[place] for row in table["rows"])
    (listed,) = re.findall(r'<section id="others".*?</section>', page, re.DOTALL)
    for name, its in few.others.items():
        assert f'<a href="figures/{name}/">{few.labels[name]}</a></th><td>{its.pooled}</td>' in listed
    folded = [int(count) for count in re.findall(r"<summary>(\d+) other machines?: ", page)]
    assert sum(folded) == sum(its.machine in few.others for its in few.judgements)
    assert set(re.findall(r'href="#([^"]*)"', without_scripts(page))) <= set(re.findall(r'id="([^"]*)"', page))


def test_nothing_personal_is_in_it(page: str, personal: list[str]) -> None:
    assert [word for word in personal if word in page] == []


def test_figures_have_titles_alternatives_and_their_table(page: str) -> None:
    drawn = re.findall(r'<figure id="figure-([a-z-]+)"(.*?)</figure>', page, re.DOTALL)
    assert {name for name, _ in drawn} == set(tables(page)) - {"caches"}
    assert {name for name, _ in drawn} == {picture.name for picture in PICTURES}
    for name, content in drawn:
        assert f'<h3 id="title-{name}">' in content and "as a table</summary>" in content
        assert re.search(r'role="img" aria-label="[^"]{40,}"', content)


def test_every_figure_names_its_machine(page: str) -> None:
    specs = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert len(specs) == len(PICTURES)
    for spec in specs:
        (machine,) = (its for its in json.loads(spec)["params"] if its["name"] == "machine")
        assert machine["value"] in machine["bind"]["options"]


def test_a_prediction_says_that_it_is_one(page: str) -> None:
    (section,) = re.findall(r'<section id="predictions".*?</section>', page, re.DOTALL)
    assert "Predicted, not measured." in section
    shown = tables(page)["model"]
    series = {row[shown["columns"].index("series")] for row in shown["rows"]}
    assert series and all(name.endswith("(model)") for name in series)


def test_what_was_sealed_is_told_of_every_machine_with_how_it_fared(nothing: str) -> None:
    (section,) = re.findall(r'<section id="predictions".*?</section>', nothing, re.DOTALL)
    for name in ("amd-epyc-25-1, gcc and clang", "skylake-x, gcc", "broadwell, gcc", "zen2, gcc"):
        assert re.search(rf"<li>{name}, sealed 20[^<]*: no later run of it yet</li>", section)


def test_without_a_run_it_says_so_and_has_what_the_model_expects(nothing: str) -> None:
    assert "There is no complete run here yet" in nothing
    assert set(tables(nothing)) == {"caches", "model"}
    assert "not run" in nothing


def test_a_smoke_run_decides_nothing(make_run: MakeRun) -> None:
    folder = make_run(protocol="smoke", isas=("avx2",), processes=1, rounds=2, parts=("algorithms",))
    page = page_of(Found.of(folder.parents[2]))
    assert "nothing is decided.</strong> a smoke run claims nothing" in page
    assert "No run here has this: what came after" not in page and "No run here has this" in page


def test_numbers_that_are_none_are_empty_and_text_cannot_end_a_script() -> None:

    table = pd.DataFrame({"name": ["</script>"], "value": [float("nan")], "more": [1234567.8]})
    assert report.columnar(table) == {"columns": ["name", "value", "more"], "rows": [["</script>", None, 1234570]]}
    assert "</script>" not in report.inline(report.columnar(table))
