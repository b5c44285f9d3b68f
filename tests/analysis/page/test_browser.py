"""The page in a real browser: drawn, quiet, by itself, usable on a phone and in the dark."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

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
AT = "document.activeElement"
FOLLOWED = "[...document.querySelectorAll('#figure-algorithms .legend input:checked')].map((one) => one.value)"
REACHABLE = "[...document.querySelectorAll('.switches input, .switches select, .legend input, summary, a[href]')]"


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
    ends = "[...document.querySelectorAll('.legend label')].map((one) => one.getBoundingClientRect().right)"
    assert 100 < max(opened.ask(ends)) <= 390
    cells = "[...document.querySelectorAll('.stacked td')].map((one) => one.getBoundingClientRect().width)"
    assert min(opened.ask(cells)) > 300


def test_on_paper_it_is_light_and_nothing_is_cut(opened: Opened, file: Path) -> None:
    opened.show(file, 700, 1000, "dark", "print")
    assert opened.ask(SHOWN) == SCHEMES["light"]
    ends = "[...document.querySelectorAll('main *:not(svg *)')].map((one) => one.getBoundingClientRect().right)"
    assert max(opened.ask(ends)) <= opened.ask("document.documentElement.clientWidth") + 1
    shown = "[...document.querySelectorAll('nav, details.rows')].filter((one) => one.checkVisibility()).length"
    assert opened.ask(shown) == 0


def test_legends_and_switches_list_what_there_is(opened: Opened, file: Path) -> None:
    opened.show(file, 1400, SIZES[1400], "light")
    listed = (
        "[...document.querySelectorAll('#figure-conditions .legend label:not([hidden])')].map((one) => one.innerText)"
    )
    seen = []
    for shown in ("seconds waited", "canaries, relative to the fastest"):
        opened.ask(f"views.get('conditions').signal('quantity', '{shown}').runAsync().then(() => 1)")
        seen.append(opened.ask(listed))
    assert seen == [["waited"], ["clock", "throughput"]]
    isas = "[...document.querySelectorAll('#figure-algorithms input[name=isa]')].filter((one) => one.checkVisibility())"
    assert opened.ask(f"{isas}.length") == 2
    opened.ask(CHOOSE.format("broadwell"))
    assert opened.ask(f"{isas}.map((one) => one.value)") == ["AVX2"]


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


def test_keys_alone_switch_a_figure_and_put_a_series_in_front(opened: Opened, file: Path) -> None:
    opened.show(file, 1400, SIZES[1400], "light")
    assert opened.ask(f"{REACHABLE}.filter((one) => one.tabIndex < 0).length") == 0
    assert opened.ask("[...document.querySelectorAll('.vega-bind')].filter((one) => !one.ariaLabel).length") == 0
    # Away from the choice, and back: the points follow each time.
    before = opened.ask(POINTS)
    opened.ask("document.querySelector('#figure-algorithms input[name=isa]:checked').focus()")
    opened.press(Keys.ARROW_DOWN)
    opened.until(f"{POINTS} !== {json.dumps(before)}")
    opened.press(Keys.ARROW_UP)
    opened.until(f"{POINTS} === {json.dumps(before)}")
    # On by the tabulator to what stands in the legend.
    opened.press(Keys.TAB)
    while not opened.ask(f"{AT}.closest('.legend') !== null"):
        assert opened.ask(f"{AT}.closest('#figure-algorithms') !== null")
        opened.press(Keys.TAB)
    assert opened.ask(f"getComputedStyle({AT}).outlineStyle") == "solid"
    name = opened.ask(f"{AT}.value")
    assert (opened.ask(FAINT), opened.ask(FOLLOWED)) == (0, [])
    opened.press(Keys.SPACE)
    opened.until(f"{FAINT} > 0")
    assert opened.ask(FOLLOWED) == [name]
    assert opened.ask("document.querySelector('#figure-algorithms [role=status]').textContent").endswith(f": {name}")
    opened.press(Keys.SPACE)
    opened.until(f"{FAINT} === 0")


def test_a_click_on_an_entry_puts_it_in_front(opened: Opened, file: Path) -> None:
    opened.show(file, 1400, SIZES[1400], "light")
    opened.click("#figure-algorithms .legend label")
    opened.until(f"{FAINT} > 0")
