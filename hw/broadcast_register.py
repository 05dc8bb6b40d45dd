"""The word under broadcast: its digits go to the lanes one a cycle."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bits import at_most_one, encode, lowest_one, thermometer
from hw.cluster_layouts import (
    SHIFT_BITS,
    beat_layout,
    digit_vectors,
    mask_index_bits,
    mask_layout,
)
from hw.skid_buffer import SkidBuffer
from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig


def word_layout(engine: EngineConfig) -> data.StructLayout:
    """A word and the index of the mask words that it meets.

    `values` holds each digit's vectors of slots, `slots` their union. Digit j is shifted by
    j * digit_bits if `shift` is 0; a word with a shift has digit 0 only. `final` marks the layer's
    last scan.
    """
    digits = derived.count_digits(engine)
    return data.StructLayout(
        {
            "values": data.ArrayLayout(digit_vectors(engine), digits),
            "slots": data.ArrayLayout(engine.chunk, digits),
            "mask": mask_index_bits(engine),
            "shift": SHIFT_BITS,
            "last": 1,
            "final": 1,
            "half": 1,
        }
    )


class BroadcastRegister(wiring.Component):
    """Takes words and emits a beat per non-silent digit, one a cycle, lowest digit first.

    Three elastic stages: a word, the digit picked from it, its matches. The first one has a second
    place, so that no path leads from `full` to the memories behind `i.ready`. The first beat of a
    word taken in c may be emitted from c + 3 on; the next word's stands there in the cycle after
    the last beat is emitted. A word without a beat stands there for one cycle, but the last one of
    a walk emits at least one. A beat waits while an active lane that it would enter is full. The
    mask words are read as the first digit is picked, and registered once.

    Members:
        i: words.
        walked: the layer's words have this digit; of digit 0 it is always taken to be so.
        channels: of the tile in each half; what they do not have of a beat of masks is 0 there.
        mask_enable, mask_half, mask_index, masks: read of the channels' mask words, which stand at
            `masks` from the next cycle on.
        beat: shared part of the beat.
        matches: per channel, mask and non-silent slots.
        words: per channel, mask and weight offset.
        push: per lane, the beat enters its queue in this cycle.
        full: per lane, its queue has no place.
        standing: a word stands where beats are emitted.
        skipped, emitted, stalled: it has no beat, emits one, or waits.
        leaving, final: the word goes in this cycle; it was the layer's last.
    """

    def __init__(self, engine: EngineConfig) -> None:
        self._engine = engine
        lanes, channels = engine.lanes, derived.tile_channels(engine)
        super().__init__(
            {
                "i": In(stream.Signature(word_layout(engine))),
                "walked": In(derived.count_digits(engine)),
                "channels": In(data.ArrayLayout(range(channels + 1), 2)),
                "mask_enable": Out(1),
                "mask_half": Out(1),
                "mask_index": Out(mask_index_bits(engine)),
                "masks": In(data.ArrayLayout(mask_layout(engine), channels)),
                "beat": Out(beat_layout(engine)),
                "matches": Out(data.ArrayLayout(engine.chunk, channels)),
                "words": Out(data.ArrayLayout(mask_layout(engine), channels)),
                "push": Out(lanes),
                "full": In(lanes),
                "standing": Out(1),
                "skipped": Out(1),
                "emitted": Out(1),
                "stalled": Out(1),
                "leaving": Out(1),
                "final": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self._engine
        digits = derived.count_digits(engine)
        m.submodules.words = words = SkidBuffer(word_layout(engine))
        word, occupied = words.o.p, words.o.valid
        # The digits that have not been picked, and those of them that are not silent.
        waiting, loud = Signal(digits), Signal(digits)
        picked, ready = Signal(_picked_layout(engine)), Signal(_ready_layout(engine))
        matches = Signal(data.ArrayLayout(len(self.masks), engine.chunk))
        met = Signal(len(self.masks))
        only, picked_moves, ready_moves = Signal(), Signal(), Signal()
        side = derived.mask_lanes(engine)

        def take_word() -> None:
            moves = ~occupied | (picked_moves & only)
            wiring.connect(m, words.i, wiring.flipped(self.i))
            for number, slots in list(enumerate(self.i.p.slots))[1:]:
                m.d.comb += words.i.p.slots[number].eq(Mux(self.walked[number], slots, 0))
            m.d.comb += words.o.ready.eq(picked_moves & only)
            with m.If(moves):
                m.d.sync += waiting.eq(~0)
            with m.Elif(picked_moves):
                m.d.sync += waiting.eq(waiting & ~lowest_one(loud))

        def pick_digit() -> None:
            beat, digit = Signal(beat_layout(engine)), encode(lowest_one(loud))
            m.d.comb += [loud.eq(Cat(slots.any() for slots in word.slots) & waiting)]
            m.d.comb += only.eq(at_most_one(loud))
            for index, vector in enumerate(beat.spikes):
                m.d.comb += vector.eq(_choose([values[index] for values in word.values], digit))
            m.d.comb += [
                beat.shift.eq(word.shift | Cat(Const(0, engine.digit_bits - 1), digit)),
                beat.last.eq(word.last & only),
                beat.half.eq(word.half),
                picked_moves.eq(~picked.valid | ready_moves),
                self.mask_enable.eq(occupied & picked_moves & waiting.all()),
                self.mask_half.eq(word.half),
                self.mask_index.eq(word.mask),
            ]
            with m.If(picked_moves):
                m.d.sync += [
                    picked.valid.eq(occupied),
                    picked.skip.eq(~loud.any() & ~word.last),
                    picked.leaves.eq(only),
                    picked.beat.eq(beat),
                    picked.slots.eq(_choose(list(word.slots), digit)),
                    picked.final.eq(word.final),
                ]

        def match_lanes() -> None:
            m.d.comb += ready_moves.eq(~self.stalled)
            channels = self.channels[picked.beat.half]
            ends = Mux(picked.beat.last, thermometer(channels, engine.lanes), 0)
            with m.If(ready_moves):
                m.d.sync += [ready[name].eq(picked[name]) for name in _SHARED]
                m.d.sync += ready.words.eq(self.masks)
                for lane, wants in enumerate(ready.wanted):
                    enters = ends[lane] | met[lane :: engine.lanes].any()
                    m.d.sync += wants.eq(picked.valid & enters)
            for low in range(0, len(self.masks), side):
                # Masks of a beat of the weight stream are written together.
                match_group(slice(low, low + side), channels > low if low else Const(1))

        def match_group(group: slice, active: Value) -> None:
            masks = [word.mask for word in self.masks][group]
            hits = Cat((mask & picked.slots).any() for mask in masks)
            m.d.comb += met[group].eq(Mux(active, hits, 0))
            # Slot by slot: a register's reset input does the AND.
            for bit, slot in enumerate(picked.slots):
                with m.If(ready_moves):
                    m.d.sync += matches[bit][group].eq(Cat(mask[bit] for mask in masks))
                with m.If(ready_moves & ~(slot & active)):
                    m.d.sync += matches[bit][group].eq(0)

        def emit() -> None:
            m.d.comb += [
                self.stalled.eq((ready.wanted & self.full).any()),
                self.standing.eq(ready.valid),
                self.emitted.eq(ready.valid & ~ready.skip & ~self.stalled),
                self.skipped.eq(ready.valid & ready.skip),
                self.push.eq(Mux(self.emitted, ready.wanted, 0)),
                self.leaving.eq(self.skipped | (self.emitted & ready.leaves)),
            ]
            for name in ("beat", "words", "final"):
                m.d.comb += getattr(self, name).eq(ready[name])
            for channel, match in enumerate(self.matches):
                m.d.comb += match.eq(Cat(slot[channel] for slot in matches))

        take_word()
        pick_digit()
        match_lanes()
        emit()
        return m


_SHARED = ("valid", "skip", "leaves", "final", "beat")


def _choose(values: Sequence[Value], index: Value) -> Value:
    """values[index], as a tree of multiplexers."""
    level = [Value.cast(value) for value in values]
    for bit in index:
        if len(level) == 1:
            break
        odd = level[1::2] + level[-1:] * (len(level) % 2)
        level = [Mux(bit, high, low) for low, high in zip(level[::2], odd, strict=True)]
    return level[0]


def _picked_layout(engine: EngineConfig) -> data.StructLayout:
    """A beat, or the sign that its word has none (`skip`); `leaves`: the word's last.

    `slots`: the non-silent ones.
    """
    flags = ("valid", "skip", "leaves", "final")
    return data.StructLayout(
        {**dict.fromkeys(flags, 1), "beat": beat_layout(engine), "slots": engine.chunk}
    )


def _ready_layout(engine: EngineConfig) -> data.StructLayout:
    """The same with its masks.

    `wanted`: per lane, whether the beat enters it: a channel of it has a match, or its walk ends.
    """
    channels = derived.tile_channels(engine)
    shared = _picked_layout(engine).members
    return data.StructLayout(
        {
            **{name: shared[name] for name in _SHARED},
            "words": data.ArrayLayout(mask_layout(engine), channels),
            "wanted": engine.lanes,
        }
    )
