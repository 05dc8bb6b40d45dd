"""All claims."""

from __future__ import annotations

from hw.formal import queues
from hw.formal.claim import Claim

CLAIMS: tuple[Claim, ...] = (*queues.CLAIMS,)
