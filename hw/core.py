"""Core: the whole engine but for its registers. Reset as one."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw import axi
from hw.cluster import Cluster
from hw.counter_bank import SLOT_BITS, CounterBank
from hw.fault_latch import FaultLatch
from hw.frame_timer import FrameTimer
from hw.front_end import FrontEnd
from hw.logit_memory import LogitMemory
from hw.logit_writer import LogitWriter
from hw.registers import ADDRESSES, status_layout
from hw.score_memory import ScoreMemory
from hw.seam_writer import SeamWriter
from hw.sequencer import Sequencer
from hw.token_list import TokenList
from hw.top_k import TopK
from hw.trace import trace_port
from hw.write_back import WriteBack
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


class Core(wiring.Component):
    """Front end, clusters, write-back, selector and head, run by the sequencer. Wiring only.

    Timing: docs/engine.md; `start` stands in cycle 0, `finished` in the cycle before the
    interrupt. Clusters see descriptor, `go`, writes and tiles a cycle after they are sent, and
    their free halves are seen a cycle later.

    Members:
        start, halt: run a frame; start nothing more and empty the buses.
        program, input, output: byte addresses; watchdog: cycles.
        bus: the AXI4 manager.
        status: what runs and what failed.
        finished: last cycle of a frame; failed: an error happens.
        quiet: nothing is under way on the bus.
        read, read_layer, read_counter, read_value: read port of the counter memory (1 cycle).
        trace: what is stored.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "start": In(1),
                "halt": In(1),
                **{name: In(axi.ADDRESS_BITS) for name in ADDRESSES},
                "watchdog": In(32),
                "bus": Out(axi.axi4(data_bits=engine.axi_data_bits)),
                "status": Out(status_layout()),
                "finished": Out(1),
                "failed": Out(1),
                "quiet": Out(1),
                "read": In(1),
                "read_layer": In(range(max(2, engine.max_layers))),
                "read_counter": In(SLOT_BITS),
                "read_value": Out(32),
                "trace": Out(trace_port(engine)),
            }
        )
        self._front = FrontEnd(engine)
        self._sequencer = Sequencer(engine)
        self._seams = SeamWriter(engine)
        self._timer = FrameTimer()
        self._faults = FaultLatch()
        self._clusters = [Cluster(engine, index=k) for k in range(engine.clusters)]
        self._tokens = TokenList(engine, readers=engine.clusters + 2)
        self._write_back = WriteBack(engine)
        self._scores = ScoreMemory(engine)
        self._top_k = TopK(engine)
        self._logits = LogitMemory(engine)
        self._writer = LogitWriter(engine)
        self._counters = CounterBank(engine)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.front = self._front
        m.submodules.sequencer = self._sequencer
        m.submodules.seams = self._seams
        m.submodules.timer = self._timer
        m.submodules.faults = self._faults
        for k, cluster in enumerate(self._clusters):
            m.submodules[f"cluster_{k}"] = cluster
        m.submodules.tokens = self._tokens
        m.submodules.write_back = self._write_back
        m.submodules.scores = self._scores
        m.submodules.top_k = self._top_k
        m.submodules.logits = self._logits
        m.submodules.writer = self._writer
        m.submodules.counters = self._counters
        axi.join(m, self.bus, self._front.bus, self._writer.bus)
        self._wire_frame(m)
        self._wire_layers(m)
        self._wire_clusters(m)
        self._wire_write_back(m)
        self._wire_selector_and_head(m)
        self._wire_counters(m)
        self._wire_status(m)
        return m

    def _wire_frame(self, m: Module) -> None:
        front, halt = self._front, self.halt | self._faults.error
        m.d.comb += [
            front.start.eq(self.start),
            front.halt.eq(halt),
            front.program.eq(self.program),
            front.image.eq(self.input),
            front.output.eq(self.output),
            front.fetch.eq(self._sequencer.fetch),
            front.layer.eq(self._sequencer.layer),
            self._sequencer.halt.eq(halt),
        ]

    def _wire_layers(self, m: Module) -> None:
        front, sequencer, timer = self._front, self._sequencer, self._timer
        m.d.comb += [
            sequencer.begin.eq(front.done),
            self._seams.descriptor.eq(front.descriptor),
            self._seams.prepare.eq(sequencer.prepare),
            sequencer.waits.eq(self._seams.waits),
            sequencer.layers.eq(front.layers),
            sequencer.fetched.eq(front.fetched),
            sequencer.valid.eq(front.valid),
            sequencer.output.eq(front.descriptor.output),
            sequencer.last.eq(front.descriptor.last),
            sequencer.busy_clusters.eq(Cat(cluster.busy for cluster in self._clusters).any()),
            sequencer.done.eq(self._top_k.done | self._writer.done),
            timer.start.eq(self.start),
            timer.running.eq(self.status.busy),
            timer.layer_begins.eq(front.done),
            timer.layer_ends.eq(sequencer.layer_ends),
            timer.limit.eq(self.watchdog),
        ]

    def _wire_clusters(self, m: Module) -> None:
        front = self._front
        for k, cluster in enumerate(self._clusters):
            # Wide and from afar: each cluster has its own register of them, in a module of its own,
            # where synthesis does not merge it with the others'.
            m.submodules[f"cluster_{k}_bus"] = bus = Module()
            bus.d.sync += [
                cluster.descriptor.eq(front.descriptor),
                cluster.go.eq(self._sequencer.go),
                cluster.write.eq(self._write_back.write),
                cluster.load.eq(front.load),
                cluster.load.valid.eq(front.load.valid & front.select[k]),
                cluster.load.masks.valid.eq(front.load.masks.valid & front.select[k]),
                cluster.load.end.eq(front.load.end & front.select[k]),
                front.free[k].eq(cluster.free),
            ]
            m.d.comb += [
                self._tokens.index[k].eq(cluster.list_index),
                cluster.list_value.eq(self._tokens.value[k]),
            ]
            connect(m, cluster.rows, self._write_back.rows[k])

    def _wire_write_back(self, m: Module) -> None:
        write_back, clusters = self._write_back, self.engine.clusters
        connect(m, flipped(self.trace.row), write_back.trace)
        m.d.comb += [
            write_back.first_cycle.eq(self.start),
            write_back.descriptor.eq(self._front.descriptor),
            write_back.pixels.eq(
                Mux(self._seams.write.valid, self._seams.write, self._front.pixels)
            ),
            self._tokens.index[clusters].eq(write_back.list_index),
            write_back.list_value.eq(self._tokens.value[clusters]),
            self._scores.clear.eq(self._sequencer.go),
            self._scores.add.eq(write_back.score),
            self._scores.position.eq(write_back.finished.position),
            self._scores.value.eq(write_back.finished.value),
            self._logits.clear.eq(self._sequencer.go),
            self._logits.add.eq(write_back.logit),
            self._logits.row.eq(write_back.finished.row),
            self._logits.lane.eq(write_back.finished.lane),
            self._logits.value.eq(write_back.finished.value),
        ]

    def _wire_selector_and_head(self, m: Module) -> None:
        top_k, tokens, writer = self._top_k, self._tokens, self._writer
        layer, last_port = self._front.descriptor, self.engine.clusters + 1
        connect(m, flipped(self.trace.score), self._scores.trace)
        connect(m, flipped(self.trace.keep), top_k.write)
        m.d.comb += [
            top_k.start.eq(self._sequencer.topk),
            top_k.tokens.eq(layer.tokens),
            top_k.keep.eq(layer.keep),
            top_k.use_list.eq(layer.use_list),
            self._scores.read_position.eq(top_k.score_position),
            top_k.score_value.eq(self._scores.read_value),
            tokens.index[last_port].eq(top_k.list_index),
            top_k.list_value.eq(tokens.value[last_port]),
            tokens.write.eq(top_k.write.valid),
            tokens.write_index.eq(top_k.write.index),
            tokens.write_value.eq(top_k.write.value),
            writer.start.eq(self._sequencer.logits),
            writer.address.eq(self.output),
            writer.classes.eq(layer.classes),
            self._logits.index.eq(writer.index),
            writer.logit.eq(self._logits.logit),
        ]

    def _wire_counters(self, m: Module) -> None:
        counters, sequencer = self._counters, self._sequencer
        events = {
            "dma_read_beats": self._front.received,
            "dma_write_beats": self._writer.sent,
            "rows_written": self._write_back.written,
            "rows_updated": self._write_back.updated,
            "pixel_words_written": self._front.pixels.valid,
            "topk_comparisons": self._top_k.comparing * derived.TOPK_WIDTH,
        }
        for name, event in events.items():
            m.d.comb += counters.events[name].eq(event)
        for mine, cluster in zip(counters.increments, self._clusters, strict=True):
            m.d.comb += mine.eq(cluster.increments)
        m.d.comb += [
            counters.clear.eq(self.start),
            counters.cycles.eq(self._timer.layer_cycles),
            counters.store.eq(sequencer.store),
            counters.index.eq(sequencer.counter),
            counters.layer.eq(sequencer.layer),
            counters.read.eq(self.read),
            counters.read_layer.eq(self.read_layer),
            counters.read_counter.eq(self.read_counter),
            self.read_value.eq(counters.read_value),
        ]

    def _wire_status(self, m: Module) -> None:
        faults, sequencer, front = self._faults, self._sequencer, self._front
        running = ~(front.idle & sequencer.idle)
        m.d.comb += [
            faults.faults.eq(
                Cat(
                    front.bad_header,
                    sequencer.failed,
                    front.bad_read,
                    self._writer.failed,
                    front.bad_stream,
                    self._timer.timeout,
                )
            ),
            faults.layer.eq(sequencer.layer),
            self.status.busy.eq(running & ~faults.error),
            self.status.error.eq(faults.error),
            self.status.code.eq(faults.code),
            self.status.layer.eq(faults.where),
            self.status.cycles.eq(self._timer.frame_cycles),
            self.finished.eq(sequencer.finished),
            self.failed.eq(faults.happened),
            self.quiet.eq(front.quiet & self._writer.quiet),
            self.trace.layer.valid.eq(sequencer.layer_ends),
            self.trace.layer.index.eq(sequencer.layer),
        ]
