"""TileStore: halves in use, walkable tiles, shapes and constants, against lists of tiles."""

import random

import pytest

from hw.layouts import LoadKind
from hw.tile_store import TileStore
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine

TILES = 40


@pytest.mark.parametrize("membrane_bits", [32, 40])
def test_halves(clocked, membrane_bits):
    engine = load_engine("micro", membrane_bits=membrane_bits)
    rng = random.Random(3)
    dut = TileStore(engine)
    tiles = [(rng.randint(1, engine.lanes), rng.getrandbits(16)) for _ in range(TILES)]
    bits = derived.record_bits(engine)
    records = [[rng.getrandbits(bits) for _ in range(lanes)] for lanes, _ in tiles]
    state = {"begun": 0, "loaded": 0, "walked": 0, "taken": 0}
    beats, wanted = [], []

    def load(ctx):
        begun = state["begun"]
        if not beats and begun < TILES and begun - state["taken"] < 2 and rng.random() < 0.5:
            beats.append((LoadKind.TILE, 0, 0, 0))
            for lane, record in enumerate(records[begun]):
                parts = [record >> low & (1 << 64) - 1 for low in range(0, bits, 64)]
                beats.extend((LoadKind.RECORD, lane, i, part) for i, part in enumerate(parts))
        valid = bool(beats) and rng.random() < 0.8
        ctx.set(dut.load.valid, valid)
        ctx.set(dut.load.end, valid and len(beats) == 1)
        if not valid:
            return {}
        kind, lane, line, part = beats.pop(0)
        for name, value in (("kind", kind), ("lane", lane), ("line", line), ("data", part)):
            ctx.set(dut.load[name], value)
        if kind == LoadKind.TILE:
            ctx.set(dut.load.lanes, tiles[begun][0])
            ctx.set(dut.load.row, tiles[begun][1])
            return {"begun": 1}
        return {} if beats else {"loaded": 1}

    def step(ctx, cycle):
        assert ctx.get(dut.free) == (state["begun"] - state["taken"] < 2)
        assert ctx.get(dut.available) == (state["loaded"] > state["walked"])
        if wanted:
            assert ctx.get(dut.constants.as_value()) == wanted.pop()
        walks = state["loaded"] > state["walked"]
        if walks:
            assert ctx.get(dut.walk_lanes) == tiles[state["walked"]][0]
            assert ctx.get(dut.walk_half) == state["walked"] % 2
        takes = state["walked"] > state["taken"]
        if takes:
            lanes, row = tiles[state["taken"]]
            assert (ctx.get(dut.take_lanes), ctx.get(dut.take_row)) == (lanes, row)
            lane = rng.randrange(lanes)
            ctx.set(dut.lane, lane)
            wanted.append(records[state["taken"]][lane])
        moves = load(ctx)
        walked, taken = walks and rng.random() < 0.3, takes and rng.random() < 0.3
        ctx.set(dut.walked, walked)
        ctx.set(dut.taken, taken)
        for name, change in (moves | {"walked": walked, "taken": taken}).items():
            state[name] += change
        return state["taken"] == TILES

    clocked(dut, step, 4000)
