"""The attention unit's walk over heads, tokens and groups."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw import layouts
from hw.cluster_layouts import counter_rows, head_slots, scan_layout
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.derived import (
    ATTENTION_DRAIN,
    ATTENTION_HEAD,
    ATTENTION_READ,
    step_places,
)
from sparsespike.contract.program import Operation


class AttentionWalk(wiring.Component):
    """For each head of the cluster, reads key and value words of all visits, then query words.

    ATTENTION_HEAD cycles pass before each of the two walks, and before the first those of `clear`:
    from row 0 on, one a cycle. A visit asks for one word a cycle from
    its first cycle v on. K walk: `update` is high from v + 2*HW + ATTENTION_READ on while a key is
    `pending`; the next visit begins in the first cycle without. Q walk: `accumulate` is high from
    v + HW + ATTENTION_READ + 1 on while a query is pending; outputs are `ready`
    ATTENTION_DRAIN cycles after that; the next visit begins in the cycle after the last is taken.

    Members:
        index: number of the cluster, constant.
        descriptor, go: the layer and its start.
        token, stored: the position walked and, in the same cycle, its token list entry.
        o: reads, always accepted; word: which of the head's words; value: it is a value word.
        query: this is the Q walk. begin_query: outputs start at 0.
        clear, row: a counter row, of a slot and a step, is to be cleared.
        pending: a key or query spike of the visit waits.
        update, accumulate: its counter row is due; base: the group's first counter row.
        ready, take: an output is offered, is taken.
        slot, advance: an output, one-hot, is asked for: two `advance` before it is offered.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        names = (
            "query",
            "clear",
            "begin_query",
            "update",
            "accumulate",
            "ready",
            "value",
            "advance",
        )
        super().__init__(
            {
                "index": In(range(max(2, engine.clusters))),
                "descriptor": In(layouts.descriptor_layout()),
                "go": In(1),
                "token": Out(16),
                "stored": In(16),
                "o": Out(stream.Signature(scan_layout(engine), always_ready=True)),
                "word": Out(8),
                "row": Out(range(counter_rows(engine))),
                "pending": In(1),
                "base": Out(range(max(2, engine.attention_depth))),
                "take": In(1),
                "slot": Out(head_slots(engine), init=1),
                **{name: Out(1) for name in names},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layer, scan = self.descriptor, self.o.p
        units = self._engine.attention_units
        slots = layer.head_words * self._engine.chunk
        head, first_word, group = Signal(9), Signal(16), Signal(8)
        base = Signal.like(self.base)
        count = Signal(range(max(ATTENTION_HEAD, ATTENTION_READ + 1, ATTENTION_DRAIN)))
        # Outputs after the one that is offered; `last`: there are none.
        over, left, last = Signal(), Signal(range(head_slots(self._engine))), Signal()
        group_rows = slots << (step_places(self._engine) - 1).bit_length()
        group_end = Signal(range(counter_rows(self._engine)))

        def address() -> None:
            part = Mux(self.value, layer.value_offset, layer.key_offset)
            m.d.comb += [
                scan.position.eq(Mux(layer.use_list, self.stored, self.token)),
                scan.group.eq(group),
                scan.chunk.eq(Mux(self.query, 0, part) + first_word + self.word),
            ]

        def next_visit() -> None:
            m.d.sync += [self.base.eq(base), base.eq(base + slots), group.eq(group + 1)]
            with m.If(group + 1 == layer.groups):
                m.d.sync += [base.eq(0), group.eq(0), self.token.eq(self.token + 1)]
                with m.If(self.token + 1 == layer.tokens):
                    m.d.sync += [self.token.eq(0), over.eq(1)]

        def request() -> None:
            m.d.comb += self.o.valid.eq(1)
            m.d.sync += self.word.eq(self.word + 1)
            m.next = "READ"
            with m.If(self.word + 1 == layer.head_words):
                m.d.sync += [self.word.eq(0), self.value.eq(~self.value & ~self.query)]
                with m.If(self.value | self.query):
                    next_visit()
                    m.d.sync += count.eq(0)
                    m.next = "WAIT"

        def next_head() -> None:
            m.d.sync += [self.query.eq(0), count.eq(0), head.eq(head + units)]
            m.d.sync += first_word.eq(first_word + layer.head_words * units)
            m.next = "HEAD"
            with m.If(head + units >= layer.heads):
                m.next = "IDLE"

        def clear_row() -> None:
            m.d.comb += self.clear.eq(1)
            m.d.sync += self.row.eq(self.row + 1)
            with m.If(self.row == group_end):
                m.d.sync += [group.eq(group + 1), group_end.eq(group_end + group_rows)]
                with m.If(group + 1 == layer.groups):
                    m.d.sync += group.eq(0)
                    m.next = "READ"

        def first_output() -> None:
            m.d.sync += [self.slot.eq(1), left.eq(slots - 1), last.eq(0)]

        def ask() -> None:
            m.d.comb += self.advance.eq(1)
            m.d.sync += self.slot.eq(self.slot << 1)

        address()
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [head.eq(self.index), count.eq(0), self.query.eq(0)]
                m.d.sync += first_word.eq(layer.head_words * self.index)
                first_output()
                runs = (layer.operation == Operation.ATTENTION) & (layer.heads > self.index)
                with m.If(self.go & runs):
                    m.next = "HEAD"
            with m.State("HEAD"):
                m.d.sync += [count.eq(count + 1), self.row.eq(0), group_end.eq(group_rows - 1)]
                with m.If(count == ATTENTION_HEAD - 1):
                    m.next = "CLEAR"
                    with m.If(self.query):
                        m.next = "READ"
            with m.State("CLEAR"):
                clear_row()
            with m.State("READ"):
                request()
            with m.State("WAIT"):
                m.d.comb += self.begin_query.eq(self.query)
                m.d.sync += count.eq(count + 1)
                # The last query word needs one cycle more: its slots are looked for first.
                with m.If(count == ATTENTION_READ - 1 + self.query):
                    m.next = "ACCUMULATE"
                    with m.If(~self.query):
                        m.next = "UPDATE"
            with m.State("UPDATE"):
                m.d.comb += self.update.eq(self.pending)
                with m.If(~self.pending & ~over):
                    request()
                with m.If(~self.pending & over):
                    # This cycle is the first of ATTENTION_HEAD.
                    m.d.sync += [over.eq(0), self.query.eq(1), count.eq(1)]
                    m.next = "HEAD"
            with m.State("ACCUMULATE"):
                m.d.comb += self.accumulate.eq(self.pending)
                with m.If(~self.pending):
                    m.d.sync += count.eq(1)
                    m.next = "DRAIN"
            with m.State("DRAIN"):
                m.d.sync += count.eq(count + 1)
                # The outputs stand from the first of the last two cycles on.
                with m.If(count >= ATTENTION_DRAIN - 3):
                    ask()
                with m.If(count == ATTENTION_DRAIN - 2):
                    m.next = "OUTPUT"
            with m.State("OUTPUT"):
                m.d.comb += self.ready.eq(1)
                with m.If(self.take):
                    ask()
                    m.d.sync += [left.eq(left - 1), last.eq(left == 1)]
                with m.If(self.take & last):
                    first_output()
                    m.d.sync += over.eq(0)
                    m.next = "READ"
                    with m.If(over):
                        next_head()
        return m
