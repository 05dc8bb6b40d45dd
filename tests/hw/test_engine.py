"""Engine: frames without weights, cycle by cycle; every error, and what clears it."""

import random

import pytest

from hw import register_map
from hw.engine import Engine
from hw.register_map import ERROR_CODES, register
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import (
    FORMAT_VERSION,
    HEADER_FIELDS,
    HEADER_MAGIC,
    Descriptor,
    Output,
    pack_words,
)

ENGINE = load_engine(
    "micro",
    lanes=1,
    chunk=4,
    time_steps=4,
    spike_depth=64,
    count_depth=16,
    mask_depth=16,
    weight_depth=8,
    max_tokens=4,
    max_layers=4,
    max_classes=6,
    head_slots=4,
    attention_depth=4,
    memory_latency=7,
)
PIXELS = 5
PROGRAM, IMAGE, OUTPUT = 0x1000, 0x4000, 0x7000
EMPTY = Descriptor(operation=1, tokens=1, groups=1, time_steps=4, layer=0)
HEAD = Descriptor(
    operation=1, tokens=1, groups=1, time_steps=4, layer=1, output=Output.HEAD, classes=3, last=1
)
WAITS = Descriptor(operation=1, tokens=1, groups=1, time_steps=4, layer=0, tiles=1)


def memory_content(*, layers=(EMPTY, HEAD), weights=(), header=None):
    """Program with these layers and weight beats at PROGRAM, pixels at IMAGE."""
    fields = {
        "magic": HEADER_MAGIC,
        "version": FORMAT_VERSION,
        "engine": int(ENGINE.hash, 16) & 0xFFFF_FFFF,
        "layers": len(layers),
        "weight_offset": 0x1000,
        "weight_beats": max(1, len(weights)),
        "pixels": PIXELS,
        "pixel_base": 0,
    }
    content = bytearray(0x8000)
    parts = [pack_words(fields | (header or {}), HEADER_FIELDS)]
    parts += [layer if isinstance(layer, bytes) else layer.pack() for layer in layers]
    program = b"".join(parts)
    content[PROGRAM : PROGRAM + len(program)] = program
    stream = b"".join(beat.to_bytes(8, "little") for beat in weights or (GOOD_TILE,))
    content[PROGRAM + 0x1000 : PROGRAM + 0x1000 + len(stream)] = stream
    content[IMAGE : IMAGE + 4 * PIXELS] = random.Random(2).randbytes(4 * PIXELS)
    return content


GOOD_TILE = 0xA5 | 1 << 15 | 1 << 35
CONSTANTS = 1 << 63


class Session:
    """Writes and reads registers, and runs frames against the two memories."""

    def __init__(
        self, clocked, read_memory, write_memory, script, *, content, stalls=None, **faults
    ):
        latency = ENGINE.memory_latency
        self.dut = Engine(ENGINE)
        self.reads = read_memory(content, data_bits=64, latency=latency, stalls=stalls)
        self.reads.bad_beat = faults.get("bad_beat")
        self.writes = write_memory(
            data_bits=64, latency=latency, stalls=stalls, bad=faults.get("bad_write", False)
        )
        self.values, self.started, self.interrupts = [], [], []
        self.script = self._steps(script)
        self.wish = next(self.script)
        self.rising = False
        clocked(self.dut, self.step, 20000)

    def _steps(self, script):
        for entry in script:
            if entry[0] == "wait":
                while not self.rising:
                    yield None
            else:
                while not (yield entry):
                    pass
                while entry[0] == "read" and len(self.values) < self.expected:
                    yield None
                yield None
        yield "end"

    expected = 0

    def step(self, ctx, cycle):
        bus, axi, entry = self.dut.s_axil, self.dut.m_axi, self.wish
        self.reads.drive(ctx, axi, cycle)
        self.writes.drive(ctx, axi, cycle)
        writing = entry is not None and entry[0] == "write"
        reading = entry is not None and entry[0] == "read"
        ctx.set(bus.awvalid, writing)
        ctx.set(bus.wvalid, writing)
        ctx.set(bus.arvalid, reading)
        ctx.set(bus.bready, 1)
        ctx.set(bus.rready, 1)
        ctx.set(bus.wstrb, 0xF)
        if writing or reading:
            ctx.set(bus.awaddr, entry[1])
            ctx.set(bus.araddr, entry[1])
        if writing:
            ctx.set(bus.wdata, entry[2])
        accepted = bool((writing and ctx.get(bus.awready)) or (reading and ctx.get(bus.arready)))
        if accepted and reading:
            self.expected = len(self.values) + 1
        if accepted and writing and entry[1] == register("CTRL").address and entry[2] == 1:
            self.started.append(cycle)
        if ctx.get(bus.rvalid):
            self.values.append(ctx.get(bus.rdata))
        rising = bool(ctx.get(self.dut.irq))
        if rising and not self.rising:
            self.interrupts.append(cycle)
        self.rising = rising
        self.reads.sample(ctx, axi, cycle)
        self.writes.sample(ctx, axi, cycle)
        self.wish = self.script.send(accepted)
        return self.wish == "end"


def write(name, value):
    return ("write", register(name).address, value)


def read(name):
    return ("read", register(name).address)


SETUP = [
    write("PROGRAM_ADDR_LO", PROGRAM),
    write("INPUT_ADDR_LO", IMAGE),
    write("OUTPUT_ADDR_LO", OUTPUT),
    write("IRQ_ENABLE", 3),
]
START = [write("CTRL", 1), ("wait",), read("STATUS"), write("IRQ_STATUS", 3)]


def expected_frame():
    """Cycles of the two layers, from the sentences of docs/engine.md; deterministic memory."""
    latency, beats = ENGINE.memory_latency, derived.descriptor_beats(ENGINE)
    header = 2 + latency + beats - 1
    descriptors = header + 2 + 1 + latency + 2 * beats - 1
    words = [2 * derived.pixel_passes(ENGINE)] * 2 + [derived.pixel_passes(ENGINE)]
    beat = descriptors + 1 + 1 + latency
    for size in words[:-1]:
        beat = max(beat + 1, beat + size)
    begin = beat + words[-1] + 1
    work = beats + derived.DESCRIPTOR_CYCLES + 1 + derived.DRAIN_CYCLES + derived.COUNTER_CYCLES
    return begin + work, work + derived.logit_cycles(ENGINE, HEAD.classes)


def test_two_frames_without_weights(clocked, read_memory, write_memory):
    counters = [
        ("read", register_map.counter_address(layer, name))
        for layer in (0, 1)
        for name in ("cycles", "dma_write_beats", "pixel_words_written")
    ]
    script = [*SETUP, *START, *counters, read("CYCLES_LO"), *START[:3]]
    tile = [GOOD_TILE, CONSTANTS, 0, 0]
    session = Session(
        clocked, read_memory, write_memory, script, content=memory_content(weights=tile)
    )
    first, second = expected_frame()
    done = 2
    words = PIXELS * derived.pixel_passes(ENGINE)
    assert session.values[:8] == [done, first, 0, words, second, 2, 0, first + second]
    assert session.interrupts[0] - session.started[0] == first + second
    assert session.writes.content == {OUTPUT: 0, OUTPUT + 8: 0}
    assert session.values[8] == done


@pytest.mark.parametrize("seed", range(2))
def test_a_frame_with_stalls(clocked, read_memory, write_memory, seed):
    content = memory_content(weights=[GOOD_TILE, CONSTANTS, 0, 0])
    script = [*SETUP, *START]
    session = Session(clocked, read_memory, write_memory, script, content=content, stalls=seed)
    assert session.values == [2]
    assert session.writes.content == {OUTPUT: 0, OUTPUT + 8: 0}


BAD_SUM = bytes([*EMPTY.pack()[:40], 1, *EMPTY.pack()[41:]])
ERRORS = {
    "HEADER": ({"header": {"magic": 5}}, {}, 0),
    "DESCRIPTOR": ({"layers": (EMPTY, BAD_SUM)}, {}, 1),
    "READ": ({}, {"bad_beat": 11}, 0),
    "WRITE": ({}, {"bad_write": True}, 1),
    "STREAM": ({"weights": [GOOD_TILE ^ 1]}, {}, 0),
    "TIMEOUT": ({"layers": (EMPTY, WAITS)}, {}, 1),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("stalls", [None, 5])
def test_errors_and_clear(clocked, read_memory, write_memory, name, stalls):
    """Each error stops the frame with its code and layer; after a clear the engine runs again."""
    change, faults, layer = ERRORS[name]
    script = [
        *SETUP,
        write("WATCHDOG", 400),
        *START,
        write("CTRL", 1),
        read("STATUS"),
        write("CTRL", 2),
        *[read("STATUS")] * 40,
    ]
    session = Session(
        clocked,
        read_memory,
        write_memory,
        script,
        content=memory_content(**change),
        stalls=stalls,
        **faults,
    )
    error = 4 | ERROR_CODES[name] << 8 | layer << 16
    assert session.values[:2] == [error, error]
    assert session.values[-1] == 0
    assert not session.reads.bursts
    assert len(session.interrupts) == 1


def test_clear_in_the_middle_of_a_frame(clocked, read_memory, write_memory):
    """The bus is drained, and the next frame is right."""
    for pause in (3, 14, 40):
        script = [*SETUP, write("CTRL", 1), *[read("ID")] * pause, write("CTRL", 2)]
        script += [*[read("STATUS")] * 40, *START]
        content = memory_content(weights=[GOOD_TILE, CONSTANTS, 0, 0])
        session = Session(clocked, read_memory, write_memory, script, content=content)
        assert session.values[pause] == 1
        assert session.values[-2:] == [0, 2]
        frame = sum(expected_frame())
        assert session.interrupts[-1] - session.started[-1] == frame
