"""Tables of generated documents: alignment, empty cells, rows of another length."""

import pytest

from bench.markdown_table import markdown_table


def test_by_hand():
    assert markdown_table("a | > b |", [("x", "1", ""), ("y", "2", "z")]) == (
        "| a | b | |\n|---|---:|---|\n| x | 1 | |\n| y | 2 | z |"
    )


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="3 cells, not 2"):
        markdown_table("a | b", [("1", "2", "3")])
