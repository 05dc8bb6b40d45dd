"""The float network a second time, from its published equations, with SpikingJelly's neurons.

Nothing here comes from `model`: Spikformer (ICLR 2023, section 3), SparseSpikformer
(arXiv 2311.08806, section 3) and the tensor names of the official checkpoints are all it uses.
Every equation is written the plain way: batch normalisation unfolded, (Q K^T) V from left to
right, one image after the other where tokens are chosen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import Tensor
from torch.nn import functional

from sparsespike.contract.network import NetworkConfig

BN_EPSILON = 1e-5


@dataclass
class Observed:
    """What one run of the oracle saw.

    logits: (B, classes). spikes: per spiking layer (T, B, ...), in the order of execution, conv
    layers before their pool. kept: per selector (B, tokens kept), indices into the first N0 tokens.
    """

    logits: Tensor = field(default_factory=lambda: torch.zeros(0))
    spikes: dict[str, Tensor] = field(default_factory=dict)
    kept: list[Tensor] = field(default_factory=list)

    def rates(self) -> dict[str, float]:
        """Share of ones among the spikes of each layer."""
        return {name: spikes.mean().item() for name, spikes in self.spikes.items()}


class FloatOracle:
    """A Spikformer in float64, in evaluation mode, over the tensors of one state dict."""

    def __init__(self, state: Mapping[str, Tensor], config: NetworkConfig) -> None:
        self.state = {name: tensor.detach().double() for name, tensor in state.items()}
        self.config = config
        self._calibrating = False

    def run(self, images: Tensor) -> Observed:
        """Everything observed on normalised images (B, C, H, W); event frames (T, B, C, H, W)."""
        seen = Observed()
        with torch.no_grad():
            x = self._stem(images.double(), seen)
            # (T, B, D, H, W) -> (T, B, N, D), tokens row by row
            x = x.flatten(3).transpose(2, 3)
            order = torch.arange(x.shape[2]).expand(x.shape[1], -1)
            for block in range(self.config.depth):
                if block in self.config.selector_blocks:
                    index = self.config.selector_blocks.index(block)
                    x, order = self._select(index, x, order)
                    seen.kept.append(order)
                x = self._block(f"block.{block}", x, seen)
            seen.logits = self._linear("head", x.mean(dim=(0, 2)))
        return seen

    def calibrate(self, images: Tensor) -> dict[str, Tensor]:
        """State dict whose running statistics are those of `images`; the oracle takes it over."""
        self._calibrating = True
        self.run(images)
        self._calibrating = False
        return dict(self.state)

    def _stem(self, images: Tensor, seen: Observed) -> Tensor:
        varying = self.config.varying_input
        x = images if varying else images.repeat(self.config.time_steps, 1, 1, 1, 1)
        for index, pooled in enumerate(self.config.stem_pools):
            suffix = str(index) if index else ""
            current = self._conv(f"patch_embed.proj_conv{suffix}", x)
            x = _lif(self._norm(f"patch_embed.proj_bn{suffix}", current, channel=2))
            seen.spikes[f"conv{index}"] = x
            if pooled:
                x = _per_image(lambda maps: functional.max_pool2d(maps, 3, 2, 1), x)
        current = self._norm("patch_embed.rpe_bn", self._conv("patch_embed.rpe_conv", x), channel=2)
        seen.spikes["rpe"] = _lif(current)
        return seen.spikes["rpe"] + x

    def _block(self, name: str, x: Tensor, seen: Observed) -> Tensor:
        spikes = seen.spikes
        for part in "qkv":
            spikes[f"{name}.{part}"] = self._spiking_linear(f"{name}.attn.{part}", x)
        q, k, v = (self._split(spikes[f"{name}.{part}"]) for part in "qkv")
        attended = (q @ k.transpose(-2, -1)) @ v  # (T, B, heads, N, d)
        current = attended.transpose(2, 3).flatten(3) * self.config.attention_scale
        spikes[f"{name}.attn"] = _lif(current, threshold=0.5)
        projected = self._spiking_linear(f"{name}.attn.proj", spikes[f"{name}.attn"])
        spikes[f"{name}.proj"] = projected
        x = x + projected
        spikes[f"{name}.fc1"] = self._spiking_linear(f"{name}.mlp.fc1", x)
        spikes[f"{name}.fc2"] = self._spiking_linear(f"{name}.mlp.fc2", spikes[f"{name}.fc1"])
        return x + spikes[f"{name}.fc2"]

    def _select(self, index: int, x: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens of (T, B, N, D) that selector `index` keeps, and their original indices."""
        first = self.config.tokens()
        keep = max(1, int(first * self.config.keep_ratio ** (index + 1)))
        hidden = functional.gelu(self._linear(f"predictor.{index}.linear.0", x.mean(0)))
        outputs = self._linear(f"predictor.{index}.linear.2", hidden)
        kept_x, kept_order = [], []
        for image in range(x.shape[1]):
            score = (outputs[image, :, 0] - outputs[image, :, 1]).tolist()
            best = sorted(range(len(score)), key=lambda token: (-score[token], token))[:keep]
            kept_x.append(x[:, image, sorted(best)])
            kept_order.append(order[image, sorted(best)])
        return torch.stack(kept_x, 1), torch.stack(kept_order)

    def _spiking_linear(self, name: str, x: Tensor) -> Tensor:
        return _lif(self._norm(f"{name}_bn", self._linear(f"{name}_linear", x), channel=3))

    def _split(self, spikes: Tensor) -> Tensor:
        """(T, B, N, D) -> (T, B, heads, N, D / heads); a head is a run of adjacent channels."""
        return spikes.unflatten(3, (self.config.heads, -1)).transpose(2, 3)

    def _linear(self, name: str, x: Tensor) -> Tensor:
        product = x @ self.state[f"{name}.weight"].T
        bias = self.state.get(f"{name}.bias")
        return product if bias is None else product + bias

    def _conv(self, name: str, x: Tensor) -> Tensor:
        weight = self.state[f"{name}.weight"]
        return _per_image(lambda maps: functional.conv2d(maps, weight, padding=1), x)

    def _norm(self, name: str, x: Tensor, *, channel: int) -> Tensor:
        if self._calibrating:
            rest = [axis for axis in range(x.ndim) if axis != channel]
            self.state[f"{name}.running_mean"] = x.mean(rest)
            self.state[f"{name}.running_var"] = x.var(rest, correction=0)
        shape = [-1 if axis == channel else 1 for axis in range(x.ndim)]
        mean, var, gain, offset = (
            self.state[f"{name}.{part}"].reshape(shape)
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / torch.sqrt(var + BN_EPSILON) * gain + offset


def _lif(current: Tensor, *, threshold: float = 1.0) -> Tensor:
    """Spikes of currents (T, ...): tau 2, hard reset to 0, decaying input."""
    node = LIFNode(tau=2.0, decay_input=True, v_threshold=threshold, v_reset=0.0)
    return torch.stack([node(step) for step in current])


def _per_image(operator, x: Tensor) -> Tensor:
    """`operator` on (T * B, C, H, W) of x (T, B, C, H, W)."""
    return operator(x.flatten(0, 1)).unflatten(0, x.shape[:2])
