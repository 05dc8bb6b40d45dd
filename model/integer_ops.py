"""Integer operators of the golden model, on channel-major int32 and int64 tensors.

Every activation is (channels, T, B, positions). Rules: sparsespike.contract.numeric.
"""

import torch
from torch import Tensor
from torch.nn import functional

from sparsespike.contract import numeric
from sparsespike.contract.network import IntegerLayer

_INT32_MAX = 2**31 - 1


def accumulate(weight: Tensor, rows: list[Tensor]) -> Tensor:
    """Sum of weight[c, k] * rows[k] over the non-zero weights: int32 (out, len of a row).

    weight: int8 (out, k). rows: k int32 vectors of one length; they may be views of each other.
    """
    sums = torch.zeros(len(weight), len(rows[0]), dtype=torch.int32)
    channels, inputs = weight.nonzero(as_tuple=True)
    values = weight[channels, inputs].tolist()
    for c, k, value in zip(channels.tolist(), inputs.tolist(), values, strict=True):
        sums[c].add_(rows[k], alpha=value)
    return sums


def conv_current(layer: IntegerLayer, x: Tensor, size: int, pad: Tensor) -> Tensor:
    """a + b of a 3x3 convolution: (out, T, B, size * size), padded by one with pad (channels,).

    The planes stay padded while they are summed, so that every tap is one shifted vector.
    """
    _check_range(layer, int(max(x.max(), pad.max())))
    channels, steps, batch, _ = x.shape
    wide = size + 2
    planes = pad.to(torch.int32)[:, None, None, None, None].repeat(1, steps, batch, wide, wide)
    planes[..., 1:-1, 1:-1] = x.unflatten(3, (size, size))
    flat = planes.flatten(1)
    length = flat.shape[1] - 2 * wide - 2
    rows = [
        flat[c, dy * wide + dx :][:length]
        for c in range(channels)
        for dy in range(3)
        for dx in range(3)
    ]
    sums = accumulate(torch.from_numpy(layer.weight).flatten(1), rows)
    sums = functional.pad(sums, (0, flat.shape[1] - length))
    sums = sums.view(-1, steps, batch, wide, wide)[..., :size, :size].flatten(3)
    return sums + _column(layer.bias)


def linear_current(layer: IntegerLayer, x: Tensor) -> Tensor:
    """a + b of a linear layer over the channels of x: (out, T, B, positions)."""
    _check_range(layer, int(x.max()))
    rows = list(x.to(torch.int32).flatten(1))
    sums = accumulate(torch.from_numpy(layer.weight), rows)
    return sums.view(-1, *x.shape[1:]) + _column(layer.bias)


def attention_current(qkv: Tensor, heads: int) -> Tensor:
    """Q (K^T V) per head from spikes (3 D, T, B, N): counts int32 (D, T, B, N)."""
    q, k, v = (
        part.unflatten(0, (heads, -1)).permute(2, 3, 0, 1, 4).to(torch.int32).contiguous()
        for part in qkv.chunk(3)
    )  # (T, B, heads, d, N)
    context = (v @ k.transpose(-2, -1)) @ q
    return context.permute(2, 3, 0, 1, 4).flatten(0, 1)


def fire(current: Tensor, layer: IntegerLayer, steps: int) -> Tensor:
    """LIF spikes uint8 (channels, T, B, positions); a current of one step is repeated over T.

    The rule is `numeric.lif_integer`. int32 where the largest membrane fits, else int64.
    """
    bound = int(current.abs().max()) << steps
    dtype = torch.int32 if bound <= _INT32_MAX else torch.int64
    threshold = torch.from_numpy(layer.threshold)
    if dtype == torch.int32:
        threshold = threshold.clamp(max=_INT32_MAX)
    threshold = threshold.to(dtype)[:, None, None]
    current = current.to(dtype)
    potential = torch.zeros_like(current[:, 0])
    spikes = torch.empty((len(current), steps, *current.shape[2:]), dtype=torch.uint8)
    for t in range(steps):
        step = current[:, t if current.shape[1] > 1 else 0]
        potential = potential + (step << t)
        fired = (potential << (steps - 1 - t)) >= threshold
        spikes[:, t] = fired
        potential = potential.masked_fill_(fired, 0)
    return spikes


def pool(spikes: Tensor, size: int) -> Tensor:
    """3x3 max-pool, stride 2, padding 1, of spikes (channels, T, B, size * size): an OR."""
    planes = functional.pad(spikes.unflatten(3, (size, size)), (1, 1, 1, 1))
    after = numeric.pool_size(size)
    pooled = torch.zeros(*planes.shape[:3], after, after, dtype=torch.uint8)
    for dy in range(3):
        for dx in range(3):
            pooled |= planes[..., dy : dy + 2 * after - 1 : 2, dx : dx + 2 * after - 1 : 2]
    return pooled.flatten(3)


def select(layer: IntegerLayer, x: Tensor) -> tuple[Tensor, Tensor]:
    """Scores int64 (B, N) and the ascending positions kept int64 (B, keep) of counts x."""
    total = x.sum(1, keepdim=True, dtype=torch.int32)
    hidden = linear_current(layer, total)[:, 0].permute(1, 2, 0)  # (B, N, hidden)
    scores = numeric.selector_score(
        hidden.numpy(), layer.multiplier, layer.shift, layer.score_weight
    )
    kept = [torch.from_numpy(numeric.topk_keep(row, layer.keep)) for row in scores]
    return torch.from_numpy(scores), torch.stack(kept)


def take_tokens(x: Tensor, positions: Tensor) -> Tensor:
    """Tokens of x (D, T, B, N) at positions (B, K): (D, T, B, K)."""
    return x.gather(3, positions.expand(*x.shape[:2], *positions.shape))


def head_logits(layer: IntegerLayer, x: Tensor) -> Tensor:
    """Logits int64 (B, classes) from counts x, summed over T and tokens."""
    total = x.sum((1, 3), dtype=torch.int64)  # (D, B)
    weight = torch.from_numpy(layer.weight).to(torch.int64)
    return (weight @ total).T + torch.from_numpy(layer.bias)


def _column(bias: object) -> Tensor:
    return torch.as_tensor(bias)[:, None, None, None].to(torch.int32)


def _check_range(layer: IntegerLayer, input_max: int) -> None:
    low, high = numeric.accumulator_bounds(layer.weight, layer.bias, input_max)
    if max(-low, high) > _INT32_MAX:
        raise OverflowError(
            f"layer {layer.name}: accumulator reaches {max(-low, high)}, more than 32 bits"
        )
