"""Tables, pictures and figures as Markdown."""

import pytest

from reports.accuracy.markdown import count, percent, picture, table


def test_a_table_ends_with_its_source():
    assert table(("a", "b"), [("x", "1")], "here") == [
        "| a | b |",
        "| --- | ---: |",
        "| x | 1 |",
        "",
        "*Source: here*",
        "",
    ]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="has 1 cells, not 2"):
        table(("a", "b"), [("x",)], "here")


def test_a_picture_ends_with_its_source():
    assert picture("p.svg", "words", "here") == ["![words](p.svg)", "", "*Source: here*", ""]


def test_figures():
    assert percent(0.5351) == "53.51 %"
    assert percent(0.902, 1) == "90.2 %"
    assert percent(None) == "not measured"
    assert count(806959.3735) == "806,959"
