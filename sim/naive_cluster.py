"""Naive twin, cluster: its blocks, and what they expect of the layer that runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sim.naive_attention import AttentionUnit
from sim.naive_broadcast import Broadcaster
from sim.naive_lane import Lane
from sim.naive_loader import Tile
from sim.naive_memory import Memories
from sim.naive_neuron import Fields, NeuronUnit, Take
from sim.naive_walk import AddressGenerator, Scan
from sim.naive_write_back import WriteBack
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Accumulate, Operation, Output


class Cluster:
    """Broadcaster, lanes, attention unit, neuron unit and write-back of one cluster.

    Attributes:
        tiles: every tile loaded in this frame, in order.
        counters: of the layer that runs.
    """

    def __init__(self, number: int, engine: EngineConfig, memories: Memories) -> None:
        self._number, self._engine, self._memories = number, engine, memories
        self.counters: Counter[str] = Counter()
        self.tiles: list[Tile] = []
        self._lanes = [Lane(engine, self.counters) for _ in range(engine.lanes)]
        # A lane of several channels has an output for each.
        channels = range(derived.tile_channels(engine))
        self._outputs = [self._lanes[v % engine.lanes].outputs[v // engine.lanes] for v in channels]
        self._broadcaster = Broadcaster(self._lanes, self.counters)
        self._neurons: NeuronUnit | None = None
        self._walked = self._finished = 0
        # Tiles taken to the end up to the cycle before the last one.
        self._freed = 0

    def may_load(self, index: int) -> bool:
        """Whether the loader sees the half for the cluster's tile `index` free."""
        return index < self._freed + 2

    def start(self, layer: Fields, go: int) -> None:
        """The go pulse of a layer, in cycle `go`."""
        if self._neurons:
            self._finished += self._neurons.tiles_done
        self.counters.clear()
        self._layer, self._go = layer, go
        self._attention: AttentionUnit | None = None
        tiles, split = 0, layer["split"]
        place = derived.team_place(self._engine, self._number, split)
        self._positions: list[int] = []
        if layer["operation"] == Operation.ATTENTION:
            self._attention = AttentionUnit(layer, self._memories, self.counters, self._heads())
        elif place is not None and place[0] < layer["tiles"]:
            team, band = place
            tiles = derived.ceil_div(layer["tiles"] - team, derived.teams(self._engine, split))
            self._positions = derived.band_positions(layer["tokens"], layer["width"], band, split)
        self._end = self._walked + tiles
        self._scans: Iterator[Scan] = iter(())
        self._next: Scan | None = None
        takes = self._takes(range(self._walked, self._end))
        self._neurons = NeuronUnit(layer, self._memories, self.counters, takes)
        self._writer = WriteBack(self._number, layer, self._memories, self._neurons)

    @property
    def idle(self) -> bool:
        """Whether the layer's work is done."""
        return self._neurons is None or self._neurons.idle

    def tick(self, cycle: int) -> None:
        """One cycle, downstream first wherever a block looks at the next one's room."""
        if self._neurons is None:
            return
        self._freed = self._finished + self._neurons.tiles_done
        if cycle <= self._go:
            return
        for lane in self._lanes:
            lane.tick(cycle)
        if self._attention is not None:
            self._attention.tick(cycle)
        self._neurons.tick(cycle)
        self._writer.tick(cycle)
        more = self._walked < self._end or self._next is not None
        self._broadcaster.tick(cycle, self._draw, more=more)

    def _heads(self) -> list[int]:
        units = self._engine.attention_units
        heads = range(self._number, self._layer["heads"], units)
        return list(heads) if self._number < units else []

    def _draw(self, cycle: int) -> Scan | None:
        """The scan that enters in this cycle."""
        if self._next is None and self._walked < min(self._end, len(self.tiles)):
            generator = AddressGenerator(self._layer, self._memories, self._positions)
            self._scans = generator.tile_scans(self.tiles[self._walked])
            self._walked += 1
            self._next = next(self._scans)
        scan = self._next
        if scan is None or (scan.opens_tile and cycle < scan.tile.avail):
            return None
        self._next = next(self._scans, None)
        self.counters["chunks_scanned"] += 1
        self.counters["mask_words_read"] += len(scan.tile.lanes)
        return scan

    def _takes(self, tiles: range) -> Iterator[Take | None]:
        """What the neuron unit will take in this layer, in order."""
        if self._attention is not None:
            yield from self._attention_takes(self._attention)
        for index in tiles:
            while index >= len(self.tiles):
                yield None
            tile, visits = self.tiles[index], self._visits()
            for n, g in visits:
                for place, lane in enumerate(tile.lanes):
                    ends = (n, g) == visits[-1] and place == len(tile.lanes) - 1
                    take = Take(
                        self._outputs[place],
                        place,
                        lane.constants,
                        n,
                        g,
                        tile.row,
                        place,
                        len(tile.lanes),
                        ends,
                    )
                    if self._layer["output"] == Output.HEAD:
                        take.row = tile.row * len(self._outputs) + place
                        take.place, take.size = 0, 1
                        if self._positions[0]:
                            take.constants = take.constants | {"bias": 0}
                    yield take

    def _visits(self) -> list[tuple[int, int]]:
        """(position, group) at the end of each walk."""
        tokens, groups = self._positions, range(self._layer["groups"])
        every = [(n, g) for n in tokens for g in groups]
        chosen = {
            Accumulate.GROUP: every,
            Accumulate.TOKEN: [(n, groups[-1]) for n in tokens],
            Accumulate.ALL: every[-1:],
        }
        return chosen[Accumulate(self._layer["accumulate"])]

    def _attention_takes(self, unit: AttentionUnit) -> Iterator[Take]:
        d, pitch = self._layer, derived.lane_pitch(self._engine)
        constants = {"bias": 0, "threshold": d["threshold"]}
        for head in unit.heads:
            for n in range(d["tokens"]):
                for g in range(d["groups"]):
                    for j, slot in enumerate(unit.outputs):
                        row = (head * unit.slots + j) // pitch
                        yield Take(slot, j, constants, n, g, row, j % pitch, pitch)
