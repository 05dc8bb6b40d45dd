"""Top-k: ranks the tokens' scores and rewrites the token list with the ones that stay."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from hw.trace import keep_trace
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig

WIDTH = derived.TOPK_WIDTH


class TopK(wiring.Component):
    """Keeps the `keep` best of `tokens` scores; among equals the lower position wins.

    Timing: started at D - 1 it works from D on: for each group of WIDTH candidates WIDTH cycles of
    loading, `tokens` of comparing and 1 to store the flags, then `tokens` of compaction and two
    more, the last one with `done`. Scores are read, registered and compared, so that all work lags
    three cycles behind; the last two make up for it but for the last entry, written after `done`.

    Members:
        start: begin in the next cycle.
        tokens, keep, use_list: of the layer.
        score_position, score_value: read port of the score memory (1 cycle).
        list_index, list_value: read port of the token list (asynchronous).
        write: entries of the new list.
        comparing: WIDTH scores are compared in this cycle.
        done: the last cycle.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        tokens = range(max(2, engine.max_tokens))
        super().__init__(
            {
                "start": In(1),
                "tokens": In(16),
                "keep": In(16),
                "use_list": In(1),
                "score_position": Out(tokens),
                "score_value": In(signed(32)),
                "list_index": Out(tokens),
                "list_value": In(tokens),
                "write": Out(keep_trace(engine)),
                "comparing": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(range(self.engine.max_tokens + 1))
        group = Signal(range(derived.ceil_div(max(2, self.engine.max_tokens), WIDTH) + 1))
        phase = Signal(_phase_layout())
        asked = Signal(_work_layout(group.shape(), count.shape()))
        work, late = Signal.like(asked), Signal.like(asked)
        value = Signal(signed(32))
        last_token = count == self.tokens - 1

        def advance(ends: Value, then: str) -> None:
            m.d.sync += count.eq(Mux(ends, 0, count + 1))
            with m.If(ends):
                m.next = then

        m.d.sync += [asked.phase.eq(phase), asked.group.eq(group), asked.index.eq(count)]
        m.d.sync += [work.eq(asked), value.eq(self.score_value), late.eq(work)]
        with m.FSM():
            with m.State("Idle"):
                with m.If(self.start):
                    m.d.sync += [count.eq(0), group.eq(0)]
                    m.next = "Load"
            with m.State("Load"):
                place = Cat(count[: exact_log2(WIDTH)], group)
                m.d.comb += [phase.load.eq(1), self.score_position.eq(place)]
                advance(count == WIDTH - 1, "Compare")
            with m.State("Compare"):
                m.d.comb += [phase.compare.eq(1), self.score_position.eq(count)]
                m.d.comb += self.comparing.eq(1)
                advance(last_token, "Store")
            with m.State("Store"):
                m.d.comb += phase.store.eq(1)
                m.d.sync += group.eq(group + 1)
                more = (group + 1) * WIDTH < self.tokens
                m.next = "Compact"
                with m.If(more):
                    m.next = "Load"
            with m.State("Compact"):
                m.d.comb += phase.compact.eq(1)
                advance(last_token, "Drain")
            with m.State("Drain"):
                m.next = "Finish"
            with m.State("Finish"):
                m.d.comb += self.done.eq(1)
                m.next = "Idle"
        flags = Signal(derived.ceil_div(max(2, self.engine.max_tokens), WIDTH) * WIDTH)
        self._rank(m, work, late, value, flags)
        self._compact(m, late, flags)
        return m

    def _rank(
        self, m: Module, work: data.View, late: data.View, value: Signal, flags: Signal
    ) -> None:
        keeps = Signal(WIDTH)
        numbers = range(self.engine.max_tokens + 1)
        keep, tokens = Signal(numbers), Signal(numbers)
        m.d.comb += [keep.eq(self.keep), tokens.eq(self.tokens)]
        for i in range(WIDTH):
            score = Signal(signed(32), name=f"score_{i}")
            rank = Signal(range(self.engine.max_tokens + 1), name=f"rank_{i}")
            place, old_place = (Cat(Const(i, exact_log2(WIDTH)), at.group) for at in (work, late))
            # Greater, or equal with a lower index: one comparison, the index below the score.
            index = Signal(len(place), name=f"index_{i}")
            m.d.comb += index.eq(work.index)
            mine = Cat(~index, value).as_signed()
            better = Signal(name=f"better_{i}")
            m.d.sync += better.eq(mine > Cat(~place, score).as_signed())
            with m.If(work.phase.load & (work.index == i)):
                m.d.sync += score.eq(value)
            with m.If(late.phase.load):
                m.d.sync += rank.eq(0)
            with m.If(late.phase.compare):
                m.d.sync += rank.eq(rank + better)
            m.d.comb += keeps[i].eq((rank < keep) & (old_place < tokens))
        with m.If(late.phase.store):
            m.d.sync += flags.word_select(late.group, WIDTH).eq(keeps)

    def _compact(self, m: Module, late: data.View, flags: Signal) -> None:
        place = Signal.like(self.write.index)
        m.d.comb += [
            self.list_index.eq(late.index),
            self.write.valid.eq(late.phase.compact & flags.bit_select(late.index[: len(place)], 1)),
            self.write.index.eq(place),
            self.write.value.eq(Mux(self.use_list, self.list_value, late.index)),
        ]
        with m.If(self.start):
            m.d.sync += place.eq(0)
        with m.Elif(self.write.valid):
            m.d.sync += place.eq(place + 1)


def _phase_layout() -> data.StructLayout:
    return data.StructLayout({"load": 1, "compare": 1, "store": 1, "compact": 1})


def _work_layout(group: ShapeLike, index: ShapeLike) -> data.StructLayout:
    """What a stage behind the memory does with a value."""
    return data.StructLayout({"phase": _phase_layout(), "group": group, "index": index})
