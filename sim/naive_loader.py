"""Naive twin, loader: packets of the weight stream become tiles, beat by beat, step by step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import TILE_FIELDS


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
        self._counts = [0] * engine.clusters
        self._busy_until = -1

    def ready(self, cycle: int) -> bool:
        """A header always; the payload once every cluster of the team has a free half.

        Nothing in steps that take no beat.
        """
        return cycle > self._busy_until and all(
            self._may_load(cluster, self._counts[cluster]) for cluster in self._team()
        )

    def accept(self, cycle: int, beat: int) -> None:
        """Takes a header or a beat of the payload."""
        engine = self._engine
        if not self._head:
            self._head = fields(beat, TILE_FIELDS)
            self._busy_until = cycle + derived.HEADER_CYCLES - 1
            self._constants: list[int] = []
            self._weights: list[int] = []
            self._masks = MaskBits(engine, self._head)
            return
        lanes = self._head["lanes"]
        constants = derived.constants_beats(engine, lanes)
        if len(self._constants) < constants:
            self._constants.append(beat)
            first = (len(self._constants) - 1) * derived.records_per_beat(engine)
            if derived.record_beats(engine) == 1:
                cycle += min(derived.records_per_beat(engine), lanes - first) - 1
            self._busy_until = cycle
            if len(self._constants) == constants:
                self._records = self._read_records()
            return
        kind = self._kind()
        expands = self._masks.can_expand
        if kind == "weights":
            self._weights.append(beat)
        self._masks.step(kind, beat, expands)
        # Steps without a beat follow by themselves.
        while not self._done() and self._kind() == "none":
            cycle += 1
            self._masks.step("none", 0, self._masks.can_expand)
        self._busy_until = cycle
        if self._done():
            self._finish()

    def _team(self) -> range:
        """Clusters that the tile being loaded is for."""
        if not self._head:
            return range(0)
        return derived.team_clusters(self._engine, self._head["cluster"], self._head["split"])

    def _read_records(self) -> list[dict[str, int]]:
        engine, bits = self._engine, derived.record_bits(self._engine)
        value = join(self._constants, engine.axi_data_bits)
        table = derived.record_fields(engine)
        return [fields(value >> i * bits, table) for i in range(self._head["lanes"])]

    def _weights_lack(self) -> bool:
        return len(self._weights) < sum(record["weight_lines"] for record in self._records)

    def _kind(self) -> str:
        """What the next beat is, "none" if the next step takes none."""
        return self._masks.wish() or ("weights" if self._weights_lack() else "none")

    def _done(self) -> bool:
        return self._masks.complete and not self._weights_lack()

    def _finish(self) -> None:
        words = self._masks.words()
        lanes, beat = [], 0
        for record, masks in zip(self._records, words, strict=False):
            end = beat + record["weight_lines"]
            lanes.append(self._lane(record, self._weights[beat:end], masks))
            beat = end
        avail = self._busy_until + derived.LOAD_LATENCY
        for cluster in self._team():
            self._counts[cluster] += 1
            self._deliver(cluster, Tile(self._head["row"], lanes, avail))
        self._head = {}

    def _lane(self, record: dict[str, int], beats: list[int], words: list[int]) -> TileLane:
        bits = derived.weight_slot_bits(self._engine)
        values = join(beats, self._engine.axi_data_bits)
        table = derived.record_fields(self._engine)
        constants = {
            name: signed(value, table[name][1]) if name in ("bias", "score_weight") else value
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


class MaskBits:
    """The masks of a tile: presence bits and nibbles that have come, lines made of them."""

    def __init__(self, engine: EngineConfig, head: dict[str, int]) -> None:
        self._engine = engine
        self._groups = derived.mask_groups(engine, head["lanes"])
        self._lines_left = head["mask_words"] * self._groups
        self._beats_left = head["nibble_beats"]
        self._presence: list[int] = []
        self._nibbles: deque[int] = deque()
        self._lines: list[int] = []

    @property
    def complete(self) -> bool:
        """Whether all lines are there."""
        return not self._lines_left

    @property
    def can_expand(self) -> bool:
        """Whether the next line's presence bits and nibbles are there."""
        if not self._lines_left or not self._presence:
            return False
        return len(self._nibbles) >= self._presence[0].bit_count()

    def wish(self) -> str:
        """What the next step takes: presence bits, nibbles, or "" for nothing."""
        expands = self.can_expand
        if self._lines_left > expands and len(self._presence) == expands:
            return "presence"
        if self._beats_left and len(self._nibbles) <= derived.beat_nibbles(self._engine):
            return "nibbles"
        return ""

    def step(self, kind: str, beat: int, expands: bool) -> None:
        """One step: a line, if there is one, and then what came."""
        if expands:
            line = 0
            for i in range(derived.line_nibbles(self._engine)):
                if (self._presence[0] >> i) & 1:
                    line |= self._nibbles.popleft() << (4 * i)
            self._presence.pop(0)
            self._lines.append(line)
            self._lines_left -= 1
        if kind == "presence":
            width = derived.line_nibbles(self._engine)
            count = derived.lines_per_presence(self._engine)
            self._presence = [(beat >> (i * width)) & ((1 << width) - 1) for i in range(count)]
        elif kind == "nibbles":
            count = derived.beat_nibbles(self._engine)
            self._nibbles.extend((beat >> (4 * i)) & 15 for i in range(count))
            self._beats_left -= 1

    def words(self) -> list[list[int]]:
        """Mask words of every channel, those beside the last one as well."""
        chunk, side = self._engine.chunk, derived.mask_lanes(self._engine)
        words: list[list[int]] = [[] for _ in range(self._groups * side)]
        for number, line in enumerate(self._lines):
            for i in range(side):
                word = (line >> (i * chunk)) & ((1 << chunk) - 1)
                words[number % self._groups * side + i].append(word)
        return words


def fields(value: int, table: dict[str, tuple[int, int]]) -> dict[str, int]:
    """Named bit fields of an integer."""
    return {name: (value >> low) & ((1 << bits) - 1) for name, (low, bits) in table.items()}


def join(beats: list[int], width: int) -> int:
    """Beats as one integer, first beat lowest."""
    return sum(beat << (width * i) for i, beat in enumerate(beats))


def signed(value: int, bits: int) -> int:
    """Two's complement."""
    return value - (1 << bits) if value >> (bits - 1) else value
