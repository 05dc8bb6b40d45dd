"""Markdown from values: tables, pictures with their source, figures in one format."""

from collections.abc import Sequence

ABSENT = "not measured"
"""What stands where a record has no figure."""


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    source: str,
    *,
    words: Sequence[int] = (0,),
) -> list[str]:
    """A table and the line that says where its figures come from.

    words: columns that hold words, aligned left; the others hold figures. ValueError if a row has
    another number of cells than the header.
    """
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"row {list(row)} has {len(row)} cells, not {len(header)}")
    rule = ["---" if column in words else "---:" for column in range(len(header))]
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, rule, *rows)]
    return [*lines, "", f"*Source: {source}*", ""]


def picture(path: str, alt: str, source: str) -> list[str]:
    """A picture and the line that says what it was drawn from. alt: what it shows, in words."""
    return [f"![{alt}]({path})", "", f"*Source: {source}*", ""]


def percent(share: float | None, digits: int = 2) -> str:
    """A share of 0..1 as percent; None is a figure that was not measured."""
    return ABSENT if share is None else f"{100 * share:.{digits}f} %"


def count(number: float) -> str:
    """A whole number with thousands separated."""
    return f"{number:,.0f}"
