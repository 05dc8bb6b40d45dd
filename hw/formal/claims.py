"""All claims."""

from __future__ import annotations

from hw.formal import block_memory, buses, loaders, packets, queues, streams, uart
from hw.formal.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    *queues.CLAIMS,
    *streams.CLAIMS,
    *buses.CLAIMS,
    *loaders.CLAIMS,
    *packets.CLAIMS,
    *uart.CLAIMS,
    *block_memory.CLAIMS,
)
