"""Which fields of an engine only say when things happen."""

TIMING_FIELDS = ("fifo_depth", "memory_latency", "memory_interval", "clock_mhz")
"""Weight stream, memories and every stored value are the same whatever these are."""
