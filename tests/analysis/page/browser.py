"""A real browser, headless, that opens a page from the file system and tells what happened."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

WAYS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
WAYS += ("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")
SECONDS = 120


class Opened:
    """A page in the browser."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def show(self, page: Path, width: int, height: int, scheme: str, media: str = "") -> None:
        """Opens the page anew in a window of this size, light or dark, and waits until its figures are drawn. With
        media "print" as it is printed."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        self.driver.get(page.resolve().as_uri())
        WebDriverWait(self.driver, SECONDS, 0.2).until(lambda _: self.ask("document.documentElement.dataset.drawn"))

    def ask(self, expression: str) -> Any:
        """What an expression of JavaScript is worth; of a promise, in the end."""
        script = f"const done = arguments[0]; Promise.resolve({expression}).then(done, (error) => done('' + error))"
        return self.driver.execute_async_script(script)

    def click(self, selector: str) -> None:
        """Clicks with the mouse on the first element that a selector of CSS finds."""
        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        ActionChains(self.driver).scroll_to_element(element).click(element).perform()

    def press(self, key: str) -> None:
        """Presses a key, for whatever has the focus."""
        ActionChains(self.driver).send_keys(key).perform()

    def until(self, expression: str) -> None:
        """Waits until an expression of JavaScript is true."""
        WebDriverWait(self.driver, SECONDS, 0.05).until(lambda _: self.ask(expression) is True, expression)

    def complaints(self) -> list[str]:
        """What the console said since the last time."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """The addresses that were asked for since the last time."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def picture(self, file: Path) -> None:
        """Writes what is seen now."""
        file.write_bytes(base64.b64decode(self.driver.get_screenshot_as_base64()))


@contextmanager
def browser(profile: Path) -> Iterator[Opened]:
    """Debian's Chromium with a user's folder of its own; skips the test where it is not installed."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and chromedriver):
        pytest.skip("no chromium and chromedriver here (Debian: apt install chromium chromium-driver)")
    options = Options()
    options.binary_location = chromium
    for way in (*WAYS, f"--user-data-dir={profile}"):
        options.add_argument(way)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(chromedriver))
    try:
        driver.set_script_timeout(SECONDS)
        yield Opened(driver)
    finally:
        driver.quit()
