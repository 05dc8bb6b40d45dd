"""A report of the test network on the smallest engine, made once."""

import pytest

from model import zoo
from sparsespike.cli.report import command


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
