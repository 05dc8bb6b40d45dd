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
        self._busy_until = -1

    def ready(self, cycle: int) -> bool:
        """A header always; the payload once every cluster of the team has a free half.

        Nothing while a beat of masks is spread.
        """
        return cycle > self._busy_until and all(
            self._may_load(cluster, self._counts[cluster]) for cluster in self._team()
        )

    def accept(self, cycle: int, beat: int) -> None:
        """Takes a header or a beat of the payload."""
        if not self._head:
            self._head, self._beats = fields(beat, TILE_FIELDS), []
            return
        self._beats.append(beat)
        parts, masks = self._places()
        if masks is None or len(self._beats) <= masks:
            return
        self._busy_until = cycle + derived.words_per_mask_line(self._engine) - 1
        count = derived.mask_line_beats(self._engine, self._head["lanes"])
        if len(self._beats) == masks + self._head["mask_lines"] * count:
            words = self._mask_words(self._beats[masks:], count)
            lanes = [self._lane(*part, words[i]) for i, part in enumerate(parts)]
            avail = self._busy_until + derived.LOAD_LATENCY
            for cluster in self._team():
                self._counts[cluster] += 1
                self._deliver(cluster, Tile(self._head["row"], lanes, avail))
            self._head = {}

    def _team(self) -> range:
        """Clusters that the tile being loaded is for."""
        if not self._head:
            return range(0)
        return derived.team_clusters(self._engine, self._head["cluster"], self._head["split"])

    def _places(self) -> tuple[list[tuple[dict[str, int], int, int]], int | None]:
        """Record, first and last beat of weights of the lanes so far; first beat of masks."""
        width, place = self._engine.axi_data_bits, 0
        lanes: list[tuple[dict[str, int], int, int]] = []
        records = derived.record_beats(self._engine)
        while len(lanes) < self._head["lanes"]:
            if place + records > len(self._beats):
                return lanes, None
            record = fields(join(self._beats[place : place + records], width), RECORD_FIELDS)
            weights = place + records
            place = weights + record["weight_lines"]
            lanes.append((record, weights, place))
        return lanes, place

    def _mask_words(self, beats: list[int], count: int) -> list[list[int]]:
        """Mask words of every lane; each line of them is `count` beats."""
        chunk, side = self._engine.chunk, derived.mask_lanes(self._engine)
        words: list[list[int]] = [[] for _ in range(count * side)]
        for number, beat in enumerate(beats):
            for w in range(derived.words_per_mask_line(self._engine)):
                for i in range(side):
                    place = (w * side + i) * chunk
                    words[number % count * side + i].append((beat >> place) & ((1 << chunk) - 1))
        return words

    def _lane(self, record: dict[str, int], weights: int, end: int, words: list[int]) -> TileLane:
        bits = derived.weight_slot_bits(self._engine)
        values = join(self._beats[weights:end], self._engine.axi_data_bits)
        constants = {
            name: signed(value, RECORD_FIELDS[name][1]) if name != "multiplier" else value
            for name, value in record.items()
        }
        lane, taken = TileLane(constants), 0
        for mask in words:
            found = {}
            for slot in range(self._engine.chunk):
                if (mask >> slot) & 1:
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
