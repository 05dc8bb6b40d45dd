"""BroadcastRegister: which beats, for which lanes, in which cycle."""

import random

import pytest

from hw.broadcast_register import BroadcastRegister
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine

WORDS = 120


@pytest.mark.parametrize(
    "steps, bits, width, pause, channels",
    [
        (2, 3, 1, 0.0, 1),
        (1, 1, 1, 0.5, 1),
        (3, 4, 1, 0.6, 1),
        (2, 5, 2, 0.3, 1),
        (1, 6, 2, 0.6, 2),
        (4, 4, 2, 0, 1),
        (2, 2, 1, 0.3, 2),
        (2, 4, 1, 0.3, 4),
    ],
)
def test_beats(clocked, steps, bits, width, pause, channels):
    fields = {"count_bits": bits, "digit_bits": width, "lane_channels": min(channels, 2)}
    if channels > 2:
        # 16 channels, of which a beat of the weight stream holds the masks of four.
        channels, fields = 2, fields | {"lanes": 8, "chunk": 16}
    engine = load_engine("micro", time_steps=steps, **fields)
    rng = random.Random(pause)
    lanes, slots = engine.lanes, engine.chunk
    digits = derived.count_digits(engine)
    words = []
    for _ in range(WORDS):
        vectors = [
            [rng.getrandbits(slots) & rng.getrandbits(slots) if rng.random() < 0.6 else 0]
            + [rng.getrandbits(slots) & rng.getrandbits(slots) & rng.getrandbits(slots)]
            * (steps * width - 1)
            if rng.random() < 0.6
            else [0] * steps * width
            for _ in range(digits)
        ]
        words.append((vectors, rng.randrange(64), rng.random() < 0.3, rng.randrange(2)))
    # A tile in each half. Masks that it lacks are 0 where they share a beat of the weight stream
    # with one that it has, and may be anything beyond that.
    present = [rng.randint(1, lanes * channels) for _ in range(2)]
    side = derived.mask_lanes(engine)
    table = {
        (half, index): [
            0
            if present[half] <= channel < derived.ceil_div(present[half], side) * side
            else rng.getrandbits(slots) & rng.getrandbits(slots)
            for channel in range(lanes * channels)
        ]
        for half in range(2)
        for index in range(64)
    }
    dut = BroadcastRegister(engine)
    read = [0] * lanes * channels
    taken, beats, full_at, skips, stalls, left_at = [], [], [], [], [], []

    def step(ctx, cycle):
        ctx.set(dut.walked, (1 << digits) - 1)
        ctx.set(dut.channels, present)
        for channel, mask in enumerate(read):
            ctx.set(dut.masks[channel].mask, mask)
        full = sum(1 << lane for lane in range(lanes) if rng.random() < pause)
        full_at.append(full)
        ctx.set(dut.full, full)
        offer = len(taken) < WORDS and rng.random() < 0.8
        ctx.set(dut.i.valid, offer)
        if offer:
            vectors, index, last, half = words[len(taken)]
            for digit, parts in enumerate(vectors):
                slots_on = 0
                for a, vector in enumerate(parts):
                    ctx.set(dut.i.p.values[digit][a], vector)
                    slots_on |= vector
                ctx.set(dut.i.p.slots[digit], slots_on)
            ctx.set(dut.i.p.mask, index)
            ctx.set(dut.i.p.last, last)
            ctx.set(dut.i.p.half, half)
        if ctx.get(dut.emitted):
            spikes = [ctx.get(vector) for vector in dut.beat.spikes]
            matches = [ctx.get(match) for match in dut.matches]
            shared = ctx.get(dut.beat.shift), ctx.get(dut.beat.last), ctx.get(dut.beat.half)
            beats.append((cycle, spikes, ctx.get(dut.push), matches, shared))
        if ctx.get(dut.skipped):
            skips.append(cycle)
        if ctx.get(dut.leaving):
            left_at.append(cycle)
        if ctx.get(dut.stalled):
            stalls.append(cycle)
        if offer and ctx.get(dut.i.ready):
            taken.append(cycle)
        if ctx.get(dut.mask_enable):
            read[:] = table[ctx.get(dut.mask_half), ctx.get(dut.mask_index)]
        return len(left_at) == WORDS

    clocked(dut, step, 5000)
    left, expected, skipped, stalled = -1, [], [], 0
    for (vectors, index, last, half), cycle in zip(words, taken, strict=True):
        active = (1 << present[half]) - 1
        now = max(cycle + 3, left + 1)
        loud = [digit for digit in range(digits) if any(vectors[digit])]
        if not loud and not last:
            skipped.append(now)
            left = now
        for digit in loud or ([0] if last else []):
            final = last and digit == (loud or [0])[-1]
            slots_on = 0
            for vector in vectors[digit]:
                slots_on |= vector
            matches = [
                slots_on & mask if active >> i & 1 else 0
                for i, mask in enumerate(table[half, index])
            ]
            push = sum(
                1 << lane
                for lane in range(lanes)
                if any(matches[lane::lanes]) or (active >> lane & 1 and final)
            )
            while full_at[now] & push:
                now += 1
                stalled += 1
            shift = digit * width if loud else 0
            expected.append((now, vectors[digit], push, matches, (shift, final, half)))
            left = now
            now += 1
    assert skips == skipped
    assert len(stalls) == stalled
    assert [beat[0] for beat in beats] == [beat[0] for beat in expected]
    for (_, spikes, push, matches, shared), beat in zip(beats, expected, strict=True):
        assert (push, shared) == (beat[2], beat[4])
        if any(beat[3]):
            assert (spikes, matches) == (beat[1], beat[3])
