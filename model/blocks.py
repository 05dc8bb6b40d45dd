"""Spikformer encoder block: attention and MLP, each added to the residual count.

Source: Spikformer (ICLR 2023), section 3.2; names as in the authors' code.
"""

from torch import Tensor, nn

from model.attention import SpikingAttention
from model.linear import linear_current
from model.neuron import lif
from sparsespike.contract.network import NetworkConfig


class SpikingMlp(nn.Module):
    """LIF(BN(Linear 4D->D (LIF(BN(Linear D->4D x)))))."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1_linear = nn.Linear(dim, hidden)
        self.fc1_bn = nn.BatchNorm1d(hidden)
        self.fc2_linear = nn.Linear(hidden, dim)
        self.fc2_bn = nn.BatchNorm1d(dim)

    def forward(self, x: Tensor) -> Tensor:
        """Counts (T, B, N, D) to spikes (T, B, N, D)."""
        hidden = lif(linear_current(self, "fc1", x))
        return lif(linear_current(self, "fc2", hidden))


class Block(nn.Module):
    """x + attention(x), then x + mlp(x): the residual stays a count of spikes."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.attn = SpikingAttention(config.dim, config.heads, config.attention_scale)
        self.mlp = SpikingMlp(config.dim, config.dim * config.mlp_ratio)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Counts (T, B, N, D) to counts (T, B, N, D); keep as in SpikingAttention."""
        x = x + self.attn(x, keep)
        return x + self.mlp(x)
