"""The page in a real browser: drawn, quiet, by itself, usable on a phone and in the dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.page.pictures import PICTURES
from tests.analysis.page.browser import Opened, browser

SIZES = {1400: 900, 390: 844}
SCHEMES = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 27)"}
SHOWN = "getComputedStyle(document.body).backgroundColor"
MARKS = "[...document.querySelectorAll('#figure-algorithms .mark-symbol.role-mark path')]"
POINTS = f"{MARKS}.map((one) => one.getAttribute('transform')).join()"
FAINT = f"{MARKS}.filter((one) => +getComputedStyle(one).opacity < 0.5).length"
PLOTTED = """Object.fromEntries([...document.querySelectorAll('figure[data-picture]')].map((one) => [
  one.dataset.picture, one.querySelectorAll('.plot svg .mark-symbol path, .plot svg .mark-rect path').length]))"""
CHOOSE = """(() => {{ const one = document.querySelector('#figure-algorithms select');
  one.selectedIndex = [...one.options].findIndex((its) => its.text.includes('{}'));
  one.dispatchEvent(new Event('change'));
  return views.get('algorithms').runAsync().then(() => 1) }})()"""
ENTRY = "#figure-algorithms .role-legend-symbol path"
REACHABLE = "[...document.querySelectorAll('.switches input, .switches select, summary, a[href]')]"


@pytest.fixture(scope="module")
def file(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    with browser(tmp_path_factory.mktemp("profile")) as its:
        its.requests()
        yield its


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (390, "dark"), (1400, "dark"), (390, "light")])
def test_every_figure_is_drawn_and_no_request_leaves_the_file(
    opened: Opened, file: Path, width: int, scheme: str
) -> None:
    opened.show(file, width, SIZES[width], scheme)
    assert opened.ask(SHOWN) == SCHEMES[scheme]
    marks = opened.ask(PLOTTED)
    assert set(marks) == {picture.name for picture in PICTURES}
    assert [name for name, count in marks.items() if count < 2] == []
    assert opened.complaints() == []
    # What the browser asks of itself at its start, and what the page holds, is no request.
    assert {url for url in opened.requests() if not url.startswith(("chrome", "data:"))} == {file.as_uri()}
    # Nothing is wider than the window, and who opens it has the answers before the end of the second screen.
    assert opened.ask("document.documentElement.scrollWidth") <= width
    end = opened.ask("document.getElementById('answers').getBoundingClientRect().bottom + scrollY")
    assert end <= 2 * SIZES[width]


def test_on_a_phone_legends_are_whole_and_what_a_table_says_has_the_whole_width(opened: Opened, file: Path) -> None:
    opened.show(file, 390, SIZES[390], "light")
    labels = "[...document.querySelectorAll('.role-legend-label text')]"
    assert opened.ask(f"{labels}.filter((one) => one.textContent.endsWith('…')).length") == 0
    room = "(one) => one.closest('.plot').getBoundingClientRect().right - one.getBoundingClientRect().right"
    assert min(opened.ask(f"{labels}.map({room})")) >= 0
    cells = "[...document.querySelectorAll('.stacked td')].map((one) => one.getBoundingClientRect().width)"
    assert min(opened.ask(cells)) > 300


def test_on_paper_it_is_light_and_nothing_is_cut(opened: Opened, file: Path) -> None:
    opened.show(file, 700, 1000, "dark", "print")
    assert opened.ask(SHOWN) == SCHEMES["light"]
    ends = "[...document.querySelectorAll('main *:not(svg *)')].map((one) => one.getBoundingClientRect().right)"
    assert max(opened.ask(ends)) <= opened.ask("document.documentElement.clientWidth") + 1
    shown = "[...document.querySelectorAll('nav, details.rows')].filter((one) => one.checkVisibility()).length"
    assert opened.ask(shown) == 0


def test_a_legend_lists_what_is_shown(opened: Opened, file: Path) -> None:
    opened.show(file, 1400, SIZES[1400], "light")
    texts = "document.querySelectorAll('#figure-conditions .role-legend-label text')"
    listed = f"[...{texts}].map((one) => one.textContent)"
    seen = []
    for shown in ("seconds waited", "canaries, relative to the fastest"):
        opened.ask(f"views.get('conditions').signal('quantity', '{shown}').runAsync().then(() => 1)")
        seen.append(opened.ask(listed))
    assert seen == [["waited"], ["clock", "throughput"]]


def test_switches_switch_and_tables_follow(opened: Opened, file: Path) -> None:
    opened.show(file, 1400, SIZES[1400], "light")
    opened.ask("document.querySelector('#figure-algorithms details.rows').open = true")
    seen = set()
    for isa in ("AVX2", "AVX512F"):
        opened.ask(f"document.querySelector('#figure-algorithms input[value=\"{isa}\"]').click()")
        opened.ask("views.get('algorithms').runAsync().then(() => 1)")
        assert isa in opened.ask("document.querySelector('#figure-algorithms caption').textContent")
        seen.add(opened.ask(POINTS))
    assert len(seen) == 2


def test_a_machine_without_what_was_chosen_shows_what_it_has(opened: Opened, file: Path) -> None:
    opened.show(file, 1400, SIZES[1400], "light")
    opened.ask(CHOOSE.format("broadwell"))
    assert opened.ask("views.get('algorithms').signal('isa')") == "AVX2"
    assert opened.ask(f"{MARKS}.length") > 2


def test_the_legend_and_the_keyboard_reach_what_they_should(opened: Opened, file: Path) -> None:
    opened.show(file, 1400, SIZES[1400], "light")
    assert opened.ask(FAINT) == 0
    opened.click(ENTRY)
    opened.ask("views.get('algorithms').runAsync().then(() => 1)")
    assert opened.ask(FAINT) > 0
    assert opened.ask(f"{REACHABLE}.filter((one) => one.tabIndex < 0).length") == 0
    groups = "[...document.querySelectorAll('.vega-bind')]"
    assert opened.ask(f"{groups}.filter((one) => !one.getAttribute('aria-label')).length") == 0
