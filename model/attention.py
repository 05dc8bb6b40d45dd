"""Spiking self-attention: no softmax, Q (K^T V) on spikes.

Source: Spikformer (ICLR 2023), section 3.4 (SSA); names as in the authors' code.
"""

from torch import Tensor, nn

from model.linear import linear_current
from model.neuron import lif

ATTENTION_THRESHOLD = 0.5


class SpikingAttention(nn.Module):
    """LIF(BN(Linear A)) with A = LIF_0.5(scale * Q K^T V), per head."""

    def __init__(self, dim: int, heads: int, scale: float) -> None:
        super().__init__()
        self._heads, self._scale = heads, scale
        for part in ("q", "k", "v", "proj"):
            self.add_module(f"{part}_linear", nn.Linear(dim, dim))
            self.add_module(f"{part}_bn", nn.BatchNorm1d(dim))

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Counts x (T, B, N, D) to spikes (T, B, N, D).

        keep: (B, N) of 0 and 1, or None; tokens at 0 are seen by no token but themselves
        (SparseSpikformer, arXiv 2311.08806, section 3.1).
        """
        q, k, v = (self._split(self._fire(part, x)) for part in ("q", "k", "v"))
        if keep is None:
            context = q @ (k.transpose(-2, -1) @ v)
        else:
            column = keep[:, None, :, None].to(k.dtype)
            own = (q * k).sum(-1, keepdim=True) * v
            context = q @ ((k * column).transpose(-2, -1) @ v) + (1 - column) * own
        spikes = lif(context * self._scale, ATTENTION_THRESHOLD)
        return self._fire("proj", spikes.transpose(2, 3).flatten(3))

    def _fire(self, part: str, x: Tensor) -> Tensor:
        return lif(linear_current(self, part, x))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(3, (self._heads, -1)).transpose(2, 3)  # (T, B, heads, N, d)
