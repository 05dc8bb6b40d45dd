"""The simulator's readable twin: plain Python that steps every cycle. Slow; for tests and readers.

Blocks with a `tick`, as the hardware has them, where `sim.kernels` has recurrences.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sim.machine import ImageRun
from sim.naive_attention import AttentionUnit
from sim.naive_cluster import AddressGenerator, Broadcaster, Lane, Scan
from sim.naive_memory import Loader, Memories, PixelLoader, ReadChannel, Sink, Tile
from sim.naive_output import Fields, NeuronUnit, Take, WriteBack
from sim.result import SimulationResult
from sim.simulate import check_images, collect
from sparsespike.contract import derived, numeric
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.program import (
    DESCRIPTOR_FIELDS,
    Accumulate,
    Operation,
    Output,
    Program,
    unpack_words,
)


def simulate_naive(
    program: Program, images: NDArray[np.uint8], *, keep_tensors: bool = False
) -> SimulationResult:
    """The same result as `sim.simulate`, cycle by cycle."""
    check_images(program, images)
    started = time.perf_counter()
    runs = [_Engine(program, image).run() for image in images]
    return collect(program, runs, time.perf_counter() - started, keep_tensors=keep_tensors)


class _Cluster:
    """A broadcaster, its lanes, a neuron unit and a write-back port."""

    def __init__(self, number: int, program: Program, memories: Memories) -> None:
        self._number, self._engine, self._memories = number, program.engine, memories
        self.counters: Counter[str] = Counter()
        self._lanes = [Lane(self._engine, self.counters) for _ in range(self._engine.lanes)]
        self._broadcaster = Broadcaster(self._lanes, self.counters)
        self.tiles: list[Tile] = []
        self._walked = self._finished = 0
        self._go = -1

    def may_load(self, index: int) -> bool:
        """Whether the half of the cluster's tile `index` is free."""
        return index < self._finished + self._neuron_tiles + 2

    @property
    def _neuron_tiles(self) -> int:
        return self._neurons.tiles_done if self._go >= 0 else 0

    def start(self, layer: Fields, go: int) -> None:
        """The go pulse of a layer."""
        self._finished += self._neuron_tiles
        self._layer, self._go = layer, go
        clusters = self._engine.clusters
        self._attention: AttentionUnit | None = None
        self._first, self._tiles_left = self._walked, 0
        if layer["operation"] == Operation.ATTENTION:
            units = self._engine.attention_units
            heads = range(self._number, layer["heads"], units) if self._number < units else ()
            self._attention = AttentionUnit(layer, self._memories, self.counters, list(heads))
        elif self._number < layer["tiles"]:
            self._tiles_left = (layer["tiles"] - self._number + clusters - 1) // clusters
        self._last = self._walked + self._tiles_left
        self._upcoming: Iterator[Scan] = iter(())
        self._neurons = NeuronUnit(layer, self._memories, self.counters, self._takes(self._last))
        self._writer = WriteBack(self._number, layer, self._memories, self._neurons)

    @property
    def idle(self) -> bool:
        """Whether the layer's work is done."""
        return self._neurons.idle

    def tick(self, cycle: int) -> None:
        """One cycle, downstream first wherever a block looks at the next one's room."""
        if cycle <= self._go or self._go < 0:
            return
        for lane in self._lanes:
            lane.tick(cycle)
        if self._attention is not None:
            self._attention.tick(cycle)
        self._neurons.tick(cycle)
        self._writer.tick(cycle)
        self._broadcaster.tick(cycle, self._draw, more=self._more)

    @property
    def _more(self) -> bool:
        return self._walked < self._last or self._held is not None

    _held: Scan | None = None

    def _draw(self, cycle: int) -> Scan | None:
        """The scan that enters in this cycle."""
        if self._held is None and self._walked < min(self._last, len(self.tiles)):
            tile = self.tiles[self._walked]
            self._upcoming = AddressGenerator(self._layer, self._memories).tile_scans(tile)
            self._walked += 1
            self._held = next(self._upcoming)
        scan = self._held
        if scan is None or (scan.opens_tile and cycle < scan.tile.avail):
            return None
        self._held = next(self._upcoming, None)
        self.counters["chunks_scanned"] += 1
        self.counters["mask_words_read"] += len(scan.tile.lanes)
        return scan

    def _takes(self, last_tile: int) -> Iterator[Take | None]:
        """What the neuron unit will take in this layer, in order."""
        d = self._layer
        if self._attention is not None:
            yield from self._attention_takes(self._attention)
            return
        visits = [(n, g) for n in range(d["tokens"]) for g in range(d["groups"])]
        if d["accumulate"] == Accumulate.TOKEN:
            visits = [(n, d["groups"] - 1) for n in range(d["tokens"])]
        elif d["accumulate"] == Accumulate.ALL:
            visits = [(d["tokens"] - 1, d["groups"] - 1)]
        for index in range(self._first, last_tile):
            while index >= len(self.tiles):
                yield None
            tile = self.tiles[index]
            for n, g in visits:
                for place, lane in enumerate(tile.lanes):
                    ends = (n, g) == visits[-1] and place == len(tile.lanes) - 1
                    take = Take(self._lanes[place], place, lane.constants, n, g, tile.row, place,
                                len(tile.lanes), ends)
                    if d["output"] == Output.HEAD:
                        take.row = tile.row * self._engine.lanes + place
                        take.place, take.size = 0, 1
                    yield take

    def _attention_takes(self, unit: AttentionUnit) -> Iterator[Take]:
        d, pitch = self._layer, derived.lane_pitch(self._engine)
        constants = {"bias": 0, "threshold": d["threshold"]}
        for head in unit.heads:
            for n in range(d["tokens"]):
                for g in range(d["groups"]):
                    for j, slot in enumerate(unit.outputs):
                        row = (head * unit.slots + j) // pitch
                        yield Take(slot, j, constants, n, g, row, j % pitch, pitch)


class _Engine:
    """The whole engine and its memory; one image."""

    def __init__(self, program: Program, image: NDArray[np.uint8]) -> None:
        self._program, self._engine = program, program.engine
        self._memories = Memories(program.engine)
        self._clusters = [
            _Cluster(k, program, self._memories) for k in range(program.engine.clusters)
        ]
        self._reader = ReadChannel(program.engine, self._external(image))
        self._cycle = 0
        self._run = ImageRun(np.zeros((len(program.layers), len(COUNTERS)), np.int64))

    def _external(self, image: NDArray[np.uint8]) -> bytes:
        """The program's image, then the pixels at `_pixels_at`, four bytes each."""
        padded = np.zeros((image.shape[0] * image.shape[1], derived.PIXEL_BYTES), np.uint8)
        padded[:, : image.shape[2]] = image.reshape(-1, image.shape[2])
        self._pixels_at = -(-self._program.image.size // 64) * 64
        program = self._program.image.tobytes().ljust(self._pixels_at, b"\0")
        return program + padded.tobytes() + bytes(64)

    def run(self) -> ImageRun:
        """From the start write to the interrupt."""
        control = self._control()
        for cycle in range(100_000_000):
            self._cycle = cycle
            if next(control, True):
                break
            self._reader.tick(cycle)
            for cluster in self._clusters:
                cluster.tick(cycle)
        return self._run

    def _control(self) -> Iterator[None]:
        """The steps of a frame; each `yield` is the end of a cycle."""
        yield
        header = self._program.header
        beat = self._engine.axi_data_bits // 8
        yield from self._read(0, derived.DESCRIPTOR_BYTES // beat)
        yield
        layers = header["layers"]
        yield from self._read(derived.DESCRIPTOR_BYTES, layers * derived.DESCRIPTOR_BYTES // beat)
        pixels = PixelLoader(self._memories, header["pixel_base"], header["pixels"])
        beats = derived.ceil_div(header["pixels"], derived.pixels_per_beat(self._engine))
        self._reader.command(self._cycle, self._pixels_at, beats, pixels)
        while not self._reader.idle:
            yield
        loader = Loader(
            self._engine,
            lambda cluster, index: self._clusters[cluster].may_load(index),
            lambda cluster, tile: self._clusters[cluster].tiles.append(tile),
        )
        self._reader.command(self._cycle, header["weight_offset"], header["weight_beats"], loader)
        while not pixels.idle(self._cycle):
            yield
        begin, sampled = 0, 0
        for index in range(layers):
            total: Counter[str] = Counter({"pixel_words_written": 0 if index else pixels.written})
            yield from self._layer(index, total)
            total["dma_read_beats"] = self._reader.received - sampled
            sampled = self._reader.received
            yield from _wait(derived.COUNTER_CYCLES)
            total["cycles"], begin = self._cycle - begin, self._cycle
            self._run.counters[index] = [total[name] for name in COUNTERS]

    def _read(self, offset: int, beats: int) -> Iterator[None]:
        self._reader.command(self._cycle, offset, beats, Sink())
        while not self._reader.idle:
            yield

    def _layer(self, index: int, total: Counter[str]) -> Iterator[None]:
        """A layer up to its epilogue; fills `total`."""
        place = derived.DESCRIPTOR_BYTES * (index + 1)
        data = self._program.image[place : place + derived.DESCRIPTOR_BYTES].tobytes()
        layer = unpack_words(data, DESCRIPTOR_FIELDS)
        yield from _wait(derived.descriptor_beats(self._engine) + derived.DESCRIPTOR_CYCLES)
        for cluster in self._clusters:
            cluster.counters.clear()
            cluster.start(layer, self._cycle)
        yield from _wait(2)
        while not all(cluster.idle for cluster in self._clusters):
            yield
        yield from _wait(derived.DRAIN_CYCLES)
        if layer["operation"] == Operation.MATMUL and layer["output"] == Output.SCORE:
            yield from self._top_k(index, layer, total)
        if layer["operation"] == Operation.MATMUL and layer["output"] == Output.HEAD:
            yield from self._head(layer, total)
        for cluster in self._clusters:
            total.update(cluster.counters)
        if layer["destination_rows"]:
            self._run.rows[index] = self._stored(index, layer)

    def _top_k(self, index: int, layer: Fields, total: Counter[str]) -> Iterator[None]:
        tokens, scores = layer["tokens"], self._memories.scores
        values = [scores[n] for n in range(tokens)]
        kept = []
        for first in range(0, tokens, derived.TOPK_WIDTH):
            yield from _wait(derived.TOPK_WIDTH)
            ranks = [0] * derived.TOPK_WIDTH
            for n in range(tokens):
                for i in range(derived.TOPK_WIDTH):
                    total["topk_comparisons"] += 1
                    if first + i < tokens:
                        ranks[i] += (-values[n], n) < (-values[first + i], first + i)
                yield
            kept += [first + i for i, r in enumerate(ranks) if r < layer["keep"] and first + i < tokens]
            yield
        yield from _wait(tokens + 1)
        old = self._memories.tokens if layer["use_list"] else range(tokens)
        self._memories.tokens[: len(kept)] = [old[n] for n in kept]
        self._run.scores[index] = np.array(values, np.int64)
        self._run.kept[index] = np.array(self._memories.tokens[: len(kept)], np.int64)
        scores.clear()

    def _head(self, layer: Fields, total: Counter[str]) -> Iterator[None]:
        logits = [self._memories.logits[c] for c in range(layer["classes"])]
        self._run.logits = np.array(logits, np.int64)
        for _ in range(0, len(logits), derived.logits_per_beat(self._engine)):
            yield from _wait(derived.logits_per_beat(self._engine) + 1)
            total["dma_write_beats"] += 1
        yield from _wait(self._engine.memory_latency + 1)

    def _stored(self, index: int, layer: Fields) -> NDArray[np.int64]:
        """(tokens, groups, rows, pitch, adders); 0 where the layer walked no token."""
        counts = layer["operation"] == Operation.MATMUL and layer["output"] == Output.COUNT
        memory = self._memories.counts if counts else self._memories.spikes
        tokens = self._program.layers[index].tensor_tokens
        shape = (tokens, layer["groups"], layer["destination_rows"])
        rows = np.zeros((*shape, *self._memories.row(memory, 0).shape), np.int64)
        walked = self._memories.tokens[: layer["tokens"]] if layer["use_list"] else range(tokens)
        for token, g, r in np.ndindex(*shape):
            place = (token * shape[1] + g) * shape[2] + r
            if token in walked:
                rows[token, g, r] = self._memories.row(memory, layer["destination_base"] + place)
        return rows


def _wait(cycles: int) -> Iterator[None]:
    for _ in range(cycles):
        yield
