"""The official forward pass a second time, over a file's own tensors, in the authors' layouts.

Nothing here comes from `model`. CIFAR nets keep tokens before channels, the others after them;
their layers are the convolutions that the file stores.
"""

from torch import Tensor, stack
from torch.nn import functional

State = dict[str, Tensor]


def run(
    state: State, frames: Tensor, *, heads: int, pools: int, scale: float, keep: tuple[int, ...]
) -> Tensor:
    """Logits (B, classes) of frames (T, B, C, H, W).

    pools: how many convolutions, from the last on, have one. keep: tokens that block 1, 2, ..
    keeps; empty without selectors.
    """
    x = _stem(state, frames, pools)
    block = 0
    while f"block.{block}.attn.q_bn.weight" in state:
        if 1 <= block <= len(keep):
            x = _select(state, block - 1, x, keep[block - 1])
        x = x + _attention(state, f"block.{block}.attn", x, heads, scale)
        hidden = _layer(state, f"block.{block}.mlp.fc1", x)
        x = x + _layer(state, f"block.{block}.mlp.fc2", hidden)
        block += 1
    return functional.linear(x.mean(3).mean(0), state["head.weight"], state["head.bias"])


def _lif(currents: Tensor, threshold: float = 1.0) -> Tensor:
    membrane, spikes = currents[0] * 0, []
    for current in currents:
        membrane = membrane + (current - membrane) / 2
        fired = (membrane >= threshold).to(current.dtype)
        membrane = membrane.where(fired == 0, membrane * 0)
        spikes.append(fired)
    return stack(spikes)


def _norm(state: State, name: str, x: Tensor) -> Tensor:
    """Batch norm of x (B, C, ...)."""
    parts = ("running_mean", "running_var", "weight", "bias")
    return functional.batch_norm(x, *(state[f"{name}.{part}"] for part in parts))


def _stem(state: State, frames: Tensor, pools: int) -> Tensor:
    """Counts (T, B, C, N)."""
    steps, x = frames.shape[:2], frames.flatten(0, 1)
    for index, suffix in enumerate(("", "1", "2", "3")):
        weight = state[f"patch_embed.proj_conv{suffix}.weight"]
        current = _norm(
            state, f"patch_embed.proj_bn{suffix}", functional.conv2d(x, weight, padding=1)
        )
        x = _lif(current.unflatten(0, steps)).flatten(0, 1)
        if index >= 4 - pools:
            x = functional.max_pool2d(x, 3, 2, 1)
    current = functional.conv2d(x, state["patch_embed.rpe_conv.weight"], padding=1)
    current = _norm(state, "patch_embed.rpe_bn", current)
    return (_lif(current.unflatten(0, steps)) + x.unflatten(0, steps)).flatten(3)


def _layer(state: State, name: str, x: Tensor) -> Tensor:
    """Spikes (T, B, C, N) of a linear layer, as its file stores it, over x (T, B, C, N)."""
    flat = x.flatten(0, 1)
    if f"{name}_linear.weight" in state:
        weight, bias = (state[f"{name}_linear.{part}"] for part in ("weight", "bias"))
        current = functional.linear(flat.transpose(1, 2), weight, bias).transpose(1, 2)
    else:
        weight, bias = state[f"{name}_conv.weight"], state.get(f"{name}_conv.bias")
        if weight.ndim == 4:
            current = functional.conv2d(flat.unsqueeze(3), weight, bias).squeeze(3)
        else:
            current = functional.conv1d(flat, weight, bias)
    return _lif(_norm(state, f"{name}_bn", current).unflatten(0, x.shape[:2]))


def _attention(state: State, name: str, x: Tensor, heads: int, scale: float) -> Tensor:
    q, k, v = (
        _layer(state, f"{name}.{part}", x).unflatten(2, (heads, -1)).transpose(3, 4)
        for part in "qkv"
    )
    attended = ((q @ k.transpose(3, 4)) * scale) @ v  # (T, B, heads, N, d)
    return _layer(state, f"{name}.proj", _lif(attended.transpose(3, 4).flatten(2, 3), 0.5))


def _select(state: State, index: int, x: Tensor, keep: int) -> Tensor:
    """The `keep` tokens with the largest keep probability; the same for all steps."""
    first, second = (f"predictor.{index}.linear.{layer}" for layer in (0, 2))
    mean = x.mean(0).transpose(1, 2)
    hidden = functional.linear(mean, state[f"{first}.weight"], state[f"{first}.bias"])
    outputs = functional.linear(
        functional.gelu(hidden), state[f"{second}.weight"], state[f"{second}.bias"]
    )
    order = outputs.log_softmax(-1)[..., 0].argsort(1, descending=True)[:, :keep]
    return stack([x[:, image][..., order[image]] for image in range(x.shape[1])], 1)
