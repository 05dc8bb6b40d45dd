"""The page in a real browser: no errors, every chart drawn, tabs and hover work, dark and light."""

import os
import shutil

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'sparsespike[dev]'")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 120_000


def test_chromium_is_there_in_ci():
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("no chromium on PATH: apt-get install chromium")
    assert CHROMIUM is not None


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH: apt-get install chromium")
    with playwright.sync_playwright() as engines:
        running = engines.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE_MS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def visit(browser, report_page):
    """A function that opens the page from disk; problems are collected in `page.problems`."""

    def _visit(scheme):
        page = browser.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.problems = []
        page.on(
            "console",
            lambda message: (
                message.type in ("error", "warning") and page.problems.append(message.text)
            ),
        )
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("requestfailed", lambda request: page.problems.append(request.url))
        page.goto(report_page.as_uri())
        return page

    return _visit


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_tab_opens_and_draws_its_charts(visit, scheme):
    page = visit(scheme)
    tabs = page.locator("[role=tab]")
    assert tabs.count() == 7
    drawn = 0
    for index in range(tabs.count()):
        tab = tabs.nth(index)
        tab.click()
        panel = page.locator("#" + tab.get_attribute("aria-controls"))
        assert panel.is_visible()
        assert page.locator("[role=tabpanel]:visible").count() == 1
        for chart in panel.locator("[data-chart]").all():
            chart.locator(".main-svg").first.wait_for(state="visible")
            marks = chart.locator(".bars path, .scatterlayer .points path")
            assert marks.count() > 0, chart.get_attribute("data-chart")
            drawn += 1
    assert drawn == page.evaluate(
        "Object.keys(JSON.parse(document.getElementById('figures').textContent)).length"
    )
    assert page.problems == []
    page.close()


def test_a_link_opens_its_tab_and_arrows_move_on(visit, report_page):
    page = visit("light")
    page.goto("about:blank")
    page.goto(report_page.as_uri() + "#/sparsity")
    assert page.locator("#sparsity").is_visible()
    page.locator("#tab-sparsity").press("ArrowRight")
    assert page.locator("#accuracy").is_visible()
    assert page.evaluate("scrollY") == 0
    page.close()


def test_hover_shows_a_figure(visit):
    page = visit("light")
    bar = page.locator("#chart-components .bars path").last
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 - 3, box["y"] + box["height"] / 2 - 3)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = page.locator("#chart-components .hoverlayer .hovertext")
    label.first.wait_for()
    assert "a frame" in label.first.text_content()
    page.close()


def test_dark_and_light_differ_and_the_button_switches(visit):
    page = visit("dark")

    def ground():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    def ink():
        return page.evaluate(
            "getComputedStyle(document.querySelector('#chart-components .xtick text')).fill"
        )

    page.locator("#chart-components .xtick text").first.wait_for()
    dark = ground(), ink()
    page.click("#theme")
    page.wait_for_function(f"getComputedStyle(document.body).backgroundColor != '{dark[0]}'")
    light = ground(), ink()
    assert dark[0] != light[0]
    assert dark[1] != light[1]
    assert page.problems == []
    page.close()


def test_nothing_is_wider_than_a_narrow_screen(visit):
    page = visit("light")
    page.set_viewport_size({"width": 400, "height": 800})
    for tab in page.locator("[role=tab]").all():
        tab.click()
        # charts follow the width in the next frames
        page.wait_for_function("document.documentElement.scrollWidth <= 400")
    page.close()


def test_print_shows_every_section(visit, tmp_path):
    page = visit("dark")
    page.emulate_media(media="print")
    assert page.locator("[role=tabpanel]:visible").count() == 7
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    page.close()


def test_a_broken_page_is_noticed(browser, report_page, tmp_path):
    broken = tmp_path / "broken.html"
    text = report_page.read_text(encoding="utf-8")
    broken.write_text(text.replace('id="figures">{', 'id="figures">{{', 1), encoding="utf-8")
    page = browser.new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(broken.as_uri(), timeout=PATIENCE_MS)
    assert problems
    page.close()
