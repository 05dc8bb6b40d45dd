"""Naive twin, loader: packets of the weight stream become tiles, beat by beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import RECORD_FIELDS, TILE_FIELDS


@dataclass
class TileLane:
    """What a lane knows of its tile: constants, and weights by slot of each mask word."""

    constants: dict[str, int]
    words: list[dict[int, int]] = field(default_factory=list)


@dataclass
class Tile:
    """A loaded tile. avail: the first cycle its walk may begin."""

    row: int
    lanes: list[TileLane]
    avail: int


class Loader:
    """Takes the weight stream; hands each complete tile to `deliver(cluster, tile)`.

    may_load(cluster, index): whether the cluster's index-th tile has a free half.
    """

    def __init__(
        self,
        engine: EngineConfig,
        may_load: Callable[[int, int], bool],
        deliver: Callable[[int, Tile], None],
    ) -> None:
        self._engine, self._may_load, self._deliver = engine, may_load, deliver
        self._head: dict[str, int] = {}
        self._beats: list[int] = []
        self._counts = [0] * engine.clusters

    def ready(self, cycle: int) -> bool:
        """A header always; the payload once every cluster of the team has a free half."""
        return all(self._may_load(cluster, self._counts[cluster]) for cluster in self._team())

    def accept(self, cycle: int, beat: int) -> None:
        """Takes a header or a beat of the payload."""
        if not self._head:
            self._head, self._beats = fields(beat, TILE_FIELDS), []
            return
        self._beats.append(beat)
        lanes = self._parse()
        if len(lanes) == self._head["lanes"]:
            for cluster in self._team():
                self._counts[cluster] += 1
                self._deliver(cluster, Tile(self._head["row"], lanes, cycle + derived.LOAD_LATENCY))
            self._head = {}

    def _team(self) -> range:
        """Clusters that the tile being loaded is for."""
        if not self._head:
            return range(0)
        return derived.team_clusters(self._engine, self._head["cluster"], self._head["split"])

    def _parse(self) -> list[TileLane]:
        """The lanes that are complete; cheap while the packet grows."""
        width, lanes, place = self._engine.axi_data_bits, [], 0
        records = derived.record_beats(self._engine)
        while place + records <= len(self._beats):
            record = fields(join(self._beats[place : place + records], width), RECORD_FIELDS)
            masks = place + records
            weights = masks + self._head["mask_lines"]
            place = weights + record["weight_lines"]
            if place > len(self._beats):
                break
            lanes.append((record, masks, weights, place))
        done = len(lanes) == self._head["lanes"] and place == len(self._beats)
        return [self._lane(*lane) for lane in lanes] if done else []

    def _lane(self, record: dict[str, int], masks: int, weights: int, end: int) -> TileLane:
        width, chunk = self._engine.axi_data_bits, self._engine.chunk
        bits = derived.weight_slot_bits(self._engine)
        mask = join(self._beats[masks:weights], width)
        values = join(self._beats[weights:end], width)
        constants = {
            name: signed(value, RECORD_FIELDS[name][1]) if name != "multiplier" else value
            for name, value in record.items()
        }
        lane, taken = TileLane(constants), 0
        for word in range((weights - masks) * width // chunk):
            found = {}
            for slot in range(chunk):
                if (mask >> (word * chunk + slot)) & 1:
                    found[slot] = signed((values >> (taken * bits)) & ((1 << bits) - 1), bits)
                    taken += 1
            lane.words.append(found)
        return lane


def fields(value: int, table: dict[str, tuple[int, int]]) -> dict[str, int]:
    """Named bit fields of an integer."""
    return {name: (value >> low) & ((1 << bits) - 1) for name, (low, bits) in table.items()}


def join(beats: list[int], width: int) -> int:
    """Beats as one integer, first beat lowest."""
    return sum(beat << (width * i) for i, beat in enumerate(beats))


def signed(value: int, bits: int) -> int:
    """Two's complement."""
    return value - (1 << bits) if value >> (bits - 1) else value
