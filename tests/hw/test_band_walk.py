"""BandWalk: the positions of a band, their borders, and where a step leads."""

import random

import pytest

from hw.band_walk import BandWalk
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import Descriptor

CLUSTERS = 8


def places(layer, band):
    """(token, left, right, top, bottom, last) of each position of a band."""
    step = 1 << layer.split
    for y in range(band, layer.tokens // layer.width, step):
        for x in range(layer.width):
            borders = x == 0, x == layer.width - 1, y == 0, y == layer.height - 1
            last = borders[1] and y + step >= layer.tokens // layer.width
            yield y * layer.width + x, *borders, last


@pytest.mark.parametrize("pause", [0.0, 0.6])
@pytest.mark.parametrize(
    "height, width, convolution, split",
    [
        (1, 1, 1, 0),
        (1, 5, 1, 0),
        (5, 1, 1, 0),
        (3, 4, 1, 0),
        (5, 3, 1, 1),
        (6, 2, 1, 1),
        (7, 2, 1, 2),
        (9, 3, 1, 3),
        (8, 1, 1, 3),
        (13, 1, 0, 0),
        (13, 1, 0, 2),
        (11, 1, 0, 3),
    ],
)
def test_walk(clocked, height, width, convolution, split, pause):
    engine = load_engine("micro", clusters=CLUSTERS)
    layer = Descriptor(
        operation=1, time_steps=4, layer=0, groups=1, tiles=8, tokens=height * width, chunks=1,
        split=split, width=width, convolution=convolution, height=height if convolution else 1,
    )  # fmt: skip
    rng = random.Random(f"{height} {width} {split} {pause}")
    index = rng.randrange(CLUSTERS)
    team, band = derived.team_place(engine, index, split)
    expected = list(places(layer, band))
    rounds = 3
    dut = BandWalk(engine)
    names = ("token", "left", "right", "top", "bottom", "last")
    seen, following = [], []

    def step(ctx, cycle):
        ctx.set(dut.index, index)
        ctx.set(dut.descriptor, vars(layer) | {"magic": 0, "checksum": 0})
        ctx.set(dut.restart, cycle == 5)
        moves = cycle > 5 and rng.random() >= pause
        ctx.set(dut.step, moves)
        if cycle == 5:
            assert ctx.get(dut.first_top) == expected[0][3]
        if moves:
            seen.append(tuple(ctx.get(dut.o[name]) for name in names))
            following.append((ctx.get(dut.left), ctx.get(dut.top)))
            assert (ctx.get(dut.team), ctx.get(dut.works)) == (team, 1)
            assert ctx.get(dut.teams) == derived.teams(engine, split)
        return len(seen) == rounds * len(expected)

    clocked(dut, step, 6 + 8 * rounds * len(expected))
    # Top and bottom are of a map only.
    of_map = len(names) if convolution else 3
    for number, at in enumerate(seen):
        here = expected[number % len(expected)]
        assert (*at[:3], at[5]) == (*here[:3], here[5])
        assert at[:of_map] == here[:of_map]
    for (left, top), (_, then_left, _, then_top, *_) in zip(following, seen[1:], strict=False):
        assert left == then_left
        assert top == then_top
