"""BroadcastRegister: which beats, for which lanes, in which cycle."""

import random

import pytest

from hw.broadcast_register import BroadcastRegister
from sparsespike.contract.config import load_engine

WORDS = 120


@pytest.mark.parametrize("steps, planes, pause", [(2, 3, 0.0), (1, 1, 0.5), (3, 4, 0.6)])
def test_beats(clocked, steps, planes, pause):
    engine = load_engine("micro", time_steps=steps, count_bits=planes)
    rng = random.Random(pause)
    lanes, slots = engine.lanes, engine.chunk
    words = []
    for _ in range(WORDS):
        vectors = [
            [rng.getrandbits(slots) & rng.getrandbits(slots) if rng.random() < 0.6 else 0]
            + [rng.getrandbits(slots) & rng.getrandbits(slots) & rng.getrandbits(slots)]
            * (steps - 1)
            if rng.random() < 0.6
            else [0] * steps
            for _ in range(planes)
        ]
        masks = [rng.getrandbits(slots) & rng.getrandbits(slots) for _ in range(lanes)]
        words.append((vectors, masks, rng.getrandbits(lanes), rng.random() < 0.3, rng.randrange(2)))
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
            for plane, parts in enumerate(vectors):
                for a, vector in enumerate(parts):
                    ctx.set(dut.i.p.values[plane][a], vector)
            for lane, mask in enumerate(masks):
                ctx.set(dut.i.p.masks[lane].mask, mask)
            ctx.set(dut.i.p.planes, sum(any(parts) << p for p, parts in enumerate(vectors)))
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
        loud = [plane for plane in range(planes) if any(vectors[plane])]
        if not loud and not last:
            skipped.append(now)
            left = now
        for plane in loud or ([0] if last else []):
            final = last and plane == (loud or [0])[-1]
            slots_on = 0
            for vector in vectors[plane]:
                slots_on |= vector
            matches = [slots_on & mask for mask in masks]
            push = sum(
                1 << lane
                for lane in range(lanes)
                if active >> lane & 1 and (matches[lane] or final)
            )
            while full_at[now] & push:
                now += 1
                stalled += 1
            shift = plane if loud else 0
            expected.append((now, vectors[plane], push, matches, (shift, final, half)))
            left = now
            now += 1
    assert skips == skipped
    assert len(stalls) == stalled
    assert [beat[0] for beat in beats] == [beat[0] for beat in expected]
    for (_, spikes, push, matches, shared), beat in zip(beats, expected, strict=True):
        assert (push, shared) == (beat[2], beat[4])
        if any(beat[3]):
            assert (spikes, matches) == (beat[1], beat[3])
