"""The page of an exploration in a real browser: every chart drawn, dark, narrow and printed."""

import shutil

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'sparsespike[dev]'")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 120_000
SPACE = """\
limits.fps = { min = 12000 }
[base]
network = "tiny"
engine = "micro"
images = 1
accuracy_images = 8
[engine]
lanes = [1, 2, 4, 8]
chunk = [4, 8]
fifo_depth = [1, 2, 8]
spike_depth = [128, 8192]
"""
# How software-rendered WebGL comments on its own speed; a page cannot do anything about it.
NOISE = ("GPU stall due to ReadPixels", "willReadFrequently")


@pytest.fixture(scope="module")
def explored_page(tmp_path_factory):
    from sparsespike.cli.main import main

    folder = tmp_path_factory.mktemp("explore")
    (folder / "mine.toml").write_text(SPACE)
    words = ["explore", folder / "mine.toml", "-o", folder / "out", "--workers", "0"]
    assert main([str(word) for word in words]) == 0
    return folder / "out" / "report.html"


@pytest.fixture(scope="module")
def visit(explored_page):
    """A function that opens the page from disk; problems are collected in `page.problems`."""
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH: apt-get install chromium")
    with playwright.sync_playwright() as engines:
        running = engines.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE_MS)

        def _visit(scheme):
            page = running.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 900})
            page.set_default_timeout(PATIENCE_MS)
            page.problems = []

            def heard(message):
                noise = any(word in message.text for word in NOISE)
                if message.type in ("error", "warning") and not noise:
                    page.problems.append(message.text)

            page.on("console", heard)
            page.on("pageerror", lambda error: page.problems.append(str(error)))
            page.on("requestfailed", lambda request: page.problems.append(request.url))
            page.goto(explored_page.as_uri())
            return page

        yield _visit
        running.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_tab_draws_its_charts(visit, scheme):
    page = visit(scheme)
    tabs = page.locator("[role=tab]")
    assert tabs.count() == 5
    drawn = []
    for index in range(tabs.count()):
        tab = tabs.nth(index)
        tab.click()
        panel = page.locator("#" + tab.get_attribute("aria-controls"))
        assert panel.is_visible()
        for chart in panel.locator("[data-chart]").all():
            chart.locator(".main-svg, .parcoords").first.wait_for(state="visible")
            marks = chart.locator(".bars path, .scatterlayer .points path, canvas")
            page.wait_for_function(
                "name => document.querySelector(`#chart-${name}`)"
                ".querySelectorAll('.bars path, .scatterlayer .points path, canvas').length > 0",
                arg=chart.get_attribute("data-chart"),
            )
            assert marks.count() > 0
            drawn.append(chart.get_attribute("data-chart"))
    expected = {"front_0", "front_1", "front_3d", "parallel", "importance", "sensitivity"}
    assert set(drawn) == expected
    assert page.problems == []
    page.close()


def test_hover_names_the_point(visit):
    page = visit("light")
    mark = page.locator("#chart-front_0 .scatterlayer .points path").last
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 - 2, box["y"] + box["height"] / 2 - 2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = page.locator("#chart-front_0 .hoverlayer .hovertext")
    label.first.wait_for()
    assert "lanes" in label.first.text_content()
    page.close()


def test_the_theme_switches(visit):
    page = visit("dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    page.wait_for_function(f"getComputedStyle(document.body).backgroundColor != '{dark}'")
    assert page.problems == []
    page.close()


def test_nothing_is_wider_than_a_narrow_screen(visit):
    page = visit("light")
    page.set_viewport_size({"width": 400, "height": 800})
    for tab in page.locator("[role=tab]").all():
        tab.click()
        page.wait_for_function("document.documentElement.scrollWidth <= 400")
    page.close()


def test_print_shows_every_section(visit):
    page = visit("dark")
    page.emulate_media(media="print")
    assert page.locator("[role=tabpanel]:visible").count() == 5
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.close()
