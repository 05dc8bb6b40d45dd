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
    ],
)
def test_beats(clocked, steps, bits, width, pause, channels):
    fields = {"count_bits": bits, "digit_bits": width, "lane_channels": channels}
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
        masks = [rng.getrandbits(slots) & rng.getrandbits(slots) for _ in range(lanes * channels)]
        active = rng.getrandbits(lanes * channels)
        words.append((vectors, masks, active, rng.random() < 0.3, rng.randrange(2)))
    dut = BroadcastRegister(engine)
    taken, beats, full_at, skips, stalls, left_at = [], [], [], [], [], []

    def step(ctx, cycle):
        full = sum(1 << lane for lane in range(lanes) if rng.random() < pause)
        full_at.append(full)
        ctx.set(dut.full, full)
        offer = len(taken) < WORDS and rng.random() < 0.8
        ctx.set(dut.i.valid, offer)
        if offer:
            vectors, masks, active, last, half = words[len(taken)]
            for digit, parts in enumerate(vectors):
                for a, vector in enumerate(parts):
                    ctx.set(dut.i.p.values[digit][a], vector)
            for lane, mask in enumerate(masks):
                ctx.set(dut.i.p.masks[lane].mask, mask)
            ctx.set(dut.i.p.digits, sum(any(parts) << p for p, parts in enumerate(vectors)))
            ctx.set(dut.i.p.active, active)
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
        return len(left_at) == WORDS

    clocked(dut, step, 5000)
    left, expected, skipped, stalled = -1, [], [], 0
    for (vectors, masks, active, last, half), cycle in zip(words, taken, strict=True):
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
            matches = [slots_on & mask if active >> i & 1 else 0 for i, mask in enumerate(masks)]
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
