"""One image through one program: the compiled kernels, called layer by layer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim import accumulate, neuron
from sim.attention import attend
from sim.frame import FrameStart, frame_start, store_pixels
from sim.neuron import clear_seams
from sim.runs import ImageRun, new_run
from sim.state import (
    EngineNumbers,
    LayerNumbers,
    Memory,
    engine_numbers,
    layer_numbers,
    new_memory,
)
from sim.stream import TileArrays, decode_stream, tile_teams
from sim.timeline import AttentionWork, MatmulWork, Timeline, Work
from sim.walk import Walk, most_beats, new_walk, walk_layer
from sparsespike.contract import numeric
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError
from sparsespike.contract.program import Operation, Output, Program

_INDEX = {name: i for i, name in enumerate(COUNTERS)}
_NEURON = np.array([_INDEX[name] for name in neuron.TALLY])


@dataclass(frozen=True, eq=False)
class Machine:
    """A program decoded for simulation.

    walk, hits, sums: room for those of any layer, written anew by each; nothing else changes while
    images run.
    """

    program: Program
    engine: EngineNumbers
    layers: tuple[LayerNumbers, ...]
    tiles: TileArrays
    weights: tuple[accumulate.LayerWeights, ...]
    start: FrameStart
    walk: Walk
    hits: NDArray[np.uint64]
    sums: NDArray[np.int32]


def build_machine(program: Program) -> Machine:
    """Decodes `program`. Raises ContractError if its image and its layers do not agree."""
    layers = layer_numbers(program)
    if len(layers) != len(program.layers):
        raise ContractError(
            f"program names {len(program.layers)} layers, its image has {len(layers)}; "
            "compile it again"
        )
    matmuls = [d for d in layers if d.operation == Operation.MATMUL]
    teams = [tile_teams(program.engine, d.tiles, d.split) for d in matmuls]
    stream = decode_stream(program, np.concatenate([np.zeros((0, 2), np.int64), *teams]))
    engine = engine_numbers(program.engine)
    weights = tuple(accumulate.layer_weights(engine, d, stream) for d in layers)
    channels = [0, *(w.dense.shape[1] * d.tokens for w, d in zip(weights, layers, strict=True))]
    room = max(channels) * max(d.groups for d in layers) * engine.adders
    return Machine(
        program=program,
        engine=engine,
        layers=layers,
        tiles=stream,
        weights=weights,
        start=frame_start(program),
        walk=new_walk(engine, layers),
        hits=np.zeros(max(most_beats(engine, d) * d.tiles for d in layers), np.uint64),
        sums=np.zeros(room, np.int32),
    )


def another(machine: Machine) -> Machine:
    """The same machine with room of its own, for images that run at the same time."""
    return replace(
        machine,
        walk=Walk(*(np.zeros_like(part) for part in machine.walk)),
        hits=np.zeros_like(machine.hits),
        sums=np.zeros_like(machine.sums),
    )


def run_image(machine: Machine, image: NDArray[np.uint8], *, keep_rows: bool) -> ImageRun:
    """Simulates one image (H, W, channels) from the start write to the interrupt."""
    memory, run = start_image(machine, image)
    timeline = Timeline(machine)
    for index, d in enumerate(machine.layers):
        work = work_layer(machine, index, memory, run)
        timeline.layer(d, work, run.counters[index])
        if keep_rows and d.destination_rows:
            run.rows[index] = _stored(machine, index, memory)
    timeline.finish(run.counters)
    return run


def start_image(machine: Machine, image: NDArray[np.uint8]) -> tuple[Memory, ImageRun]:
    """Memories that hold the image and nothing else, and a run of which nothing is known."""
    memory = new_memory(machine.program.engine)
    store_pixels(machine.program, memory, image, machine.layers[0].pad)
    return memory, new_run(machine.program)


def work_layer(machine: Machine, index: int, memory: Memory, run: ImageRun) -> Work:
    """Computes a layer: stores its results in memory and run, and counts what needs no times.

    The work of a matmul stands in the machine's room, which the next layer overwrites.
    """
    d = machine.layers[index]
    if d.operation == Operation.ATTENTION:
        return AttentionWork(*_attention(machine, d, memory, run.counters[index]))
    clear_seams(machine.engine, d, memory)
    walk = walk_layer(machine.engine, d, memory, machine.walk)
    hits = _hits(machine, index, walk)
    _outputs(machine, index, memory, walk.order, _sums(machine, index, walk, run), run)
    return MatmulWork(walk, hits)


def _attention(
    machine: Machine, d: LayerNumbers, memory: Memory, counters: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Runs all heads; returns the spikes of keys and queries, (heads, visits)."""
    e = machine.engine
    visits, slots = d.tokens * d.groups, d.head_words * e.chunk
    scratch = np.zeros((d.groups, slots, e.adders, slots), np.int64)
    outputs = np.zeros((d.heads, visits, e.adders, slots), np.int64)
    keys, queries = np.zeros((2, d.heads, visits), np.int64)
    for head in range(d.heads):
        attend(e, d, memory, head, scratch, outputs[head], keys[head], queries[head])
    rows = d.heads * slots // e.pitch
    sums = outputs.transpose(1, 2, 0, 3).reshape(visits, e.adders, -1).astype(np.int32)
    _fire(
        machine,
        d,
        memory,
        np.arange(d.tokens),
        np.full(rows, e.pitch),
        np.arange(rows),
        np.zeros((rows, e.pitch), np.int64),
        np.full((rows, e.pitch), d.threshold),
        np.tile(np.arange(e.pitch), (rows, 1)),
        sums,
        counters,
    )
    counters[_INDEX["attention_words_read"]] = 3 * d.head_words * visits * d.heads
    counters[_INDEX["attention_updates"]] = keys.sum()
    counters[_INDEX["attention_accumulates"]] = queries.sum()
    return keys, queries


def _fire(
    machine: Machine,
    d: LayerNumbers,
    memory: Memory,
    order: NDArray[np.int64],
    lanes: NDArray[np.int64],
    rows: NDArray[np.int64],
    bias: NDArray[np.int64],
    threshold: NDArray[np.int64],
    places: NDArray[np.int64],
    sums: NDArray[np.int32],
    counters: NDArray[np.int64],
) -> None:
    tally = np.zeros(len(neuron.TALLY), np.int64)
    constants = bias.reshape(-1), threshold.reshape(-1), places.reshape(-1).astype(np.uint64)
    neuron.fire_layer(machine.engine, d, memory, order, lanes, rows, *constants, sums, tally)
    counters[_NEURON] += tally


def _hits(machine: Machine, index: int, walk: Walk) -> NDArray[np.uint64]:
    """(tiles, beats) lanes that the beats of a matmul meet."""
    weights = machine.weights[index]
    shape = weights.lanes.shape[1], len(walk.last)
    hits = machine.hits[: math.prod(shape)].reshape(shape)
    accumulate.hit_layer(machine.engine, walk, weights, hits)
    return hits


def _sums(machine: Machine, index: int, walk: Walk, run: ImageRun) -> NDArray[np.int32]:
    """(walks, adders, tiles * pitch) what the lanes add up in a matmul."""
    e, weights = machine.engine, machine.weights[index]
    shape = int(np.count_nonzero(walk.last)), e.adders, weights.dense.shape[1]
    sums = machine.sums[: math.prod(shape)].reshape(shape)
    additions = accumulate.sum_layer(e, walk, weights, sums)
    run.counters[index, _INDEX["additions"]] = additions
    return sums


def _outputs(
    machine: Machine,
    index: int,
    memory: Memory,
    order: NDArray[np.int64],
    sums: NDArray[np.int32],
    run: ImageRun,
) -> None:
    """What a matmul's sums become: stored rows, scores and kept tokens, or logits.

    order: positions in the order of `sums`.
    """
    d, tiles = machine.layers[index], machine.tiles
    own = slice(d.first_tile, d.first_tile + d.tiles)
    lanes, rows, bias = tiles.lanes[own], tiles.row[own], tiles.bias[own]
    if d.output in (Output.SPIKE, Output.COUNT):
        constants = bias, tiles.threshold[own], tiles.place[own]
        _fire(machine, d, memory, order, lanes, rows, *constants, sums, run.counters[index])
        return
    # (tiles, walks, pitch)
    values = sums.sum(axis=1, dtype=np.int64).reshape(len(sums), d.tiles, -1).swapaxes(0, 1)
    if d.output == Output.HEAD:
        totals = values.sum(axis=1) + bias  # over bands
        run.logits = np.zeros(d.classes, np.int64)
        for tile in range(d.tiles):
            first = rows[tile] * machine.engine.channels
            run.logits[first : first + lanes[tile]] = totals[tile, : lanes[tile]]
        return
    values = values + bias[:, None, :]
    scores = np.zeros(d.tokens, np.int64)
    for tile in range(d.tiles):
        used = slice(0, lanes[tile])
        place = d.first_tile + tile
        scores[order] += numeric.selector_score(
            values[tile, :, used],
            tiles.multiplier[place, used],
            d.shift,
            tiles.score_weight[place, used],
        )
    run.counters[index, _INDEX["selector_updates"]] = d.tokens * lanes.sum()
    walked = memory.tokens[: d.tokens] if d.use_list else np.arange(d.tokens)
    run.scores[index] = scores
    run.kept[index] = walked[numeric.topk_keep(scores, d.keep)]
    memory.tokens[: d.keep] = run.kept[index]


def _stored(machine: Machine, index: int, memory: Memory) -> NDArray[np.int64]:
    """(tokens, groups, rows, pitch, adders) of what a layer stored; 0 where it walked no token."""
    d, e = machine.layers[index], machine.engine
    tokens = machine.program.layers[index].tensor_tokens
    counts = d.operation == Operation.MATMUL and d.output == Output.COUNT
    words = memory.counts if counts else memory.spikes
    first = d.destination_base * e.pitch // e.chunk
    count = tokens * d.groups * d.destination_rows * e.pitch // e.chunk
    places = np.arange(e.chunk, dtype=np.uint64)
    bits = (words[first : first + count, :, None, :] >> places[:, None]) & np.uint64(1)
    planes = np.arange(words.shape[1])[:, None, None]
    values = (bits.astype(np.int64) << planes).sum(axis=1)
    rows = values.reshape(tokens, d.groups, d.destination_rows, e.pitch, e.adders)
    if d.use_list:
        walked = np.isin(np.arange(tokens), memory.tokens[: d.tokens])
        rows[~walked] = 0
    return rows
