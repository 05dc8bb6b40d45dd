"""Sequencer: runs the layers of a frame one after the other."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import Output


class Sequencer(wiring.Component):
    """Fetch, go, wait, drain, top-k or logits, counters: for each layer.

    Timing: the layer begins at L, the cycle after `begin` or after the last layer's end; `prepare`
    from L + descriptor_beats + DESCRIPTOR_CYCLES - 1 on, and `go` once nothing `waits`; the
    clusters see it a cycle later; `busy_clusters` is first looked at in go + 2; D is DRAIN_CYCLES
    after it was seen low; `topk` or `logits` stands in D - 1; E follows their `done`, or is D; the
    counters are stored in E, ..., E + COUNTER_CYCLES - 1.

    Members:
        begin: the first layer begins in the next cycle.
        halt: stop for good.
        layers: their number.
        fetch, layer: fetch this descriptor; fetched, valid: it is here; it is good.
        output, last: of the running descriptor.
        prepare: the descriptor stands, the layer is about to start; waits: not yet.
        go: the layer runs from here on; busy_clusters: some cluster has work.
        topk, logits: start the unit in the next cycle; done: its last cycle.
        store, counter: store this counter.
        layer_ends: last cycle of the layer; finished: and of the frame.
        failed: the descriptor is bad.
        idle: waiting for `begin`.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        super().__init__(
            {
                "begin": In(1),
                "halt": In(1),
                "layers": In(16),
                "fetch": Out(1),
                "layer": Out(16),
                "fetched": In(1),
                "valid": In(1),
                "output": In(2),
                "last": In(1),
                "prepare": Out(1),
                "waits": In(1),
                "go": Out(1),
                "busy_clusters": In(1),
                "topk": Out(1),
                "logits": Out(1),
                "done": In(1),
                "store": Out(1),
                "counter": Out(range(derived.COUNTER_CYCLES)),
                "layer_ends": Out(1),
                "finished": Out(1),
                "failed": Out(1),
                "idle": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        drained = Signal(range(derived.DRAIN_CYCLES))
        with m.FSM() as states:
            m.d.comb += self.idle.eq(states.ongoing("Idle"))
            with m.State("Idle"):
                with m.If(self.begin & ~self.halt):
                    m.d.sync += self.layer.eq(0)
                    m.next = "Fetch"
            with m.State("Fetch"):
                m.d.comb += self.fetch.eq(1)
                with m.If(self.fetched):
                    m.d.comb += self.failed.eq(~self.valid)
                    m.next = "Go"
                with m.If(self.failed | self.halt):
                    m.next = "Idle"
            with m.State("Go"):
                m.d.comb += [self.prepare.eq(1), self.go.eq(~self.waits)]
                with m.If(self.go):
                    m.next = "Settle"
            with m.State("Settle"):
                m.d.sync += drained.eq(0)
                m.next = "Work"
            with m.State("Work"):
                with m.If(~self.busy_clusters):
                    m.next = "Drain"
                with m.If(self.halt):
                    m.next = "Idle"
            with m.State("Drain"):
                m.d.sync += drained.eq(drained + 1)
                with m.If(drained == derived.DRAIN_CYCLES - 2):
                    self._finish_work(m)
            with m.State("Wait for unit"):
                with m.If(self.done):
                    m.next = "Counters"
                with m.If(self.halt):
                    m.next = "Idle"
            with m.State("Counters"):
                self._store_counters(m)
        return m

    def _finish_work(self, m: Module) -> None:
        m.next = "Counters"
        with m.If(self.halt):
            m.next = "Idle"
        with m.Elif(self.output == Output.SCORE.value):
            m.d.comb += self.topk.eq(1)
            m.next = "Wait for unit"
        with m.Elif(self.output == Output.HEAD.value):
            m.d.comb += self.logits.eq(1)
            m.next = "Wait for unit"

    def _store_counters(self, m: Module) -> None:
        m.d.comb += self.store.eq(1)
        with m.If(self.counter == derived.COUNTER_CYCLES - 1):
            m.d.comb += self.layer_ends.eq(1)
            m.d.sync += [self.counter.eq(0), self.layer.eq(self.layer + 1)]
            m.next = "Fetch"
            with m.If(self.last | (self.layer == self.layers - 1)):
                m.d.comb += self.finished.eq(~self.halt)
                m.next = "Idle"
        with m.Else():
            m.d.sync += self.counter.eq(self.counter + 1)
