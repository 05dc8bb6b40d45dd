"""Header and descriptors: fields, checks and the cycles of docs/engine.md, section 2."""

from dataclasses import asdict, replace

import pytest

from hw.descriptor_store import DescriptorStore
from hw.header import USED, Header
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import (
    DESCRIPTOR_FIELDS,
    FORMAT_VERSION,
    HEADER_FIELDS,
    HEADER_MAGIC,
    Descriptor,
    pack_words,
)

FIRST = Descriptor(operation=1, tokens=64, groups=2, time_steps=7, layer=0, destination_base=99)
GOOD = [
    FIRST,
    Descriptor(operation=2, tokens=5, groups=1, time_steps=4, layer=1, threshold=1 << 31),
]


def beats_of(data, engine):
    size = engine.axi_data_bits // 8
    return [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]


def fetch_all(clocked, engine, blobs):
    """Stores the descriptors, fetches each; returns (cycles to `done`, valid, fields) of each."""
    dut = DescriptorStore(engine)
    beats = [beat for blob in blobs for beat in beats_of(blob, engine)]
    results, began = [], []

    def step(ctx, cycle):
        ctx.set(dut.rewind, cycle == 0)
        ctx.set(dut.i.valid, 0 < cycle <= len(beats))
        if 0 < cycle <= len(beats):
            ctx.set(dut.i.p.data, beats[cycle - 1])
        if cycle <= len(beats) + 1:
            return False
        if len(results) > 0 and results[-1][2] is None:
            fields = {name: ctx.get(dut.descriptor[name]) for name in DESCRIPTOR_FIELDS}
            results[-1] = (*results[-1][:2], fields)
            ctx.set(dut.fetch, 0)
            return len(results) == len(blobs)
        ctx.set(dut.fetch, 1)
        ctx.set(dut.layer, len(results))
        if len(began) == len(results):
            began.append(cycle)
        if ctx.get(dut.done):
            results.append((cycle - began[-1], ctx.get(dut.valid), None))
        return False

    clocked(dut, step, 1000)
    return results


@pytest.mark.parametrize("axi_data_bits", [64, 128])
def test_fetch(clocked, axi_data_bits):
    engine = load_engine("micro", axi_data_bits=axi_data_bits, max_layers=4)
    results = fetch_all(clocked, engine, [descriptor.pack() for descriptor in GOOD])
    for (cycles, valid, fields), descriptor in zip(results, GOOD, strict=True):
        assert cycles == derived.descriptor_beats(engine) + derived.DESCRIPTOR_CYCLES - 2
        assert valid
        expected = asdict(descriptor)
        assert {name: fields[name] for name in expected} == expected


@pytest.mark.parametrize(
    "blob",
    [
        bytes([0x5D]) + FIRST.pack()[1:],
        FIRST.pack()[:-1] + b"\x00",
        replace(FIRST, operation=3).pack(),
        replace(FIRST, operation=0).pack(),
        replace(FIRST, tokens=0).pack(),
        replace(FIRST, groups=0).pack(),
        pack_words(asdict(FIRST) | {"magic": 0x5D}, DESCRIPTOR_FIELDS),
    ],
    ids=["bit", "sum", "operation", "none", "tokens", "groups", "magic"],
)
def test_bad_descriptors(clocked, blob):
    results = fetch_all(clocked, load_engine("micro", max_layers=4), [FIRST.pack(), blob])
    assert [bool(valid) for _, valid, _ in results] == [True, False]


def header_values(engine):
    return {
        "magic": HEADER_MAGIC,
        "version": FORMAT_VERSION,
        "engine": int(engine.hash, 16) & 0xFFFF_FFFF,
        "layers": 4,
        "weight_offset": 0x2000,
        "weight_beats": 77,
        "pixels": 64,
        "pixel_base": 640,
    }


@pytest.mark.parametrize("axi_data_bits", [64, 128])
@pytest.mark.parametrize(
    ("change", "addresses", "good"),
    [
        ({}, (0x1000, 0x2000, 0), True),
        ({"magic": 1}, (0, 0, 0), False),
        ({"version": FORMAT_VERSION + 1}, (0, 0, 0), False),
        ({"engine": 0}, (0, 0, 0), False),
        ({"layers": 5}, (0, 0, 0), False),
        ({"layers": 0}, (0, 0, 0), False),
        ({"pixels": 0}, (0, 0, 0), False),
        ({"weight_beats": 0}, (0, 0, 0), False),
        ({"weight_offset": 64}, (0, 0, 0), False),
        ({}, (64, 0, 0), False),
        ({}, (0, 4, 0), False),
        ({}, (0, 0, 0x800), False),
    ],
)
def test_header(clocked, axi_data_bits, change, addresses, good):
    engine = load_engine("micro", axi_data_bits=axi_data_bits, max_layers=4)
    dut = Header(engine)
    values = header_values(engine) | change
    beats = beats_of(pack_words(values, HEADER_FIELDS), engine)
    # A second header must not depend on the first.
    beats = beats_of(bytes(64), engine) + beats

    def step(ctx, cycle):
        for port, address in zip(dut.addresses, addresses, strict=True):
            ctx.set(port, address)
        ctx.set(dut.i.valid, cycle < len(beats))
        if cycle < len(beats):
            ctx.set(dut.i.p.data, beats[cycle])
            return False
        assert ctx.get(dut.valid) == good
        assert {name: ctx.get(dut.fields[name]) for name in USED} == {n: values[n] for n in USED}
        return True

    clocked(dut, step, 100)
