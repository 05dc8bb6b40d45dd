"""All claims."""

from __future__ import annotations

from hw.formal import buses, loaders, packets, queues, streams
from hw.formal.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    *queues.CLAIMS,
    *streams.CLAIMS,
    *buses.CLAIMS,
    *loaders.CLAIMS,
    *packets.CLAIMS,
)
