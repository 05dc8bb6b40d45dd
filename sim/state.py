"""State of the simulator: a Program decoded into arrays, and what changes while it runs.

Everything here comes from the bytes of the memory image and from the engine; names of layers and
other Python-side data of a Program are not read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import DESCRIPTOR_FIELDS, Operation, Program, unpack_words


class EngineNumbers(NamedTuple):
    """What the kernels need to know of an engine. Times in cycles, sizes in slots."""

    clusters: int
    lanes: int
    channels: int
    pitch: int
    chunk: int
    adders: int
    digit_bits: int
    fifo: int
    serial: bool
    slots: int
    attention_slots: int
    broadcast_stages: int
    load_latency: int
    free_latency: int
    lane_latency: int
    neuron_latency: int
    row_credits: int
    attention_units: int
    attention_read: int
    attention_drain: int
    attention_head: int
    step_places: int
    memory_latency: int
    memory_interval: int
    burst_beats: int
    outstanding: int


class LayerNumbers(NamedTuple):
    """A descriptor's fields, and the place of its first tile in the stream."""

    operation: int
    tokens: int
    groups: int
    time_steps: int
    convolution: int
    pixel: int
    source_counts: int
    use_list: int
    accumulate: int
    output: int
    pool: int
    residual: int
    planes: int
    split: int
    seam_lines: int
    height: int
    width: int
    chunks: int
    source_stride: int
    source_base: int
    destination_base: int
    destination_rows: int
    tiles: int
    residual_base: int
    pad: int
    key_offset: int
    value_offset: int
    keep: int
    shift: int
    threshold: int
    classes: int
    heads: int
    head_words: int
    first_tile: int


class ClusterState(NamedTuple):
    """Times of the last events of every cluster; first axis: cluster.

    entered, left: last scan's entry and leaving. starts: (K, L, F) ring of entry starts; place: its
    next position; room: the start there, before which nothing can enter. finish, take: a lane's
    last entry's finish and last take. unit: neuron unit and write-back (columns: `sim.kernels`).
    gap: (pitch + 1,) least cycles between rows, by takes of a row. half_free: (K, 2) last take of
    the tile in a half; loads: tiles loaded. burst: (3,) address of the burst being read,
    last beat, cycle from which on the loader takes the next.
    """

    entered: NDArray[np.int64]
    left: NDArray[np.int64]
    starts: NDArray[np.int64]
    place: NDArray[np.uint64]
    room: NDArray[np.int64]
    finish: NDArray[np.int64]
    take: NDArray[np.int64]
    unit: NDArray[np.int64]
    gap: NDArray[np.int64]
    half_free: NDArray[np.int64]
    loads: NDArray[np.int64]
    burst: NDArray[np.int64]


class Memory(NamedTuple):
    """On-chip memories: bit s of spikes[word, 0, a] is slot s in step a; counts has a plane axis.

    The words of the surroundings of the image (one per pass) stand at the end of `spikes`.
    """

    spikes: NDArray[np.uint64]
    counts: NDArray[np.uint64]
    pad_word: int
    tokens: NDArray[np.int64]


def engine_numbers(engine: EngineConfig) -> EngineNumbers:
    """The numbers of `engine` and of the contract that kernels take as arguments."""
    return EngineNumbers(
        clusters=engine.clusters,
        lanes=engine.lanes,
        channels=derived.tile_channels(engine),
        pitch=derived.lane_pitch(engine),
        chunk=engine.chunk,
        adders=engine.time_steps,
        digit_bits=engine.digit_bits,
        fifo=engine.fifo_depth,
        serial=engine.lane_kind == "serial",
        slots=derived.write_slots(engine),
        attention_slots=derived.attention_slots(engine),
        broadcast_stages=derived.BROADCAST_STAGES,
        load_latency=derived.LOAD_LATENCY,
        free_latency=derived.FREE_LATENCY,
        lane_latency=derived.lane_latency(engine),
        neuron_latency=derived.neuron_latency(engine),
        row_credits=derived.ROW_CREDITS,
        attention_units=engine.attention_units,
        attention_read=derived.ATTENTION_READ,
        attention_drain=derived.ATTENTION_DRAIN,
        attention_head=derived.ATTENTION_HEAD,
        step_places=derived.step_places(engine),
        memory_latency=engine.memory_latency,
        memory_interval=engine.memory_interval,
        burst_beats=derived.BURST_BEATS,
        outstanding=derived.OUTSTANDING_BURSTS,
    )


def layer_numbers(program: Program) -> tuple[LayerNumbers, ...]:
    """The descriptors of the memory image, in order."""
    layers, first_tile = [], 0
    for index in range(program.header["layers"]):
        start = derived.DESCRIPTOR_BYTES * (index + 1)
        data = program.image[start : start + derived.DESCRIPTOR_BYTES].tobytes()
        fields = unpack_words(data, DESCRIPTOR_FIELDS) | {"first_tile": first_tile}
        layers.append(LayerNumbers(**{name: fields[name] for name in LayerNumbers._fields}))
        if fields["operation"] == Operation.MATMUL:
            first_tile += fields["tiles"]
    return tuple(layers)


def new_memory(engine: EngineConfig) -> Memory:
    """Memories full of zeros, and an identity token list."""
    steps, words = engine.time_steps, derived.words_per_line(engine)
    spike_words = derived.spike_lines(engine) * words
    count_words = derived.count_lines(engine) * words
    passes = derived.pixel_passes(engine)
    return Memory(
        spikes=np.zeros((spike_words + passes, 1, steps), np.uint64),
        counts=np.zeros((count_words, engine.count_bits, steps), np.uint64),
        pad_word=spike_words,
        tokens=np.arange(engine.max_tokens, dtype=np.int64),
    )
