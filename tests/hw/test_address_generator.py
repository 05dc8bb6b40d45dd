"""AddressGenerator: the walk of section 3, the cycle of each scan, tiles that come late."""

import random

import pytest

from hw.address_generator import AddressGenerator
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import Accumulate, Descriptor


def walk(layer, tokens, positions):
    """(position, group, neighbour, chunk, outside, last) of one tile."""
    for n in positions:
        y, x = divmod(n, layer.width)
        for g in range(layer.groups):
            scans = []
            for dy in (-1, 0, 1) if layer.convolution else (0,):
                for dx in (-1, 0, 1) if layer.convolution else (0,):
                    inside = 0 <= y + dy < layer.height and 0 <= x + dx < layer.width
                    inside = inside or not layer.convolution
                    if not inside and not layer.pixel:
                        continue
                    q = tokens[n] if layer.use_list else n + dy * layer.width + dx
                    number = (dy + 1) * 3 + dx + 1 if layer.convolution else 0
                    scans += [(q, g, number, c, not inside) for c in range(layer.chunks)]
            ends = {
                Accumulate.GROUP: True,
                Accumulate.TOKEN: g == layer.groups - 1,
                Accumulate.ALL: g == layer.groups - 1 and n == positions[-1],
            }[layer.accumulate]
            for i, scan in enumerate(scans):
                yield (*scan, ends and i == len(scans) - 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"tokens": 5, "groups": 2, "chunks": 3},
        {"tokens": 4, "groups": 2, "chunks": 2, "use_list": 1, "accumulate": Accumulate.TOKEN},
        {"tokens": 3, "groups": 2, "chunks": 2, "use_list": 1, "accumulate": Accumulate.ALL},
        {"tokens": 12, "height": 3, "width": 4, "convolution": 1, "groups": 2, "chunks": 1},
        {"tokens": 3, "height": 3, "width": 1, "convolution": 1, "groups": 1, "chunks": 2},
        {"tokens": 1, "height": 1, "width": 1, "convolution": 1, "groups": 2, "chunks": 1},
        {"tokens": 6, "height": 2, "width": 3, "convolution": 1, "pixel": 1, "chunks": 2},
        {"tokens": 5, "groups": 2, "chunks": 2, "use_list": 1, "split": 1},
        {"tokens": 4, "chunks": 2, "use_list": 1, "accumulate": Accumulate.ALL, "split": 1},
        {
            "tokens": 10,
            "height": 5,
            "width": 2,
            "convolution": 1,
            "chunks": 2,
            "split": 1,
        },
    ],
)
@pytest.mark.parametrize("pause", [0.0, 0.5])
def test_walk(clocked, fields, pause):
    # With two bands, cluster 3 of 6 has the second band of tiles 0, 3 and 6 of 8.
    bands = fields.get("split", 0)
    engine = load_engine("micro", clusters=6 if bands else 3)
    layer = Descriptor(**({"operation": 1, "time_steps": 4, "layer": 0, "groups": 1} | fields))
    layer = Descriptor(**(vars(layer) | {"tiles": 8}))
    rng = random.Random(str(fields))
    tokens = [rng.randrange(50) for _ in range(layer.tokens)]
    dut = AddressGenerator(engine)
    # Cluster 1 of 3 computes tiles 1, 4 and 7 of 8.
    rows = range(bands, layer.tokens // layer.width, 1 + bands)
    positions = [y * layer.width + x for y in rows for x in range(layer.width)]
    expected = [scan for _ in range(3) for scan in walk(layer, tokens, positions)]
    each = len(expected) // 3
    seen, done = [], []

    def step(ctx, cycle):
        ctx.set(dut.index, 3 if bands else 1)
        ctx.set(dut.go, cycle == 6)
        if cycle == 0:
            ctx.set(dut.descriptor, vars(layer) | {"magic": 0, "checksum": 0})
        ctx.set(dut.available, rng.random() >= pause)
        ctx.set(dut.o.ready, rng.random() >= pause)
        if layer.use_list:
            ctx.set(dut.stored, tokens[min(ctx.get(dut.token), layer.tokens - 1)])
        valid = ctx.get(dut.o.valid)
        assert not valid or ctx.get(dut.available)
        if valid and ctx.get(dut.o.ready):
            names = ("position", "group", "neighbour", "chunk", "outside", "last")
            values = tuple(ctx.get(dut.o.p[name]) for name in names)
            if expected[len(seen)][4]:
                values = (expected[len(seen)][0], *values[1:])  # no position outside the image
            seen.append((cycle, *values))
            done.append(ctx.get(dut.tile_done))
            assert ctx.get(dut.o.p.final) == (len(seen) == len(expected))
        if len(seen) < len(expected) and not pause and cycle > 6:
            assert valid, "no bubble"
        if len(seen) == len(expected) and not valid:
            return True
        return cycle < 0

    clocked(dut, step, 60 + 8 * len(expected))
    assert [values for _, *values in seen] == [list(scan) for scan in expected]
    assert [i for i, end in enumerate(done) if end] == [each - 1, 2 * each - 1, 3 * each - 1]
    if not pause:
        assert seen[0][0] == 7, "the first scan is offered in the cycle after go"


@pytest.mark.parametrize("fields", [{"tiles": 1}, {"operation": 2, "tiles": 5}])
def test_no_work(clocked, fields):
    engine = load_engine("micro", clusters=2)
    base = {"operation": 1, "time_steps": 4, "layer": 0, "groups": 1, "tokens": 2, "chunks": 1}
    layer = Descriptor(**(base | fields))
    dut = AddressGenerator(engine)

    def step(ctx, cycle):
        ctx.set(dut.index, 1)
        ctx.set(dut.available, 1)
        ctx.set(dut.descriptor, vars(layer) | {"magic": 0, "checksum": 0})
        ctx.set(dut.go, cycle == 6)
        assert not ctx.get(dut.o.valid)
        return cycle == 12

    clocked(dut, step, 13)
