"""Where a key stands in a TOML text: `tomllib` reads values, but forgets their lines."""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """Line (1-based) of the key at `path`, or of the nearest table around it; None: nowhere.

    Keys inside inline tables and items of lists are found as the key that holds them.
    """
    lines = _key_lines(text)
    wanted = tuple(str(part) for part in path)
    for length in range(len(wanted), 0, -1):
        if wanted[:length] in lines:
            return lines[wanted[:length]]
    return None


def _key_lines(text: str) -> dict[tuple[str, ...], int]:
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        bare = _without_strings(line)
        if depth == 0 and (header := _HEADER.match(line)):
            table = _parts(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            lines.setdefault(table, number)
            continue
        if depth == 0 and (key := _KEY.match(line)):
            lines.setdefault((*table, *_parts(key[1])), number)
        depth += sum(bare.count(c) for c in "[{") - sum(bare.count(c) for c in "]}")
    return lines


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(text))


def _without_strings(line: str) -> str:
    """The line without strings and comment, so that brackets in them do not count."""
    return re.sub(r"#.*", "", re.sub(r"\"[^\"]*\"|'[^']*'", "", line))
