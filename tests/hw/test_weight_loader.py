"""WeightLoader: steps and cycles of docs/engine.md, section 5, mask offsets, refused packets."""

import random
from types import SimpleNamespace

import pytest

from hw.layouts import LoadKind
from hw.weight_loader import WeightLoader
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine


def make_packets(engine, count, rng):
    """Tiles as lists of steps: (beat or None, what it puts on the bus)."""
    packets = []
    for tile in range(count):
        channels = rng.randint(1, engine.lanes * engine.lane_channels)
        words = rng.randint(1, engine.mask_depth)
        row = rng.randrange(1 << 13)
        split = tile % 3 if engine.clusters > 3 else 0
        teams = engine.clusters >> split
        cluster = tile % teams
        team = sum(1 << cluster + band * teams for band in range(1 << split))
        lines = mask_lines(engine, words, channels, rng)
        payload, nibble_beats = payload_of(engine, channels, lines, rng)
        header = 0xA5 | cluster << 8 | split << 13 | channels << 15 | row << 22
        header |= words << 35 | nibble_beats << 48
        packets.append(
            SimpleNamespace(team=team, channels=channels, row=row, header=header, steps=payload)
        )
    return packets


def mask_lines(engine, words, channels, rng):
    """[(lane, word, nibbles, offsets)], word after word."""
    chunk, axi = engine.chunk, engine.axi_data_bits
    side = min(axi // chunk, 1 << (engine.lanes * engine.lane_channels - 1).bit_length())
    before, lines = [0] * 64, []
    density = rng.choice([0.0, 0.1, 0.1, 0.5, 1.0])
    for word in range(words):
        for first in range(0, channels, side):
            masks = [sum((rng.random() < density) << i for i in range(chunk)) for _ in range(side)]
            offsets = before[first : first + side]
            for i, mask in enumerate(masks):
                before[first + i] += mask.bit_count()
            line = sum(mask << i * chunk for i, mask in enumerate(masks))
            lines.append((first, word, line, offsets))
    return lines


def payload_of(engine, channels, lines, rng):
    """Constants, then weights and masks: steps as the page says; and how many beats of nibbles."""
    axi, size = engine.axi_data_bits, derived.record_bits(engine)
    low = derived.record_fields(engine)["weight_lines"][0]
    steps, weights = [], []
    counts = [rng.choice([1, 1, 2, 3]) for _ in range(channels)]
    records = [rng.getrandbits(low) | count << low for count in counts]
    per_beat = max(1, axi // size)
    for first in range(0, channels, per_beat):
        own = records[first : first + per_beat]
        whole = sum(record << i * size for i, record in enumerate(own))
        for i, record in enumerate(own):
            for line in range(max(1, size // axi)):
                part = record >> line * axi & (1 << min(axi, size)) - 1
                beat = (whole if size < axi else part) if i == 0 else None
                steps.append((beat, [(LoadKind.RECORD, first + i, line, part)]))
    for lane, count in enumerate(counts):
        for line in range(count):
            weights.append((LoadKind.WEIGHT, lane, line, rng.getrandbits(axi)))
    size = len(lines) and min(axi, engine.chunk * len(lines[0][3])) // 4
    coded = [[line >> 4 * i & 15 for i in range(size)] for _, _, line, _ in lines]
    full = [nibble for nibbles in coded for nibble in nibbles if nibble]
    per_beat = axi // 4
    nibble_beats = [full[i : i + per_beat] for i in range(0, len(full), per_beat)]
    count = len(nibble_beats)
    known, there, done = [], 0, 0
    while done < len(lines) or weights:
        beat, out = None, []
        expands = done < len(lines) and bool(known) and there >= known[0]
        lacks = done + expands < len(lines) and len(known) == expands
        if lacks:
            first = done + expands
            block = coded[first : first + axi // size]
            flags = [bool(nibble) for nibbles in block for nibble in nibbles]
            beat = sum(flag << i for i, flag in enumerate(flags))
        elif nibble_beats and there <= per_beat:
            beat = sum(nibble << 4 * i for i, nibble in enumerate(nibble_beats.pop(0)))
            there += per_beat
        elif weights:
            out.append(weights.pop(0))
            beat = out[0][3]
        if expands:
            there -= known.pop(0)
            out.append(("MASK", *lines[done]))
            done += 1
        if lacks:
            known = [sum(map(bool, nibbles)) for nibbles in coded[done : done + axi // size]]
        steps.append((beat, out))
    return steps, count


@pytest.mark.parametrize("axi_data_bits", [64, 128])
@pytest.mark.parametrize("stalls", [False, True])
@pytest.mark.parametrize("membrane_bits", [32, 40])
@pytest.mark.parametrize(
    "clusters, lanes, channels, chunk", [(3, 3, 1, 16), (7, 3, 2, 8), (2, 1, 1, 4), (1, 12, 1, 32)]
)
def test_packets_and_cycles(
    clocked, axi_data_bits, stalls, membrane_bits, clusters, lanes, channels, chunk
):
    engine = load_engine(
        "small",
        clusters=clusters,
        lanes=lanes,
        lane_channels=channels,
        chunk=chunk,
        attention_units=1,
        axi_data_bits=axi_data_bits,
        membrane_bits=membrane_bits,
        mask_depth=24,
        weight_depth=1024,
    )
    rng = random.Random(axi_data_bits + stalls)
    packets = make_packets(engine, 9, rng)
    beats = [
        beat for p in packets for beat in (p.header, *(s[0] for s in p.steps)) if beat is not None
    ]
    gaps = [rng.choice([0, 0, 0, 1, 5]) if stalls else 0 for _ in beats]
    frees = [rng.randrange(60) if rng.random() < 0.5 else 0 for _ in packets]

    expected_taken, expected_bus = [], []
    cycle = -1
    for tile, packet in enumerate(packets):
        h = max(cycle + 1, (expected_taken or [-1])[-1] + 1 + gaps[len(expected_taken)])
        expected_taken.append(h)
        opens = max(h + 2, h + 1 + frees[tile])
        expected_bus.append((opens + 1, packet.team, "TILE", packet.channels, packet.row))
        cycle = opens - 1
        for beat, out in packet.steps:
            cycle += 1
            if beat is not None:
                cycle = max(cycle, expected_taken[-1] + 1 + gaps[len(expected_taken)])
                expected_taken.append(cycle)
            for entry in out:
                late = 3 if entry[0] == "MASK" else 2
                expected_bus.append((cycle + late, packet.team, *entry))
        expected_bus.append((cycle + 3, packet.team, "END"))
    taken, bus = _run(clocked, engine, packets, beats, gaps, frees)
    assert taken == expected_taken
    assert sorted(bus, key=str) == sorted(expected_bus, key=str)


def _run(clocked, engine, packets, beats, gaps, frees):
    dut = WeightLoader(engine)
    headers = {}
    place = 0
    for tile, packet in enumerate(packets):
        headers[place] = tile
        place += 1 + sum(beat is not None for beat, _ in packet.steps)
    taken, bus = [], []
    state = {"tile": None, "free_from": 0, "offer": gaps[0]}

    def step(ctx, cycle):
        tile = state["tile"]
        free = 0
        if tile is not None and cycle >= state["free_from"]:
            free = packets[tile].team
        elif tile is not None:
            free = packets[tile].team & (packets[tile].team - 1)  # all of the team but one
        ctx.set(dut.free, free)
        place = len(taken)
        offered = place < len(beats) and cycle >= state["offer"]
        ctx.set(dut.i.valid, offered)
        ctx.set(dut.i.p.data, beats[place] if offered else 0)
        assert not ctx.get(dut.failed)
        bus.extend((cycle, ctx.get(dut.select), *event) for event in _events(ctx, dut))
        if offered and ctx.get(dut.i.ready):
            taken.append(cycle)
            if place in headers:
                state["tile"] = headers[place]
                state["free_from"] = cycle + 1 + frees[headers[place]]
            if place + 1 < len(beats):
                state["offer"] = cycle + 1 + gaps[place + 1]
        return place == len(beats) and cycle > taken[-1] + 60

    clocked(dut, step, 40000)
    return taken, bus


def _events(ctx, dut):
    load, masks = dut.load, dut.load.masks
    kind = ctx.get(load.kind)
    if ctx.get(load.valid) and kind == LoadKind.TILE:
        yield "TILE", ctx.get(load.lanes), ctx.get(load.row)
    elif ctx.get(load.valid):
        width = min(dut.engine.axi_data_bits, derived.record_bits(dut.engine))
        data = ctx.get(load.data)
        data = data & (1 << width) - 1 if kind == LoadKind.RECORD else data
        yield kind, ctx.get(load.lane), ctx.get(load.line), data
    if ctx.get(masks.valid):
        offsets = [ctx.get(masks.offsets[i]) for i in range(len(masks.offsets))]
        yield "MASK", ctx.get(masks.lane), ctx.get(masks.line), ctx.get(masks.data), offsets
    if ctx.get(load.end):
        yield ("END",)


GOOD = 0xA5 | 2 << 15 | 2 << 35 | 1 << 48
CONSTANTS = 1 << 56


@pytest.mark.parametrize(
    ("header", "constants", "fails"),
    [
        (GOOD, CONSTANTS, None),
        (GOOD ^ 1, CONSTANTS, 0),
        (GOOD | 4 << 8, CONSTANTS, 0),
        (GOOD | 2 << 8 | 1 << 13, CONSTANTS, 0),
        (GOOD | 3 << 13, CONSTANTS, 0),
        (GOOD & ~(0x7F << 15), CONSTANTS, 0),
        (GOOD | 8 << 15, CONSTANTS, 0),
        (GOOD | 0x1FF << 35, CONSTANTS, 0),
        (GOOD & ~(0x1FFF << 35), CONSTANTS, 0),
        (GOOD, 129 << 56, 2),
        (GOOD, 0, 2),
        (GOOD & ~(1 << 48), CONSTANTS, 7),
    ],
    ids=[
        "good",
        "magic",
        "cluster",
        "team",
        "split",
        "no lanes",
        "lanes",
        "mask words",
        "no mask words",
        "weight lines",
        "no weight lines",
        "no nibbles",
    ],
)
def test_refused_packets(clocked, header, constants, fails):
    """Two channels with one nibble in each of two mask words."""
    dut = WeightLoader(load_engine("small"))
    beats = [header, constants, constants, 1 | 1 << 16, 0x11, 0, 0]
    if fails == 7:
        beats.pop(4)
    failures, place = [], [0]

    def step(ctx, cycle):
        ctx.set(dut.free, 0b1111)
        ctx.set(dut.i.valid, place[0] < len(beats))
        ctx.set(dut.i.p.data, beats[min(place[0], len(beats) - 1)])
        if ctx.get(dut.failed):
            failures.append(cycle)
        place[0] += place[0] < len(beats) and ctx.get(dut.i.ready)
        return cycle == 12

    clocked(dut, step, 20)
    assert failures[:1] == ([] if fails is None else [fails])
