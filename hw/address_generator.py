"""The walk of a layer: which word is broadcast next."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.band_place import BandPlace
from hw.cluster_layouts import scan_layout
from sparsespike.contract import derived
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
        available, half, lanes: the next tile to walk is in the tile memory, in this half.
        tile_done: in this cycle the last scan of the tile is handed over.
        token, stored: the position walked and, in the same cycle, its token list entry.
        o: scans.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        super().__init__(
            {
                "index": In(range(max(2, engine.clusters))),
                "descriptor": In(layouts.descriptor_layout()),
                "go": In(1),
                "works": Out(1),
                "available": In(1),
                "half": In(1),
                "lanes": In(range(derived.tile_channels(engine) + 1)),
                "tile_done": Out(1),
                "token": Out(16),
                "stored": In(16),
                "o": Out(stream.Signature(scan_layout(engine))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layer, scan = self.descriptor, self.o.p
        m.submodules.place = place = BandPlace(self._engine)
        active = Signal()
        tile = Signal(17)
        y, x, chunk = Signal(16), Signal(16), Signal(16)
        group = Signal(8)
        # Rows and columns of the 3x3 neighbourhood count from 0; 1 is the centre.
        dy, dx = Signal(2), Signal(2)

        whole = layer.convolution & layer.pixel
        bottom, right = y + 1 == layer.height, x + 1 == layer.width
        chunk_end = chunk + 1 == layer.chunks
        dx_end = dx == Mux(whole | (layer.convolution & ~right), 2, 1)
        dy_end = dy == Mux(whole | (layer.convolution & ~bottom), 2, 1)
        group_end = group + 1 == layer.groups
        next_token = Signal(18)
        m.d.comb += next_token.eq(self.token + 1 + Mux(right, place.skip, 0))
        token_end = right & (next_token >= layer.tokens)
        tile_end = tile + place.teams >= layer.tiles
        ends = [chunk_end, dx_end, dy_end, group_end, token_end, tile_end]
        done = [Signal(name=f"done_{i}") for i in range(len(ends))]
        for i, end in enumerate(ends):
            m.d.comb += done[i].eq(end & (done[i - 1] if i else 1))

        def first(coordinate: Value) -> Value:
            return Mux(whole | (layer.convolution & (coordinate != 0)), 0, 1)

        def neighbour() -> None:
            above, below = Mux(dy == 0, layer.width, 0), Mux(dy == 2, layer.width, 0)
            base = Mux(layer.use_list, self.stored, self.token)
            outside = ((dy == 0) & (y == 0)) | ((dy == 2) & bottom)
            outside |= ((dx == 0) & (x == 0)) | ((dx == 2) & right)
            m.d.comb += [
                scan.position.eq(base + below - above + dx - 1),
                scan.neighbour.eq(Mux(layer.convolution, dy * 3 + dx, 0)),
                scan.outside.eq(whole & outside),
            ]

        next_y, next_x = Signal(16), Signal(16)

        def advance() -> None:
            m.d.comb += [next_y.eq(y), next_x.eq(x)]
            with m.If(done[4]):
                m.d.comb += [next_y.eq(place.row), next_x.eq(0)]
            with m.Elif(done[3]):
                m.d.comb += next_x.eq(Mux(right, 0, x + 1))
                m.d.comb += next_y.eq(y + Mux(right, place.step, 0))
            m.d.sync += [y.eq(next_y), x.eq(next_x), chunk.eq(Mux(done[0], 0, chunk + 1))]
            with m.If(done[0]):
                m.d.sync += dx.eq(Mux(done[1], first(next_x), dx + 1))
            with m.If(done[1]):
                m.d.sync += dy.eq(Mux(done[2], first(next_y), dy + 1))
            with m.If(done[2]):
                m.d.sync += group.eq(Mux(done[3], 0, group + 1))
            with m.If(done[3]):
                m.d.sync += self.token.eq(Mux(done[4], place.first, next_token))
            with m.If(done[4]):
                m.d.sync += [tile.eq(tile + place.teams), active.eq(~tile_end)]

        neighbour()
        group_walk = layer.accumulate == Accumulate.GROUP
        all_walk = layer.accumulate == Accumulate.ALL
        m.d.comb += [
            place.index.eq(self.index),
            place.descriptor.eq(layer),
            self.works.eq(place.works),
            self.o.valid.eq(active & self.available),
            self.tile_done.eq(self.o.valid & self.o.ready & done[4]),
            scan.group.eq(group),
            scan.chunk.eq(chunk),
            scan.last.eq(Mux(group_walk, done[2], Mux(all_walk, done[4], done[3]))),
            scan.final.eq(done[5]),
            scan.half.eq(self.half),
            scan.lanes.eq(self.lanes),
        ]
        with m.If(self.o.valid & self.o.ready):
            advance()
        with m.If(self.go):
            m.d.sync += [
                tile.eq(place.team),
                self.token.eq(place.first),
                y.eq(place.row),
                x.eq(0),
                dy.eq(first(place.row)),
                dx.eq(~whole),
                active.eq((layer.operation == Operation.MATMUL) & place.works),
            ]
        return m
