"""AddressPipeline: addresses of section 1, four elastic stages, one scan a cycle."""

import random

import pytest

from hw.address_pipeline import AddressPipeline
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import Descriptor


@pytest.mark.parametrize("pixel", [0, 1])
@pytest.mark.parametrize("pause", [0.0, 0.4, 0.8])
def test_addresses_and_cycles(clocked, pixel, pause):
    engine = load_engine("micro")
    rng = random.Random(pause)
    layer = Descriptor(
        operation=1, tokens=9, groups=3, time_steps=12, layer=0, chunks=5, source_stride=6,
        source_base=100, pixel=pixel,
    )  # fmt: skip
    scans = [
        {
            "position": rng.randrange(30),
            "group": rng.randrange(3),
            "chunk": rng.randrange(5),
            "neighbour": rng.randrange(9),
            "half": rng.randrange(2),
            "final": rng.randrange(2),
        }
        for _ in range(150)
    ]
    dut = AddressPipeline(engine)
    entered, reads, marks, stood, left = [], [], [], [], []

    def step(ctx, cycle):
        ctx.set(dut.descriptor, vars(layer) | {"magic": 0, "checksum": 0})
        offer = len(entered) < len(scans) and rng.random() >= pause / 2
        ctx.set(dut.i.valid, offer)
        if offer:
            for name, value in scans[len(entered)].items():
                ctx.set(dut.i.p[name], value)
        ctx.set(dut.o.ready, rng.random() >= pause)
        if ctx.get(dut.enable):
            reads.append((cycle, ctx.get(dut.word)))
        if ctx.get(dut.o.valid):
            if len(stood) == len(left):
                stood.append(cycle)
                names = ("mask", "shift", "half", "final")
                marks.append(tuple(ctx.get(dut.o.p[name]) for name in names))
            if ctx.get(dut.o.ready):
                left.append(cycle)
        if offer and ctx.get(dut.i.ready):
            entered.append(cycle)
        return len(left) == len(scans)

    clocked(dut, step, 3000)
    before = -1
    for number, scan in enumerate(scans):
        assert stood[number] == max(entered[number] + 4, before + 1)
        before = left[number]
        token = scan["position"] if pixel else scan["position"] * 3 + scan["group"]
        mask = scan["neighbour"] if pixel else scan["neighbour"] * 5 + scan["chunk"]
        word = 100 + token * 6 + scan["chunk"]
        assert reads[number] == (stood[number] - 1, word)
        shift = scan["chunk"] * engine.time_steps % 8 if pixel else 0
        mask %= 1 << len(dut.o.p.mask)
        assert marks[number] == (mask, shift, scan["half"], scan["final"])
