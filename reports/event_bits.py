"""How wide one event of each counter is, in bits, for a given engine."""

from sparsespike.contract.config import EngineConfig


def event_bits(engine: EngineConfig) -> dict[str, int]:
    """Bits that one event of a counter reads, writes or computes on.

    Counters that only count cycles or occasions are 1 bit wide.
    """
    spikes = engine.chunk * engine.time_steps
    match = engine.chunk + spikes
    counter_row = engine.head_slots * _bits_of(engine.max_tokens)
    return {
        "dma_read_beats": engine.axi_data_bits,
        "dma_write_beats": engine.axi_data_bits,
        "chunks_scanned": spikes,
        "chunks_skipped": 1,
        "chunks_broadcast": match * engine.lanes,
        "mask_words_read": engine.chunk,
        "queue_entries": match,
        "weights_read": engine.weight_bits,
        "additions": engine.accumulator_bits,
        "lif_updates": engine.membrane_bits,
        "spikes_fired": 1,
        "rows_written": spikes,
        "rows_updated": spikes,
        "pixel_words_written": spikes,
        "broadcast_stalls": 1,
        "broadcast_idle": 1,
        "lane_output_stalls": 1,
        "row_stalls": 1,
        "attention_words_read": spikes,
        "attention_updates": counter_row,
        "attention_accumulates": counter_row,
        "selector_updates": engine.accumulator_bits,
        "topk_comparisons": engine.accumulator_bits,
        "cycles": 1,
    }


def _bits_of(largest: int) -> int:
    return largest.bit_length()
