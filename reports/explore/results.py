"""What an exploration found: its table, front, best point, and what changes around that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from reports.explore.driver import Driver
from reports.explore.point import Point
from reports.explore.space import Space
from reports.explore.table import Evaluated, Pricer, best_row, points_table

_ROUNDS = 5
"""The best point's surroundings may hold a better one; so often it is followed."""


@dataclass(frozen=True, eq=False)
class Exploration:
    """A finished search.

    Attributes:
        table: see `points_table`; `origin` is "search" or "around best".
        points: those of the table's rows, in its order.
        best: index of the best row within the limits, None if no row keeps them.
        sensitivity: knob, value, own, and the figures, for one knob at a time around the best.
        importance: knob, objective, share; see `reports.explore.importance`.
        checks: RTL checks of rows of the front.
        facts: versions, hashes, seed.
    """

    space: Space
    table: pd.DataFrame
    points: Sequence[Point]
    best: int | None
    sensitivity: pd.DataFrame
    importance: pd.DataFrame
    checks: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def front(self) -> pd.DataFrame:
        """The Pareto points, by the first objective."""
        rows = self.table[self.table["pareto"]]
        return rows.sort_values([self.space.objectives[0], "point"])


def with_surroundings(
    space: Space, rows: Sequence[Evaluated], *, driver: Driver, pricer: Pricer
) -> tuple[pd.DataFrame, list[Evaluated], pd.DataFrame]:
    """Table and rows with all points added that differ from the best in one knob; sensitivity."""
    rows = list({row.key: row for row in rows}.values())
    searched = {row.key for row in rows}
    around: list[Evaluated] = []
    centre = None
    for _ in range(_ROUNDS):
        table = points_table(space, rows, pricer)
        best = best_row(space, table)
        if best is None or rows[best].key == centre:
            break
        centre = rows[best].key
        around = driver.evaluate(_neighbours(space, rows[best].point))
        known = {row.key for row in rows}
        rows += list({row.key: row for row in around if row.key not in known}.values())
    origins = ["search" if row.key in searched else "around best" for row in rows]
    table = points_table(space, rows, pricer)
    table.insert(1, "origin", origins)
    best = best_row(space, table)
    return table, rows, _sensitivity(space, table, rows, best, around)


def _neighbours(space: Space, centre: Point) -> list[Point]:
    """The allowed points with one other value of one knob, and the centre itself."""
    points = [centre]
    for index, knob in enumerate(space.knobs):
        for value in knob.values:
            if value != centre.values[index]:
                values = (*centre.values[:index], value, *centre.values[index + 1 :])
                points.append(space.point(values))
    return [point for point in points if space.allows(point)]


def _sensitivity(
    space: Space,
    table: pd.DataFrame,
    rows: Sequence[Evaluated],
    best: int | None,
    around: Sequence[Evaluated],
) -> pd.DataFrame:
    """One row for each value of each knob, the others as in the best point."""
    found = []
    place = {row.key: index for index, row in enumerate(rows)}
    centre = None if best is None else rows[best].point
    for index, knob in enumerate(space.knobs if centre is not None else ()):
        assert centre is not None
        for row in around:
            others = [i for i in range(len(space.knobs)) if i != index]
            if all(row.point.values[i] == centre.values[i] for i in others):
                figures = table.iloc[place[row.key]]
                own = row.point.values[index] == centre.values[index]
                entry = {"knob": knob.label, "value": float(row.point.values[index]), "own": own}
                names = dict.fromkeys((*space.objectives, space.best, "feasible"))
                found.append(entry | {name: figures[name] for name in names})
    frame = pd.DataFrame(found, columns=None if found else ["knob", "value", "own"])
    return frame.sort_values(["knob", "value"], ignore_index=True)
