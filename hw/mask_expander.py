"""Mask expander: presence bits and nibbles become mask lines, and say what they lack."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from hw.bits import popcount
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.program import TILE_FIELDS

_NIBBLE = derived.NIBBLE_BITS


class Wish(enum.Enum, shape=2):
    """What the masks take in the next step."""

    NOTHING = 0
    PRESENCE = 1
    NIBBLES = 2


class MaskExpander(wiring.Component):
    """The masks of one tile: a beat of presence bits, two of nibbles, a line made of them a step.

    Timing: `wish`, `expands` and `ends` are of the present step, which ends in a cycle with `step`;
    `expands` is a register, as all that takes beats waits for it.
    The line of a step at e stands at the outputs in e + 1.

    Members:
        begin, words, channels, nibble_beats: a tile, whose first step is two cycles later.
        step: a step takes place; data: its beat, if `wish` asked for one.
        wish: what the step takes. expands: it makes a line. ends: no line is left after it.
        valid: a line, of channels from `lane` on, mask word `line`; first: it is word 0.
        masks: a mask word of each channel.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self.engine = engine
        channels = derived.tile_channels(engine)
        self._word_bits, self._beat_bits = (
            TILE_FIELDS[name][1] for name in ("mask_words", "nibble_beats")
        )
        super().__init__(
            {
                "begin": In(1),
                "words": In(self._word_bits),
                "channels": In(range(channels + 1)),
                "nibble_beats": In(self._beat_bits),
                "step": In(1),
                "data": In(engine.axi_data_bits),
                "wish": Out(Wish),
                "expands": Out(1),
                "ends": Out(1),
                "valid": Out(1),
                "lane": Out(range(max(2, channels))),
                "line": Out(self._word_bits),
                "first": Out(1),
                "masks": Out(derived.line_nibbles(engine) * _NIBBLE),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        size, beat = derived.line_nibbles(engine), derived.beat_nibbles(engine)
        side, per_presence = derived.mask_lanes(engine), derived.lines_per_presence(engine)
        presence = Signal(engine.axi_data_bits)
        known = Signal(range(per_presence + 1))
        # Nibbles of the next line and of the one after it.
        need, following = Signal(range(size + 1)), Signal(range(size + 1))
        held = [Signal(engine.axi_data_bits, name=f"held_{i}") for i in range(2)]
        there, read = Signal(range(2 * beat + 1)), Signal(range(2 * beat))
        newest = Signal()
        words, channels = Signal(self._word_bits), Signal.like(self.channels)
        lane, line, left = Signal.like(self.lane), Signal.like(self.line), Signal(self._beat_bits)
        # Of the next line: whether it is its word's last, and whether its word is the last one.
        last_group, last_word, begun = Signal(), Signal(), Signal()
        done, last = Signal(init=1), Signal()
        takes_presence, takes_nibbles = Signal(), Signal()

        def decide() -> None:
            lacks = ~done & ~last & ((known == 0) | ((known == 1) & self.expands))
            m.d.comb += [
                last.eq(self.expands & last_group & last_word),
                self.ends.eq(done | last),
                takes_presence.eq(lacks),
                takes_nibbles.eq(~lacks & (left != 0) & (there <= beat)),
                self.wish.eq(
                    Mux(lacks, Wish.PRESENCE, Mux(takes_nibbles, Wish.NIBBLES, Wish.NOTHING))
                ),
            ]

        def count() -> None:
            """What is there and needed in the next step, and so whether that one makes a line."""
            next_there, next_known = Signal.like(there), Signal.like(known)
            next_need = Signal.like(need)
            gone = Mux(self.expands, need, 0)
            m.d.comb += [
                next_there.eq(there - gone + Mux(takes_nibbles, beat, 0)),
                next_known.eq(Mux(takes_presence, per_presence, known - self.expands)),
                next_need.eq(
                    Mux(
                        takes_presence,
                        popcount(self.data[:size]),
                        Mux(self.expands, following, need),
                    )
                ),
            ]
            goes_on = ~done & ~last & (next_known != 0)
            m.d.sync += [
                there.eq(next_there),
                known.eq(next_known),
                need.eq(next_need),
                self.expands.eq(goes_on & (next_there >= next_need)),
            ]

        def take() -> None:
            with m.If(self.expands):
                m.d.sync += [
                    read.eq(read + need),
                    presence.eq(presence >> size),
                    following.eq(popcount(presence[2 * size : 3 * size])),
                    done.eq(last),
                    lane.eq(Mux(last_group, 0, lane + side)),
                    line.eq(line + last_group),
                    last_group.eq(Mux(last_group, channels <= side, lane + 2 * side >= channels)),
                    last_word.eq(Mux(last_group, line + 2 == words, last_word)),
                ]
            with m.If(takes_presence):
                m.d.sync += presence.eq(self.data)
                m.d.sync += following.eq(popcount(self.data[size : 2 * size]))
            with m.If(takes_nibbles):
                m.d.sync += [newest.eq(~newest), left.eq(left - 1)]
                for number, store in enumerate(held):
                    with m.If(newest == number):
                        m.d.sync += store.eq(self.data)

        def start() -> None:
            cleared = (self.expands, known, there, read, newest, lane, line, done)
            m.d.sync += [value.eq(0) for value in cleared]
            m.d.sync += [
                words.eq(self.words),
                channels.eq(self.channels),
                left.eq(self.nibble_beats),
            ]

        decide()
        m.d.sync += begun.eq(self.begin)
        with m.If(begun):
            m.d.sync += [last_group.eq(channels <= side), last_word.eq(words == 1)]
        with m.If(self.step):
            count()
            take()
        with m.If(self.begin):
            start()
        self._expand(m, presence[:size], held, read, lane, line)
        return m

    def _expand(
        self,
        m: Module,
        presence: Value,
        held: list[Signal],
        read: Signal,
        lane: Signal,
        line: Signal,
    ) -> None:
        """The line at `presence`, a cycle later: each nibble of it is one of a beat's, or 0."""
        beat = derived.beat_nibbles(self.engine)
        begin, second = read[:-1], read[-1]
        window, there = Signal(self.engine.axi_data_bits), Signal(len(presence))
        # The nibbles from `begin` on, and those that follow in the other beat, in their places.
        m.d.sync += [
            window.eq(
                Cat(
                    Mux(
                        second ^ (begin > place),
                        held[1].word_select(place, _NIBBLE),
                        held[0].word_select(place, _NIBBLE),
                    )
                    for place in range(beat)
                )
            ),
            there.eq(presence),
            self.valid.eq(self.step & self.expands),
            self.lane.eq(lane),
            self.line.eq(line),
            self.first.eq(line == 0),
        ]
        before = begin
        for i in range(len(presence)):
            if i % _NIBBLE == 0 and i:
                base = Signal.like(begin, name=f"base_{i}")
                m.d.comb += base.eq(before + popcount(presence[i - _NIBBLE : i]))
                before = base
            own = popcount(presence[i - i % _NIBBLE : i]) if i % _NIBBLE else 0
            place = Signal.like(begin, name=f"place_{i}")
            m.d.sync += place.eq(before + own)
            nibble = window.word_select(place, _NIBBLE)
            m.d.comb += self.masks.word_select(i, _NIBBLE).eq(Mux(there[i], nibble, 0))
