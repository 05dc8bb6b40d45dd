"""The page of an exploration in a real browser: every chart drawn, dark, narrow and printed."""

import pytest

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


@pytest.fixture(scope="module")
def explored_page(tmp_path_factory):
    from sparsespike.cli.main import main

    folder = tmp_path_factory.mktemp("explore")
    (folder / "mine.toml").write_text(SPACE)
    words = ["explore", folder / "mine.toml", "-o", folder / "out", "--workers", "0"]
    assert main([str(word) for word in words]) == 0
    return folder / "out" / "report.html"


@pytest.fixture
def visit(open_page, explored_page):
    """A function that opens the page of the exploration in a colour scheme."""
    return lambda scheme: open_page(explored_page, scheme)


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


def test_hover_names_the_point(visit, hover):
    page = visit("light")
    assert "lanes" in hover(page, "front_0", ".scatterlayer .points path")
    page.close()


def test_the_theme_switches(visit):
    page = visit("dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    page.wait_for_function(f"getComputedStyle(document.body).backgroundColor != '{dark}'")
    assert page.problems == []
    page.close()


def test_nothing_is_wider_than_a_narrow_screen(visit, fits_narrow_screens):
    page = visit("light")
    fits_narrow_screens(page)
    page.close()


def test_print_shows_every_section(visit):
    page = visit("dark")
    page.emulate_media(media="print")
    assert page.locator("[role=tabpanel]:visible").count() == 5
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.close()
