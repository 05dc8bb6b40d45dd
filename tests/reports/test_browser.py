"""The page in a real browser: no errors, every chart drawn, tabs and hover work, dark and light."""

import pytest


@pytest.fixture
def visit(open_page, report_page):
    """A function that opens the report in a colour scheme."""
    return lambda scheme: open_page(report_page, scheme)


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


# What a reader points at, and what the label must then say.
HOVERS = [
    ("summary", "components", ".bars path", "a frame"),
    ("energy", "energy", ".bars path", "µJ"),
    ("energy", "technologies", ".bars path", "static"),
    ("cycles", "causes", ".bars path", "cluster cycles"),
    ("cycles", "roofline", ".scatterlayer .points path", "of its roof"),
    ("sparsity", "ladder_cycles", ".bars path", "cycles"),
    ("accuracy", "accuracy", ".scatterlayer .points path", "images right"),
    ("peers", "peers", ".scatterlayer .points path", "frames/s"),
]


@pytest.mark.parametrize(("tab", "chart", "marks", "says"), HOVERS)
def test_hover_shows_a_figure(visit, hover, tab, chart, marks, says):
    page = visit("light")
    page.click(f"#tab-{tab}")
    page.locator(f"#chart-{chart} .main-svg").first.wait_for(state="visible")
    assert says in hover(page, chart, marks)
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


def test_nothing_is_wider_than_a_narrow_screen(visit, fits_narrow_screens):
    page = visit("light")
    fits_narrow_screens(page)
    page.close()


def test_print_shows_every_section(visit):
    page = visit("dark")
    page.emulate_media(media="print")
    assert page.locator("[role=tabpanel]:visible").count() == 7
    # A4 less the margins of the sheet and of a card, 96 pixels an inch
    page.wait_for_function(
        "[...document.querySelectorAll('.chart .main-svg')]"
        ".every((chart) => chart.getBoundingClientRect().width <= (210 - 24) / 25.4 * 96 - 42)"
    )
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    page.close()


def test_a_broken_page_is_noticed(open_page, report_page, tmp_path):
    broken = tmp_path / "broken.html"
    text = report_page.read_text(encoding="utf-8")
    broken.write_text(text.replace('id="figures">{', 'id="figures">{{', 1), encoding="utf-8")
    page = open_page(broken)
    assert page.problems
    page.close()
