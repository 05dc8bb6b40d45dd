"""A Markdown table from rows of cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(header: str, rows: Iterable[Sequence[str]]) -> str:
    """A table; `header` has its column titles with `|` between them, `>` before those of figures.

    Raises ValueError if a row has another number of cells than the header.
    """
    titles = [title.strip() for title in header.split("|")]
    rule = ["---:" if title.startswith(">") else "---" for title in titles]
    lines = [_line([title.lstrip("> ") for title in titles]), "|" + "|".join(rule) + "|"]
    for row in rows:
        if len(row) != len(titles):
            raise ValueError(f"row {list(row)} has {len(row)} cells, not {len(titles)}")
        lines.append(_line(row))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)
