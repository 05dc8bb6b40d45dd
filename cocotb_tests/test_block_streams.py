# ruff: noqa: D103
"""Blocks that move data, alone in RTL, with random stalls on every side."""

import itertools
import random

import pytest

from cocotb_tests import corrupt
from cocotb_tests.block_run import Lookup, Memory, Plan, Probe, Sink, Source, const, run_block
from hw.axi_reader import AxiReader, command_layout
from hw.axi_reader import beat_layout as axi_beat_layout
from hw.lane_queue import LaneQueue
from hw.layouts import LoadKind, load_bus
from hw.logit_writer import LogitWriter
from hw.weight_loader import WeightLoader
from sim.machine import build_machine
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine


@pytest.mark.parametrize("depth", [1, 3, 8])
def test_lane_queue(block_simulator, depth):
    rng = random.Random(depth)
    items = [[rng.getrandbits(13)] for _ in range(300)]
    plan = Plan(
        sources={"i": Source(valid="push", data=["i"], full="full", items=items, stalls=0.3)},
        sinks={"o": Sink(valid="o__valid", ready="o__ready", data=["o__payload"], stalls=0.5)},
        seed=depth,
    )
    events = run_block(LaneQueue(13, depth=depth), plan, simulator=block_simulator)
    assert [row[1:] for row in events.sinks["o"]] == items


@pytest.mark.parametrize("data_bits", [64, 128])
def test_axi_reader(block_simulator, data_bits):
    """Commands of any length come back whole and in order, however the memory stalls."""
    rng = random.Random(data_bits)
    content = rng.randbytes(64 * 1024)
    step = data_bits // 8
    layout = axi_beat_layout(data_bits)
    commands, expected = [], []
    for beats in (1, 8, 33, 700, 32, 2, 256):
        address = rng.randrange(8) * 4096
        commands.append([const(command_layout(), {"address": address, "beats": beats})])
        for number in range(beats):
            start = address + number * step
            value = int.from_bytes(content[start : start + step], "little")
            last = int(number == beats - 1)
            expected.append([const(layout, {"data": value, "last": last})])
    plan = Plan(
        sources={
            "command": Source(
                valid="command__valid", ready="command__ready", data=["command__payload"],
                items=commands, stalls=0.5,
            )
        },
        sinks={"o": Sink(valid="o__valid", ready="o__ready", data=["o__payload"], stalls=0.3)},
        probes={"failed": Probe(valid="failed", data=[])},
        axi=Memory(prefix="bus_", direction="read", content=content.hex(), bytes=0, stalls=0.3),
    drain=3000,
    )  # fmt: skip
    events = run_block(AxiReader(data_bits=data_bits), plan, simulator=block_simulator)
    assert events.unsent == 0
    assert [row[1:] for row in events.sinks["o"]] == expected
    assert events.probes["failed"] == []


@pytest.mark.parametrize("classes", [1, 10, 100])
def test_logit_writer(block_simulator, classes):
    engine = load_engine("small", max_classes=128)
    rng = random.Random(classes)
    logits = [rng.getrandbits(32) for _ in range(classes)]
    beats = derived.ceil_div(classes, derived.logits_per_beat(engine))
    wanted = b"".join(value.to_bytes(4, "little") for value in logits)
    wanted = wanted.ljust(beats * 8, b"\0")
    plan = Plan(
        levels={"address": 4096, "classes": classes},
        pokes={3: {"start": 1}, 4: {"start": 0}},
        lookups={
            "logits": Lookup(
                address="index", data="logit", table=dict(enumerate(logits)), latency=1
            )
        },
        probes={"done": Probe(valid="done", data=[]), "sent": Probe(valid="sent", data=[])},
        axi=Memory(prefix="bus_", direction="write", content="ee" * 8192, bytes=8192, stalls=0.4),
        stop="done",
    )
    events = run_block(LogitWriter(engine), plan, simulator=block_simulator)
    memory = bytes.fromhex(events.memory)
    assert len(events.probes["done"]) == 1
    assert len(events.probes["sent"]) == beats
    assert memory[4096 : 4096 + len(wanted)] == wanted
    assert set(memory[:4096]) == set(memory[4096 + len(wanted) :]) == {0xEE}


def test_weight_loader(block_simulator, tiny_case):
    """The real weight stream of a program, with halves that are free now and then."""
    program = tiny_case.program
    engine, image = program.engine, program.image
    beat, size = engine.axi_data_bits // 8, derived.record_bits(engine) // 8
    stream = [int.from_bytes(row.tobytes(), "little") for row in program.weight_stream()]
    places = list(corrupt.lane_places(program))
    expected = []
    for _, tile in itertools.groupby(places, lambda place: place.header):
        own = list(tile)
        parts = [
            (
                LoadKind.RECORD,
                place.lane,
                range(place.record, place.record + size, beat),
                min(size, beat),
            )
            for place in own
        ]
        parts += [(LoadKind.WEIGHT, place.lane, place.weights, beat) for place in own]
        for kind, lane, lines, width in parts:
            for line, byte in enumerate(lines):
                data = int.from_bytes(image[byte : byte + width].tobytes(), "little")
                expected.append((kind, lane, line, data))
    tiles, side = build_machine(program).tiles, derived.mask_lanes(engine)
    masks = []
    for first, end, lanes in zip(
        tiles.first_mask, [*tiles.first_mask[1:], len(tiles.masks)], tiles.lanes, strict=True
    ):
        words = [int(word) for word in tiles.masks[first:end]]
        for word in range(len(words) // lanes):
            for lane in range(0, lanes, side):
                group = words[word * lanes :][:lanes][lane : lane + side]
                data = sum(mask << i * engine.chunk for i, mask in enumerate(group))
                masks.append((lane, word, data))
    layout = axi_beat_layout(engine.axi_data_bits)
    plan = Plan(
        sources={
            "i": Source(
                valid="i__valid", ready="i__ready", data=["i__payload"], stalls=0.2,
                items=[[const(layout, {"data": data})] for data in stream],
            )
        },
        random={"free": (engine.clusters, 0.3)},
        probes={"load": Probe(valid="select", data=["load"]),
                "failed": Probe(valid="failed", data=[])},
    )  # fmt: skip
    events = run_block(WeightLoader(engine), plan, simulator=block_simulator)
    assert events.probes["failed"] == []
    seen = [load_bus(engine).from_bits(row[1]) for row in events.probes["load"]]
    lines = [entry.masks for entry in seen if entry.masks.valid]
    assert [(int(e.lane), int(e.line), int(e.data)) for e in lines] == masks
    seen = [entry for entry in seen if entry.valid and entry.kind != LoadKind.TILE]
    assert [(e.kind, int(e.lane), int(e.line), int(e.data)) for e in seen] == expected
