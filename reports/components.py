"""Which part of the engine an energy entry belongs to."""

COMPONENTS: dict[str, tuple[str, ...]] = {
    "external memory": ("dma_read_beats", "dma_write_beats"),
    "activation memory": (
        "chunks_scanned",
        "pixel_words_written",
        "attention_words_read",
        "rows_written",
        "rows_updated",
    ),
    "weights and masks": ("mask_words_read", "weights_read"),
    "broadcast and queues": ("chunks_broadcast", "queue_entries"),
    "adders and neurons": ("additions", "lif_updates"),
    "attention and selector": (
        "attention_updates",
        "attention_accumulates",
        "selector_updates",
        "topk_comparisons",
    ),
}
"""Component -> its counters; counters that no table prices stand in none."""

CLOCK, LEAKAGE, OTHER = "clock", "leakage", "control"
COMPONENT_ORDER = (*COMPONENTS, CLOCK, LEAKAGE, OTHER)
_OF = {counter: component for component, group in COMPONENTS.items() for counter in group}


def component_of(counter: str) -> str:
    """The component that `counter` belongs to."""
    return _OF.get(counter, OTHER)
