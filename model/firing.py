"""Firing rates of the float network, layer by layer, measured by hooks."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from model.linear import linear_of, norm_of
from model.network import Spikformer
from model.neuron import lif


def firing_rates(network: Spikformer, images: Tensor) -> dict[str, float]:
    """Spikes per neuron and time step, 0..1, of every spiking layer on one batch of images.

    images: normalised, (B, C, H, W) or, for varying_input, (T, B, C, H, W). The network runs in
    evaluation mode and drops tokens as the hardware does; only kept tokens count. Names and order
    are those of the integer network's conv, linear and attention layers: qkv averages Q, K and V;
    conv layers count before their pool; rpe, proj and fc2 count what is added to the residual.
    """
    tally = _Tally(network.config.time_steps, images.shape[-4])
    training = network.training
    network.eval()
    with torch.no_grad(), ExitStack() as hooks:
        for name, norm in _norms(network):
            hook = norm.register_forward_hook(
                lambda _module, _given, current, name=name: tally.add_current(name, current)
            )
            hooks.callback(hook.remove)
        for index, block in enumerate(network.blocks()):
            hook = linear_of(block.attn, "proj").register_forward_pre_hook(
                lambda _module, given, index=index: tally.add(f"block.{index}.attn", given[0])
            )
            hooks.callback(hook.remove)
        network(images, "top")
    network.train(training)
    return tally.rates()


class _Tally:
    """Counts spikes by layer, for `steps` time steps of `batch` images."""

    def __init__(self, steps: int, batch: int) -> None:
        self._steps, self._batch = steps, batch
        self._ones: Counter[str] = Counter()
        self._total: Counter[str] = Counter()

    def add_current(self, name: str, current: Tensor) -> None:
        """current: (T * B, ...), or (B, ...) where it does not change over T."""
        if len(current) == self._batch:
            currents = current.expand(self._steps, *current.shape)
        else:
            currents = current.unflatten(0, (self._steps, -1))
        self.add(name, lif(currents))

    def add(self, name: str, spikes: Tensor) -> None:
        """spikes: any shape."""
        self._ones[name] += int(spikes.count_nonzero())
        self._total[name] += spikes.numel()

    def rates(self) -> dict[str, float]:
        """Share of ones by layer, in the order in which layers were added."""
        return {name: self._ones[name] / total for name, total in self._total.items()}


def _norms(network: Spikformer) -> Iterator[tuple[str, nn.Module]]:
    """Every batch norm with the name of the layer whose neurons it feeds."""
    stem = network.patch_embed
    yield from ((f"conv{index}", stem.norm(index)) for index in range(4))
    yield "rpe", stem.rpe_bn
    for index, block in enumerate(network.blocks()):
        yield from ((f"block.{index}.qkv", norm_of(block.attn, part)) for part in "qkv")
        yield f"block.{index}.proj", norm_of(block.attn, "proj")
        yield from ((f"block.{index}.{part}", norm_of(block.mlp, part)) for part in ("fc1", "fc2"))
