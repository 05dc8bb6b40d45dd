"""Random integer networks that really fire, for randomised tests of compiler and hardware.

Fan-out is as uneven as pruning leaves it; biases are calibrated layer by layer with the golden
arithmetic, so that spikes reach every layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model import integer_ops as ops
from model.attention import ATTENTION_THRESHOLD
from sparsespike.contract import numeric
from sparsespike.contract.network import IntegerLayer, IntegerNetwork, NetworkConfig

FIRING_LIMITS = (0.02, 0.98)
"""Every layer is meant to fire within these, attention as far as its counts allow."""

_ATTENTION_TARGET = 0.25
_THRESHOLDS = (0.5, 1.5)
_QKV_RATES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.92)


def random_images(config: NetworkConfig, count: int, *, seed: int) -> NDArray[np.uint8]:
    """Smooth random images uint8 (count, H, W, C): neighbouring pixels are correlated."""
    rng = np.random.default_rng(seed)
    size = config.image_size
    coarse = rng.random((count, size // 4 + 2, size // 4 + 2, config.in_channels))
    smooth = coarse.repeat(4, 1).repeat(4, 2)[:, :size, :size]
    mixed = 0.7 * smooth + 0.3 * rng.random((count, size, size, config.in_channels))
    return (mixed * 255).astype(np.uint8)


def random_integer_network(
    config: NetworkConfig,
    *,
    weight_density: float | Mapping[str, float],
    seed: int,
    target_firing: tuple[float, float] | Mapping[str, tuple[float, float]] = (0.1, 0.4),
    qkv_firing: tuple[float, ...] = _QKV_RATES,
    thresholds: tuple[float, float] | Mapping[str, tuple[float, float]] = _THRESHOLDS,
    balanced: bool = False,
    images: NDArray[np.uint8] | None = None,
) -> IntegerNetwork:
    """A random network of `config` whose layers fire at rates drawn from `target_firing`.

    weight_density: share of non-zero weights in each layer; 0 < density <= 1 (at least one each).
    thresholds: in standard deviations of a channel's current; the lower, the more of its steps does
    an output fire in that fires at all. These three are for all layers, or by layer name.
    qkv_firing: rates of Q, K and V to choose from, by what the attention then fires. balanced: all
    outputs of a layer have as many weights. images: uint8 (B, H, W, C) to calibrate on; 4 smooth
    random ones if absent.
    """
    names = config.layer_names()
    if not isinstance(weight_density, Mapping):
        weight_density = dict.fromkeys(names, weight_density)
    if not isinstance(target_firing, Mapping):
        target_firing = dict.fromkeys(names, target_firing)
    if not isinstance(thresholds, Mapping):
        thresholds = dict.fromkeys(names, thresholds)
    for density in weight_density.values():
        if not 0 < density <= 1:
            raise ValueError(f"weight_density must be in (0, 1], not {density}")
    if images is None:
        images = random_images(config, 4, seed=seed)
    rng = np.random.default_rng(seed)
    maker = _Maker(config, rng, weight_density, target_firing, qkv_firing, thresholds, balanced)
    pad = maker.rng.integers(90, 160, config.in_channels).astype(np.uint8)
    layers = list(_stem(maker, images, pad))
    x = maker.output
    for block in range(config.depth):
        if block in config.selector_blocks:
            layer = maker.selector(f"selector.{config.selector_blocks.index(block)}", x)
            x = ops.take_tokens(x, ops.select(layer, x)[1])
            layers.append(layer)
        layers += _block(maker, block, x)
        x = maker.output
    layers.append(maker.head())
    return IntegerNetwork(config, pad, tuple(layers))


def _stem(maker: "_Maker", images: NDArray[np.uint8], pad: NDArray[np.uint8]) -> list[IntegerLayer]:
    x = torch.from_numpy(images).permute(3, 0, 1, 2).flatten(2).unsqueeze(1)
    sizes = (*maker.config.feature_sizes(), (maker.config.grid(),) * 2)
    layers, border = [], torch.from_numpy(pad)
    for name, (size, after) in zip(maker.config.layer_names()[:5], sizes, strict=True):
        weights = maker.weights(name)
        current = ops.conv_current(weights, x, size, border)
        rate = maker.rates(name, len(current)) / (3 if after != size else 1)
        layers.append(maker.calibrate(weights, current, rate))
        fired = maker.output if after == size else ops.pool(maker.output, size)
        x = x + fired if name == "rpe" else fired
        border = torch.zeros(len(x), dtype=torch.uint8)
    maker.output = x
    return layers


def _block(maker: "_Maker", block: int, x: Tensor) -> list[IntegerLayer]:
    def linear(part: str, inputs: Tensor) -> IntegerLayer:
        name = f"block.{block}.{part}"
        weights = maker.weights(name)
        current = ops.linear_current(weights, inputs)
        return maker.calibrate(weights, current, maker.rates(name, len(current)))

    qkv, attention, spikes = _attention(maker, block, x)
    proj = linear("proj", spikes)
    x = x + maker.output
    fc1 = linear("fc1", x)
    fc2 = linear("fc2", maker.output)
    maker.output = x + maker.output
    return [qkv, attention, proj, fc1, fc2]


def _attention(maker: "_Maker", block: int, x: Tensor) -> tuple[IntegerLayer, IntegerLayer, Tensor]:
    """Q, K and V at the rate for which the attention neurons come closest to their target."""
    config = maker.config
    threshold = numeric.lif_threshold(
        config.attention_scale, config.time_steps, ATTENTION_THRESHOLD
    )
    none = np.zeros(0, np.int64)
    attention = IntegerLayer(
        f"block.{block}.attn",
        "attention",
        none.astype(np.int8),
        none,
        np.array([threshold], np.int64),
        none.astype(np.float64),
    )
    weights = maker.weights(f"block.{block}.qkv")
    current = ops.linear_current(weights, x)
    tried = []
    for rate in maker.qkv_rates:
        qkv = maker.calibrate(weights, current, np.full(len(current), rate))
        context = ops.attention_current(maker.output, config.heads)
        spikes = ops.fire(context, attention, config.time_steps)
        error = abs(float(spikes.float().mean()) - _ATTENTION_TARGET)
        tried.append((error, rate, qkv, spikes))
    _, _, qkv, spikes = min(tried, key=lambda entry: entry[:2])
    return qkv, attention, spikes


@dataclass
class _Maker:
    """Draws weights and calibrates biases; `output` holds the last layer's spikes."""

    config: NetworkConfig
    rng: np.random.Generator
    density: Mapping[str, float]
    target: Mapping[str, tuple[float, float]]
    qkv_rates: tuple[float, ...]
    thresholds: Mapping[str, tuple[float, float]]
    balanced: bool
    output: Tensor = field(default_factory=lambda: torch.zeros(0))

    def rates(self, name: str, channels: int) -> NDArray[np.float64]:
        """Target firing rates of a layer, one a channel."""
        return self.rng.uniform(*self.target[name], channels)

    def weights(self, name: str) -> IntegerLayer:
        """A layer with random weights, thresholds to come, bias 0."""
        shape = self.config.weight_shape(name)
        limit = 2 ** (self.config.weight_bits - 1) - 1
        values = self.rng.normal(0, limit / 2, shape).round().clip(-limit, limit)
        values[values == 0] = 1
        rows = self.rng.lognormal(0, 0.8, (shape[0], *[1] * (len(shape) - 1)))
        columns = self.rng.lognormal(0, 0.5, (1, *shape[1:]))
        key = np.log(self.rng.random(shape)) / (rows * columns)
        by_row = key.reshape(shape[0] if self.balanced else 1, -1)
        count = max(1, round(self.density[name] * by_row.shape[1]))
        pruned = by_row < np.partition(by_row, -count, axis=1)[:, -count, None]
        values[pruned.reshape(shape)] = 0
        zeros = np.zeros(shape[0], np.int64)
        return IntegerLayer(
            name,
            self.config.layer_kind(name),
            values.astype(np.int8),
            zeros,
            zeros,
            np.ones(shape[0]),
        )

    def calibrate(
        self, layer: IntegerLayer, current: Tensor, rate: NDArray[np.float64]
    ) -> IntegerLayer:
        """The layer with thresholds and biases that fire near `rate`; sets `output`.

        current: a of every output, int32 (out, T or 1, B, positions). Each channel takes one of
        the two neighbouring biases around its rate, by chance, since rates come in steps.
        """
        steps = self.config.time_steps
        level = np.maximum(_deviation(current), 2.0)
        scale = 1.0 / (level * self.rng.uniform(*self.thresholds[layer.name], len(level)))
        exact = [numeric.lif_threshold(float(s), steps) for s in scale]
        layer = replace(layer, scale=scale, threshold=np.array(exact, np.int64))
        low, high = self._bisect(layer, current, torch.from_numpy(rate))
        below, above = self._firing(layer, current, low), self._firing(layer, current, high)
        chance = (rate - below) / np.maximum(above - below, 1e-9)
        rising = self.rng.random(len(rate)) < chance
        rising = _within_limits(rising, below, above)
        bias = np.where(rising, high.numpy(), low.numpy())
        self.output = ops.fire(current + _column(torch.from_numpy(bias)), layer, steps)
        return replace(layer, bias=bias)

    def _bisect(self, layer: IntegerLayer, current: Tensor, rate: Tensor) -> tuple[Tensor, Tensor]:
        """Neighbouring biases int64 (out,): the lower fires at most at `rate`, the higher above."""
        level = torch.from_numpy(np.ceil(1 / layer.scale)).long()
        flat = current.flatten(1).long()
        low, high = -1 - flat.amax(1), 2 * level + 1 - flat.amin(1)
        while bool((high - low > 1).any()):
            middle = (low + high) // 2
            over = torch.from_numpy(self._firing(layer, current, middle)) > rate
            low, high = torch.where(over, low, middle), torch.where(over, middle, high)
        return low, high

    def _firing(self, layer: IntegerLayer, current: Tensor, bias: Tensor) -> NDArray[np.float64]:
        spikes = ops.fire(current + _column(bias), layer, self.config.time_steps)
        return spikes.flatten(1).double().mean(1).numpy()

    def selector(self, name: str, x: Tensor) -> IntegerLayer:
        """A selector whose hidden values fill the 8 bits of its GELU table."""
        weights = self.weights(name)
        zeros = np.zeros(0, np.int64)
        hidden = ops.linear_current(weights, x.sum(1, keepdim=True, dtype=torch.int32)).flatten(1)
        spread = np.maximum(_deviation(hidden), 1.0)
        bias = np.rint(self.rng.normal(0, spread) - hidden.double().mean(1).numpy())
        ratio = 40 / spread
        shift = int(np.clip(np.floor(np.log2(32767 / ratio.max())), 0, 31))
        count = len(bias)
        return replace(
            weights,
            bias=bias.astype(np.int64),
            threshold=zeros,
            shift=shift,
            multiplier=np.rint(ratio * 2.0**shift).clip(0, 32767).astype(np.int64),
            score_weight=self.rng.integers(-127, 128, count).astype(np.int8),
            keep=self.config.selector_keep(int(name.split(".")[1])),
        )

    def head(self) -> IntegerLayer:
        """A head with random biases."""
        weights = self.weights("head")
        bias = self.rng.integers(-2000, 2001, len(weights.bias))
        return replace(weights, bias=bias, threshold=np.zeros(0, np.int64))


def _within_limits(
    rising: NDArray[np.bool_], below: NDArray[np.float64], above: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """`rising`, with channels switched one by one until the layer fires within FIRING_LIMITS."""
    rising = rising.copy()
    for channel in range(len(rising)):
        rate = np.where(rising, above, below).mean()
        if FIRING_LIMITS[0] < rate < FIRING_LIMITS[1]:
            break
        rising[channel] = rate <= FIRING_LIMITS[0]
    return rising


def _deviation(values: Tensor) -> NDArray[np.float64]:
    """Standard deviation of each channel; 0 if there is but one value."""
    flat = values.flatten(1).double()
    return flat.std(1, correction=min(1, flat.shape[1] - 1)).numpy()


def _column(bias: Tensor) -> Tensor:
    return bias[:, None, None, None].to(torch.int32)
