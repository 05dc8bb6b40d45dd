"""A report of the test network on the smallest engine, and a browser that opens pages."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from model import zoo
from sparsespike.cli.report import command

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 120_000
# How software-rendered WebGL comments on its own speed; a page cannot do anything about it.
NOISE = ("GPU stall due to ReadPixels", "willReadFrequently")


@pytest.fixture(scope="session")
def report_page(tmp_path_factory):
    """The page as the command line writes it; Markdown and tables stand beside it."""
    page = tmp_path_factory.mktemp("report") / "report.html"
    assert "tiny" in zoo.names()
    command(
        output=page,
        network="tiny",
        engine="micro",
        lanes=None,
        data=None,
        images=2,
        technology="asic-28nm",
        accuracy_images=32,
        cosim=None,
        note="",
        json_file=page.with_name("report.json"),
    )
    return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; skipped where there is none, but not in continuous integration."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'sparsespike[dev]'")
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no chromium on PATH, though CI installs it")
        pytest.skip("no chromium on PATH: apt-get install chromium")
    with playwright.sync_playwright() as engines:
        running = engines.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE_MS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def open_page(browser):
    """A function that opens a file as a page; what goes wrong is collected in `page.problems`."""

    def _open(path, scheme="light"):
        page = browser.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.problems = []

        def heard(message):
            noise = any(word in message.text for word in NOISE)
            if message.type in ("error", "warning") and not noise:
                page.problems.append(message.text)

        page.on("console", heard)
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("requestfailed", lambda request: page.problems.append(request.url))
        page.goto(path.as_uri())
        return page

    return _open


@pytest.fixture(scope="session")
def hover():
    """A function that moves the pointer onto a mark of a chart and gives the label's text."""

    def _hover(page, chart, marks):
        mark = page.locator(f"#chart-{chart} {marks}").last
        mark.scroll_into_view_if_needed()
        box = mark.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x - 2, y - 2)
        page.mouse.move(x, y)
        label = page.locator(f"#chart-{chart} .hoverlayer .hovertext")
        label.first.wait_for()
        return label.first.text_content()

    return _hover


@pytest.fixture(scope="session")
def fits_narrow_screens():
    """A function that fails if any tab of a page is wider than 400 pixels."""

    def _fits(page):
        page.set_viewport_size({"width": 400, "height": 800})
        for tab in page.locator("[role=tab]").all():
            tab.click()
            # charts follow the width in the next frames
            page.wait_for_function("document.documentElement.scrollWidth <= 400")

    return _fits
