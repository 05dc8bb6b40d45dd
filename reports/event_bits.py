"""How wide one event of each counter is, in bits, for a given engine."""

from sparsespike.contract.config import EngineConfig
from sparsespike.contract.derived import (
    lane_pitch,
    line_slots,
    weight_lines,
    weight_slot_bits,
    weights_per_beat,
)

_BEAT_CONTROL = 5
"""Bits of a queue entry beside digits, masks and offset: shift, half of the memory, last."""


def event_bits(engine: EngineConfig) -> dict[str, int]:
    """Bits that one event of a counter reads, writes or computes on.

    Of a memory these are the bits that its port moves, not the ones that are wanted: a line for a
    chunk, a weight's place in the stream for a weight, and the weight offset with a mask word.
    Words and rows of residual counts are taken as wide as those of spikes. A row is written to
    the copy of every cluster and to that of the write-back unit. Counters that only count cycles
    or occasions are 1 bit wide.
    """
    word = engine.chunk * engine.time_steps
    row = lane_pitch(engine) * engine.time_steps
    copies = engine.clusters + 1
    line = line_slots(engine) * engine.time_steps
    offset = (weight_lines(engine) * weights_per_beat(engine)).bit_length()
    entry = engine.lane_channels * (2 * engine.chunk + offset)
    queued = word * engine.digit_bits + entry + _BEAT_CONTROL
    attention_row = engine.head_slots * engine.max_tokens.bit_length()
    return {
        "dma_read_beats": engine.axi_data_bits,
        "dma_write_beats": engine.axi_data_bits,
        "chunks_scanned": line,
        "chunks_skipped": 1,
        "chunks_broadcast": queued * engine.lanes,
        "mask_words_read": engine.chunk + offset,
        "queue_entries": queued,
        "weights_read": weight_slot_bits(engine),
        "additions": engine.accumulator_bits,
        "lif_updates": engine.membrane_bits,
        "spikes_fired": 1,
        "rows_written": row * copies,
        "rows_updated": row,
        "pixel_words_written": word * copies,
        "broadcast_stalls": 1,
        "broadcast_idle": 1,
        "lane_output_stalls": 1,
        "row_stalls": 1,
        "attention_words_read": line,
        "attention_updates": attention_row,
        "attention_accumulates": attention_row,
        "selector_updates": engine.accumulator_bits,
        "topk_comparisons": engine.accumulator_bits,
        "cycles": 1,
    }
