"""Record collector: 64 bytes, beat by beat, into 16 words and their checksum."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sparsespike.contract import derived
from sparsespike.contract.program import CHECKSUM_TARGET

RECORD_BITS = derived.DESCRIPTOR_BYTES * 8


class RecordCollector(wiring.Component):
    """Gathers headers and descriptors; a new record may follow at once.

    Timing: `words` and `intact` are those of a record in the cycle after its last beat.

    Members:
        valid, data: a beat; always taken.
        words: the record.
        intact: its words have the right sum.
    """

    def __init__(self, *, data_bits: int) -> None:
        self.data_bits = data_bits
        super().__init__(
            {
                "valid": In(1),
                "data": In(data_bits),
                "words": Out(RECORD_BITS),
                "intact": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beats = RECORD_BITS // self.data_bits
        beat = Signal(range(beats))
        total = Signal(32)
        m.d.comb += self.intact.eq(total == CHECKSUM_TARGET)
        with m.If(self.valid):
            added = sum(self.data[low : low + 32] for low in range(0, self.data_bits, 32))
            m.d.sync += [
                beat.eq(Mux(beat == beats - 1, 0, beat + 1)),
                total.eq(Mux(beat == 0, 0, total) + added),
                self.words.word_select(beat, self.data_bits).eq(self.data),
            ]
        return m


def field(words: Value, place: tuple[int, int, int]) -> Value:
    """Bits of a (word, lowest bit, bits) place."""
    word, low, bits = place
    return words[word * 32 + low : word * 32 + low + bits]
