"""The simulator's readable twin: plain Python that steps every cycle. Slow; for tests and readers.

Blocks with a `tick`, as the hardware has them, where `sim.kernels` has recurrences.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sim.naive_cluster import Cluster
from sim.naive_loader import Loader
from sim.naive_memory import Memories, PixelLoader
from sim.naive_neuron import Fields
from sim.naive_reader import ReadChannel, Sink
from sim.result import SimulationResult
from sim.runs import ImageRun, check_images, collect, new_run
from sparsespike.contract import derived
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.program import (
    DESCRIPTOR_FIELDS,
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


class _Engine:
    """The whole engine and its memory; one image."""

    def __init__(self, program: Program, image: NDArray[np.uint8]) -> None:
        self._program, self._engine = program, program.engine
        self._memories = Memories(program.engine)
        self._clusters = [
            Cluster(k, program.engine, self._memories) for k in range(program.engine.clusters)
        ]
        self._reader = ReadChannel(program.engine, self._external(image))
        self._cycle = 0
        self._run = new_run(program)

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
        for _ in control:
            self._reader.tick(self._cycle)
            for cluster in self._clusters:
                cluster.tick(self._cycle)
            self._cycle += 1
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
        yield from self._clear_seams(layer)
        for cluster in self._clusters:
            cluster.start(layer, self._cycle)
        yield from _wait(1)
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

    def _clear_seams(self, layer: Fields) -> Iterator[None]:
        """Clears the pooled map, a line a cycle."""
        counts = layer["output"] == Output.COUNT
        memory = self._memories.counts if counts else self._memories.spikes
        per_line = derived.rows_per_line(self._engine)
        for line in range(layer["seam_lines"]):
            for row in range(line * per_line, (line + 1) * per_line):
                self._memories.row(memory, layer["destination_base"] + row)[:] = 0
            yield

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
            group = range(first, min(first + derived.TOPK_WIDTH, tokens))
            kept += [n for n in group if ranks[n - first] < layer["keep"]]
            yield
        yield from _wait(tokens + 2)
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
