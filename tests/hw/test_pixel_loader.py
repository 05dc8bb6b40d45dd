"""PixelLoader: words and cycles of docs/engine.md, sections 1 and 2."""

import random

import pytest

from hw.pixel_loader import PixelLoader
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine

BASE = 32


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"axi_data_bits": 128, "time_steps": 2},
        {"time_steps": 3, "chunk": 4, "lanes": 9},
        {"time_steps": 16, "chunk": 16, "lanes": 3},
        {"time_steps": 8, "axi_data_bits": 128, "lanes": 16},
    ],
)
@pytest.mark.parametrize("pixels", [1, 7, 12])
def test_words_and_cycles(clocked, knobs, pixels):
    engine = load_engine("micro", spike_depth=256, **knobs)
    rng = random.Random(pixels)
    per_beat, passes = derived.pixels_per_beat(engine), derived.pixel_passes(engine)
    image = [rng.getrandbits(32) for _ in range(pixels)]
    beats = []
    for first in range(0, pixels, per_beat):
        part = image[first : first + per_beat]
        beats.append(sum(pixel << 32 * i for i, pixel in enumerate(part)))
    offers = [3 + 2 * i + rng.randrange(12) for i in range(len(beats))]
    offers = [max(offers[: i + 1]) for i in range(len(offers))]
    taken, writes, done = _run(clocked, engine, pixels, beats, offers)

    expected_taken, expected_writes, word = [], [], 0
    free = 0
    for i, offer in enumerate(offers):
        r = max(offer, free, expected_taken[-1] + 1 if expected_taken else 0)
        expected_taken.append(r)
        words = min(per_beat, pixels - i * per_beat) * passes
        for j in range(words):
            value = _word(engine, image[word // passes], word % passes)
            expected_writes.append((r + 1 + j, BASE + word, value))
            word += 1
        free = r + words
    assert taken == expected_taken
    assert writes == expected_writes
    assert done == free


def _word(engine, pixel, step):
    value = 0
    for channel in range(4):
        for a in range(engine.time_steps):
            bit = step * engine.time_steps + a
            if bit < 8 and pixel >> (8 * channel + bit) & 1:
                value |= 1 << (channel * engine.time_steps + a)
    return value


def _run(clocked, engine, pixels, beats, offers):
    dut = PixelLoader(engine)
    bits = engine.chunk * engine.time_steps
    words = derived.words_per_line(engine)
    units = engine.chunk // derived.unit_slots(engine)
    taken, writes, done = [], [], []

    def step(ctx, cycle):
        ctx.set(dut.begin, cycle == 0)
        ctx.set(dut.pixels, pixels)
        ctx.set(dut.base, BASE)
        place = len(taken)
        offered = place < len(beats) and cycle >= offers[place]
        ctx.set(dut.i.valid, offered)
        if offered:
            ctx.set(dut.i.p.data, beats[place])
        if ctx.get(dut.write.valid):
            enable = ctx.get(dut.write.enable)
            low = (enable & -enable).bit_length() - 1
            assert enable == ((1 << units) - 1) << low
            sub = low // units
            data = ctx.get(dut.write.data) >> sub * bits & (1 << bits) - 1
            writes.append((cycle, ctx.get(dut.write.address) * words + sub, data))
        if offered and ctx.get(dut.i.ready):
            taken.append(cycle)
        elif len(taken) == len(beats) and ctx.get(dut.finishing):
            done.append(cycle)
            return True
        return False

    clocked(dut, step, 1000)
    return taken, writes, done[0]
