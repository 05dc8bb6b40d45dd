"""Spikformer and SparseSpikformer in float, for training.

Source: Spikformer (ICLR 2023); SparseSpikformer (arXiv 2311.08806). Tensor names are the authors'.
"""

from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn

from model.blocks import Block
from model.selector import TokenPredictor, gather_tokens, sample_keep, top_tokens
from model.stem import SpikingStem
from sparsespike.contract.network import NetworkConfig

Selection = Literal["all", "sample", "top"]
"""How selectors act: keep every token; mask by Gumbel decisions; gather the best ones."""


_INITIAL_STD = 0.05
"""The same for every weight, as in the authors' code (theirs 0.02): what follows is scaled by batch
norm anyway, and global magnitude pruning then starts from equal chances."""


class NetworkOutput(NamedTuple):
    """logits (B, classes); keep_fractions (selectors,), the mean share of N0 each one kept."""

    logits: Tensor
    keep_fractions: Tensor


class Spikformer(nn.Module):
    """The whole network: stem, blocks with selectors in front of some, head."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embed = SpikingStem(config)
        self.block = nn.ModuleList([Block(config) for _ in range(config.depth)])
        self.predictor = nn.ModuleList([TokenPredictor(config.dim) for _ in config.selector_blocks])
        self.head = nn.Linear(config.dim, config.classes)
        for parameter in prunable(self).values():
            nn.init.trunc_normal_(parameter, std=_INITIAL_STD)

    def forward(self, images: Tensor, selection: Selection = "top") -> NetworkOutput:
        """Normalised float images to logits and the share of tokens kept.

        images: (B, C, H, W), or (T, B, C, H, W) where the config has varying_input.
        """
        x = self.patch_embed(images)
        keep = (
            torch.ones(x.shape[1:3], dtype=x.dtype, device=x.device)
            if selection == "sample"
            else None
        )
        fractions = []
        for index, block in enumerate(self.block):
            if index in self.config.selector_blocks and selection != "all":
                x, keep = self._select(self.config.selector_blocks.index(index), x, keep)
                kept = x.shape[2] / self.config.tokens() if keep is None else keep.mean()
                fractions.append(torch.as_tensor(kept, dtype=torch.float32))
            x = block(x, keep)
        logits = self.head(_token_mean(x, keep))
        return NetworkOutput(logits, torch.stack(fractions) if fractions else logits.new_zeros(0))

    def blocks(self) -> list[Block]:
        """The encoder blocks."""
        return [cast(Block, block) for block in self.block]

    def predictors(self) -> list[TokenPredictor]:
        """The token predictors, one per selector."""
        return [cast(TokenPredictor, predictor) for predictor in self.predictor]

    def _select(
        self, selector: int, x: Tensor, keep: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        scores = self.predictor[selector](x)
        if keep is not None:
            return x, sample_keep(scores, keep)
        return gather_tokens(x, top_tokens(scores, self.config.selector_keep(selector))), None


def _token_mean(x: Tensor, keep: Tensor | None) -> Tensor:
    """Mean of x (T, B, N, D) over T and the kept tokens: (B, D)."""
    if keep is None:
        return x.mean((0, 2))
    weight = keep / keep.sum(1, keepdim=True).clamp(min=1)
    return (x.mean(0) * weight.unsqueeze(-1)).sum(1)


def prunable(network: nn.Module) -> dict[str, nn.Parameter]:
    """All weights that pruning may zero and sparsity counts: two or more dimensions."""
    return {name: p for name, p in network.named_parameters() if p.ndim >= 2}
