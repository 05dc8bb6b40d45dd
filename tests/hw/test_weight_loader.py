"""WeightLoader: cycles of docs/engine.md, section 5, mask offsets, and refused packets."""

import itertools
import random

import pytest

from hw.layouts import LoadKind
from hw.weight_loader import WeightLoader
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine


def make_packets(engine, count, rng):
    """[(team, lanes, row, header, [(kind, lane, line, offsets, data)])]; team: bit per cluster."""
    bits = engine.axi_data_bits
    packets = []
    for tile in range(count):
        lanes = rng.randint(1, engine.lanes)
        mask_lines = rng.randint(1, derived.mask_lines(engine))
        row = rng.randrange(1 << 16)
        split = tile % 3 if engine.clusters > 3 else 0
        teams = engine.clusters >> split
        cluster = tile % teams
        team = sum(1 << cluster + band * teams for band in range(1 << split))
        header = 0xA5 | cluster << 8 | mask_lines << 16 | lanes << 32 | row << 40 | split << 56
        payload = []
        for lane in range(lanes):
            weight_lines = rng.choice([0, 1, 3])
            record = rng.getrandbits(112) | weight_lines << 112
            for line in range(derived.record_beats(engine)):
                data = record >> line * bits & (1 << bits) - 1
                payload.append((LoadKind.RECORD, lane, line, None, data))
            for line in range(weight_lines):
                payload.append((LoadKind.WEIGHT, lane, line, None, rng.getrandbits(bits)))
        payload += masks_of(engine, mask_lines, lanes, rng)
        packets.append((team, lanes, row, header, payload))
    return packets


def masks_of(engine, lines, lanes, rng):
    """Beats of a tile's masks; offsets and data are lists, an item for each word of a lane."""
    bits, chunk = engine.axi_data_bits, engine.chunk
    side = min(bits // chunk, {1: 1, 3: 4, 12: 16}[engine.lanes])
    before = [0] * 16
    for line, first in itertools.product(range(lines), range(0, lanes, side)):
        data = rng.getrandbits(bits) & rng.getrandbits(bits) & rng.getrandbits(bits)
        offsets, parts = [], []
        for word in range(bits // chunk // side):
            offsets.append(before[first : first + side])
            part = data >> word * side * chunk & (1 << side * chunk) - 1
            parts.append((line * (bits // chunk // side) + word, part))
            for i in range(side):
                before[first + i] += bin(part >> i * chunk & (1 << chunk) - 1).count("1")
        yield LoadKind.MASK, first, parts, offsets, data


@pytest.mark.parametrize("axi_data_bits", [64, 128])
@pytest.mark.parametrize("stalls", [False, True])
@pytest.mark.parametrize("clusters, lanes, chunk", [(3, 3, 16), (7, 3, 8), (2, 1, 4), (1, 12, 32)])
def test_packets_and_cycles(clocked, axi_data_bits, stalls, clusters, lanes, chunk):
    engine = load_engine(
        "small",
        clusters=clusters,
        lanes=lanes,
        chunk=chunk,
        attention_units=1,
        axi_data_bits=axi_data_bits,
        mask_depth=24,
        weight_depth=64,
    )
    rng = random.Random(axi_data_bits + stalls)
    packets = make_packets(engine, 9, rng)
    beats = [word for p in packets for word in (p[3], *(entry[4] for entry in p[4]))]
    gaps = [rng.choice([0, 0, 0, 1, 5]) if stalls else 0 for _ in beats]
    frees = [rng.randrange(60) if rng.random() < 0.5 else 0 for _ in packets]

    expected_taken, expected_bus = [], []
    place, ready_from = 0, 0
    spread = derived.words_per_mask_line(engine)
    for tile, (team, lanes, row, _header, payload) in enumerate(packets):
        h = max((expected_taken or [-1])[-1] + 1 + gaps[place], ready_from)
        expected_taken.append(h)
        opens = max(h + 1, h + 1 + frees[tile])
        expected_bus.append((opens + 1, team, "TILE", lanes, row))
        place += 1
        for i, (kind, lane, line, offsets, data) in enumerate(payload):
            e = max(expected_taken[-1] + 1 + gaps[place], opens, ready_from)
            expected_taken.append(e)
            end = i == len(payload) - 1
            parts = [(line, data)] if offsets is None else line
            for w, (number, part) in enumerate(parts):
                ends, own = end and w == len(parts) - 1, offsets and offsets[w]
                expected_bus.append((e + 2 + w, team, kind.name, ends, lane, number, own, part))
            ready_from = e + len(parts)
            assert len(parts) == (spread if kind == LoadKind.MASK else 1)
            place += 1
    taken, bus = _run(clocked, engine, packets, beats, gaps, frees)
    assert taken == expected_taken
    assert bus == expected_bus


def _run(clocked, engine, packets, beats, gaps, frees):
    dut = WeightLoader(engine)
    headers = {}
    place = 0
    for tile, packet in enumerate(packets):
        headers[place] = tile
        place += 1 + len(packet[4])
    taken, bus = [], []
    state = {"tile": None, "free_from": 0, "offer": gaps[0]}

    def step(ctx, cycle):
        tile = state["tile"]
        free = 0
        if tile is not None and cycle >= state["free_from"]:
            free = packets[tile][0]
        elif tile is not None:
            free = packets[tile][0] & (packets[tile][0] - 1)  # all of the team but one
        ctx.set(dut.free, free)
        place = len(taken)
        offered = place < len(beats) and cycle >= state["offer"]
        ctx.set(dut.i.valid, offered)
        ctx.set(dut.i.p.data, beats[place] if offered else 0)
        assert not ctx.get(dut.failed)
        if ctx.get(dut.load.valid):
            bus.append(_event(ctx, dut, cycle))
        if offered and ctx.get(dut.i.ready):
            taken.append(cycle)
            if place in headers:
                state["tile"] = headers[place]
                state["free_from"] = cycle + 1 + frees[headers[place]]
            if place + 1 < len(beats):
                state["offer"] = cycle + 1 + gaps[place + 1]
        return place == len(beats) and cycle > taken[-1] + 40

    clocked(dut, step, 20000)
    return taken, bus


def _event(ctx, dut, cycle):
    team = ctx.get(dut.select)
    load = dut.load
    kind = ctx.get(load.kind)
    if kind == LoadKind.TILE:
        return (cycle, team, "TILE", ctx.get(load.lanes), ctx.get(load.row))
    offsets = None
    if kind == LoadKind.MASK:
        offsets = [ctx.get(load.offsets[i]) for i in range(len(load.offsets))]
    end, lane, line = ctx.get(load.end), ctx.get(load.lane), ctx.get(load.line)
    return (cycle, team, kind.name, bool(end), lane, line, offsets, ctx.get(load.data))


GOOD = 0xA5 | 0 << 8 | 2 << 16 | 2 << 32


@pytest.mark.parametrize(
    ("header", "record", "fails"),
    [
        (GOOD, 1, None),
        (GOOD ^ 1, 1, 0),
        (GOOD | 4 << 8, 1, 0),
        (GOOD | 2 << 8 | 1 << 56, 1, 0),
        (GOOD | 3 << 56, 1, 0),
        (GOOD & ~(0xFF << 32), 1, 0),
        (GOOD | 8 << 32, 1, 0),
        (GOOD | 0xFF << 16, 1, 0),
        (GOOD & ~(0xFF << 16), 1, 0),
        (GOOD, 129, 2),
    ],
    ids=[
        "good",
        "magic",
        "cluster",
        "team",
        "split",
        "no lanes",
        "lanes",
        "mask lines",
        "no mask lines",
        "weight lines",
    ],
)
def test_refused_packets(clocked, header, record, fails):
    dut = WeightLoader(load_engine("small"))
    beats = [header, 0, record << 48, 0]
    failures = []

    def step(ctx, cycle):
        ctx.set(dut.free, 0b1111)
        ctx.set(dut.i.valid, cycle < len(beats))
        ctx.set(dut.i.p.data, beats[min(cycle, len(beats) - 1)])
        if ctx.get(dut.failed):
            failures.append(cycle)
        return cycle == len(beats)

    clocked(dut, step, 10)
    assert failures[:1] == ([] if fails is None else [fails])
