"""Parts of a document that a command writes, so that no figure in it is typed by hand."""

from __future__ import annotations

from pathlib import Path

from sparsespike.contract.files import write_atomically


def write_block(path: Path, name: str, text: str) -> None:
    """Puts `text` between the lines `<!-- NAME: begin ... -->` and `<!-- NAME: end -->` of `path`.

    Raises ValueError if the document has no such lines, or more than one pair.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    begins = [i for i, line in enumerate(lines) if line.startswith(f"<!-- {name}: begin")]
    ends = [i for i, line in enumerate(lines) if line.startswith(f"<!-- {name}: end")]
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise ValueError(f"{path}: needs one pair of lines '<!-- {name}: begin' and '... end'")
    fresh = [*lines[: begins[0] + 1], *text.strip("\n").splitlines(), *lines[ends[0] :]]
    write_atomically(path, ("\n".join(fresh) + "\n").encode())
