"""Places the block RAMs of an engine of several clusters on an ECP5, a cluster beside the next.

nextpnr's placers spread block RAMs well as long as there are many to spare; where an engine takes
most of them, those of one lane end up to a chip's width apart (when `small` was first placed, a
median of 52 tiles from a memory to what it is connected with). So they are put along a path through
the device's rows of memories, cluster by cluster, lane by lane.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import Any

LEAST_SHARE = 0.5
"""Share of the device's block RAMs from which on they are placed here."""
_TYPE = "DP16KD"
_CLUSTER = re.compile(r"\bcluster_(\d+)\.")
_LANE = re.compile(r"\blane_(\d+)\.")


@dataclass(frozen=True, kw_only=True)
class Sites:
    """Block RAMs of a device: four to a group, two columns apart, groups in each of the rows.

    Columns and rows are those of nextpnr-ecp5's database (Project Trellis).
    """

    groups: tuple[int, ...]
    rows: tuple[int, ...]

    def path(self) -> list[str]:
        """Names of all sites: along pairs of rows, there on the first pair and back on the next."""
        columns = [(left + 2 * place, place) for left in self.groups for place in range(4)]
        names = []
        for turn, first in enumerate(range(0, len(self.rows), 2)):
            pair = self.rows[first : first + 2]
            along = reversed(columns) if turn % 2 else columns
            names += [f"X{x}/Y{y}/EBR{place}" for x, place in along for y in pair]
        return names


SITES = {
    "ecp5-25k": Sites(groups=(4, 13, 22, 33, 42, 51, 60), rows=(25, 37)),
    "ecp5-45k": Sites(groups=(4, 13, 22, 31, 42, 51, 60, 69, 78), rows=(10, 34, 58)),
    "ecp5-85k": Sites(
        groups=(4, 13, 22, 31, 40, 49, 58, 69, 78, 87, 96, 105, 114), rows=(22, 46, 70, 82)
    ),
}


def place_memories(module: dict[str, Any], sites: Sites) -> int:
    """Gives the block RAMs of a flat netlist's module their sites; how many it placed."""
    cells = module["cells"]
    memories = [name for name, cell in cells.items() if cell["type"] == _TYPE]
    path = sites.path()
    clusters = {_cluster(name) for name in memories} - {None}
    if len(clusters) < 2 or not LEAST_SHARE * len(path) <= len(memories) <= len(path):
        return 0
    for name, site in zip(in_order(memories), path, strict=False):
        cells[name]["attributes"]["BEL"] = site
    return len(memories)


def in_order(memories: list[str]) -> list[str]:
    """Neighbours first: clusters, with what they share in the middle of each half of them.

    Within a cluster what its lanes share stands in the middle of them.
    """
    clusters: dict[int, list[str]] = {}
    shared = []
    for name in sorted(memories):
        number = _cluster(name)
        if number is None:
            shared.append(name)
        else:
            clusters.setdefault(number, []).append(name)
    groups = [_around_shared(clusters[number]) for number in sorted(clusters)]
    half, middle = (len(groups) + 1) // 2, len(shared) // 2
    halves = (groups[:half], shared[:middle]), (groups[half:], shared[middle:])
    order: list[str] = []
    for mine, between in halves:
        split = (len(mine) + 1) // 2
        order += chain(*mine[:split], between, *mine[split:])
    return order


def _around_shared(names: list[str]) -> list[str]:
    lanes = {int(found[1]) for name in names if (found := _LANE.search(name))}
    middle = (len(lanes) - 1) / 2

    def place(name: str) -> tuple[float, str]:
        found = _LANE.search(name)
        return (int(found[1]) if found else middle, name)

    return sorted(names, key=place)


def _cluster(name: str) -> int | None:
    found = _CLUSTER.search(name)
    return int(found[1]) if found else None
