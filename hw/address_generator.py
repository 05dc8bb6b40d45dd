"""The walk of a layer: which word is broadcast next."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.band_walk import BandWalk
from hw.cluster_layouts import mask_index_bits, scan_layout
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Accumulate, Operation


class AddressGenerator(wiring.Component):
    """Walks tile, position of the cluster's band, group, neighbour, chunk; one scan a cycle.

    The first scan is offered in the cycle after `go`; there is no bubble between tiles. It waits
    while the tile is not `available` and while `o` is not ready.

    Members:
        index: number of the cluster, constant.
        descriptor, go: the layer and its start.
        works: the layer has scans for this cluster, if it is a matmul.
        available, half: the next tile to walk is in the tile memory, in this half.
        tile_done: in this cycle the last scan of the tile is handed over.
        token, stored: the position walked next (`BandWalk.ahead`) and, in the same cycle, its token
            list entry, which a register keeps for the walk.
        o: scans.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        tokens = range(max(2, engine.max_tokens))
        super().__init__(
            {
                "index": In(range(max(2, engine.clusters))),
                "descriptor": In(layouts.descriptor_layout()),
                "go": In(1),
                "works": Out(1),
                "available": In(1),
                "half": In(1),
                "tile_done": Out(1),
                "token": Out(tokens),
                "stored": In(tokens),
                "o": Out(stream.Signature(scan_layout(engine))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layer, scan = self.descriptor, self.o.p
        m.submodules.walk = walk = BandWalk(self._engine)
        here = walk.o
        active = Signal()
        tile = Signal(17)
        # A walk has a mask word for each chunk.
        chunk, group = Signal(mask_index_bits(self._engine)), Signal(scan.group.shape())
        # Registered, as every scan may end everything at once.
        chunk_end, group_end, tile_end = Signal(), Signal(), Signal()
        # Rows and columns of the 3x3 neighbourhood count from 0; 1 is the centre.
        dy, dx = Signal(2), Signal(2)

        whole = layer.convolution & layer.pixel
        dx_end = dx == Mux(whole | (layer.convolution & ~here.right), 2, 1)
        dy_end = dy == Mux(whole | (layer.convolution & ~here.bottom), 2, 1)
        ends = [chunk_end, dx_end, dy_end, group_end, here.last, tile_end]
        done = [Signal(name=f"done_{i}") for i in range(len(ends))]
        for i, over in enumerate(done):
            m.d.comb += over.eq(Cat(ends[: i + 1]).all())
        # Of the layer.
        one_chunk, one_group, one_tile = Signal(), Signal(), Signal()
        tile_bound = Signal(16)
        m.d.sync += [
            one_chunk.eq(layer.chunks == 1),
            one_group.eq(layer.groups == 1),
            tile_bound.eq(Mux(layer.tiles > 2 * walk.teams, layer.tiles - 2 * walk.teams, 0)),
            one_tile.eq(walk.team + walk.teams >= layer.tiles),
        ]

        def first(border: Value) -> Value:
            return Mux(whole | (layer.convolution & ~border), 0, 1)

        def next_but_one(counter: Signal, end: Value) -> Value:
            return (counter + 2)[: len(counter)] == end[: len(counter)]

        def neighbour() -> None:
            bits = len(scan.position)
            listed, shift = Signal.like(self.stored), Signal(bits)
            base = Mux(layer.use_list, listed, here.token)
            width = layer.width[:bits]
            rows, below = Mux(dy == 0, ~width, Mux(dy == 2, width, 0)), Signal(2)
            # One less for the column, one more for the complement.
            columns = Mux(dy == 0, dx, Cat(below, (dx == 0).replicate(bits)))
            outside = ((dy == 0) & here.top) | ((dy == 2) & here.bottom)
            outside |= ((dx == 0) & here.left) | ((dx == 2) & here.right)
            # Shifted, not multiplied: a synthesiser may take a DSP block for a factor of 3.
            row = (dy << 1) + dy
            m.d.comb += [
                self.token.eq(walk.ahead),
                below.eq(dx - 1),
                shift.eq(rows + columns),
                scan.position.eq(base + shift),
                scan.neighbour.eq(Mux(layer.convolution, row + dx, 0)),
                scan.outside.eq(whole & outside),
            ]
            with m.If(self.go | walk.step):
                m.d.sync += listed.eq(self.stored)

        def advance() -> None:
            m.d.comb += walk.step.eq(done[3])
            left, top = Mux(done[3], walk.left, here.left), Mux(done[3], walk.top, here.top)
            m.d.sync += chunk.eq(Mux(done[0], 0, chunk + 1))
            m.d.sync += chunk_end.eq(Mux(done[0], one_chunk, next_but_one(chunk, layer.chunks)))
            with m.If(done[0]):
                m.d.sync += dx.eq(Mux(done[1], first(left), dx + 1))
            with m.If(done[1]):
                m.d.sync += dy.eq(Mux(done[2], first(top), dy + 1))
            with m.If(done[2]):
                m.d.sync += group.eq(Mux(done[3], 0, group + 1))
                m.d.sync += group_end.eq(Mux(done[3], one_group, next_but_one(group, layer.groups)))
            with m.If(done[4]):
                m.d.sync += [tile.eq(tile + walk.teams), active.eq(~tile_end)]
                m.d.sync += tile_end.eq(tile >= tile_bound)

        neighbour()
        group_walk = layer.accumulate == Accumulate.GROUP
        all_walk = layer.accumulate == Accumulate.ALL
        m.d.comb += [
            walk.index.eq(self.index),
            walk.descriptor.eq(layer),
            walk.restart.eq(self.go),
            self.works.eq(walk.works),
            self.o.valid.eq(active & self.available),
            self.tile_done.eq(self.o.valid & self.o.ready & done[4]),
            scan.group.eq(group),
            scan.chunk.eq(chunk),
            scan.last.eq(Mux(group_walk, done[2], Mux(all_walk, done[4], done[3]))),
            scan.final.eq(done[5]),
            scan.half.eq(self.half),
        ]
        with m.If(self.o.valid & self.o.ready):
            advance()
        with m.If(self.go):
            m.d.sync += [
                tile.eq(walk.team),
                chunk_end.eq(one_chunk),
                group_end.eq(one_group),
                tile_end.eq(one_tile),
                dy.eq(first(walk.first_top)),
                dx.eq(~whole),
                active.eq((layer.operation == Operation.MATMUL) & walk.works),
            ]
        return m
