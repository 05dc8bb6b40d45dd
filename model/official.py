"""The authors' checkpoints, read as they are: Spikformer and SparseSpikformer, CIFAR and ImageNet.

Source: the published code of both papers; ImageNet files store linear layers as 1x1 convolutions
and have no bias in Q, K and V.
"""

import json
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from model.checkpoint import Checkpoint, fill
from model.network import Spikformer
from model.pixels import PixelScale
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

_UNUSED = re.compile(r"(block\.\d+\.norm[12]\.|norm\.|pos_embed$)|num_batches_tracked$")
"""Tensors that the official forward pass never uses."""

_CIFAR = ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Means and deviations that the authors' loaders normalise with, in units of full scale."""

State = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class OfficialImport:
    """checkpoint: the network in our format; skipped: names of tensors without a use."""

    checkpoint: Checkpoint
    skipped: tuple[str, ...]


def import_official(
    path: Path | str,
    *,
    heads: int,
    keep_ratio: float = 1.0,
    time_steps: int = 4,
    image_size: int | None = None,
    selector_blocks: tuple[int, ...] | None = None,
    weight_bits: int = 8,
) -> OfficialImport:
    """Read an official .pth, .pth.tar or .safetensors; the shapes give the rest of the config.

    heads, keep_ratio and time_steps stand in no tensor. image_size: 32, or 224 for ImageNet files.
    selector_blocks: 1, 2, .. as many as the file has predictors.
    """
    raw = {_plain(name): tensor for name, tensor in _read(Path(path)).items()}
    skipped = tuple(sorted(name for name in raw if _UNUSED.search(name)))
    state = _merge_masks({n: t for n, t in raw.items() if n not in skipped})
    convolutions = any(".q_conv." in name for name in state)
    state = {_linear_name(name): _squeeze(name, tensor) for name, tensor in state.items()}
    config = _infer(
        state,
        convolutions,
        str(path),
        {
            "heads": heads,
            "keep_ratio": keep_ratio,
            "time_steps": time_steps,
            "image_size": image_size or (224 if convolutions else 32),
            "weight_bits": weight_bits,
            **({} if selector_blocks is None else {"selector_blocks": selector_blocks}),
        },
    )
    _add_biases(state, config)
    network = Spikformer(config)
    fill(network, state, str(path))
    means, deviations = _IMAGENET if convolutions else _CIFAR
    pixels = _round_mean(network, means, deviations)
    return OfficialImport(Checkpoint(network.eval(), pixels), skipped)


def _read(path: Path) -> State:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ContractError(f"{path}: no such checkpoint; name a .pth or .safetensors") from None
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, OSError, EOFError) as error:
        raise ContractError(
            f"{path}: not a checkpoint of plain tensors "
            f"({type(error).__name__}); save its state_dict alone"
        ) from error
    for key in ("state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(t, Tensor) for t in content.values()):
        raise ContractError(f"{path}: holds no state_dict; save the network's state_dict()")
    return content


def _plain(name: str) -> str:
    return name.removeprefix("module.").removeprefix("model.")


def _merge_masks(state: State) -> State:
    """torch.nn.utils.prune keeps weight_orig and weight_mask: their product is the weight."""
    merged = {}
    for name, tensor in state.items():
        if name.endswith("_orig"):
            plain = name.removesuffix("_orig")
            merged[plain] = tensor * state.get(f"{plain}_mask", torch.ones(1))
        elif not (name.endswith("_mask") and f"{name.removesuffix('_mask')}_orig" in state):
            merged[name] = tensor
    return merged


def _linear_name(name: str) -> str:
    return name.replace("_conv.", "_linear.") if name.startswith("block.") else name


def _squeeze(name: str, tensor: Tensor) -> Tensor:
    """1x1 convolutions of the blocks as matrices."""
    return tensor.flatten(1) if name.startswith("block.") and tensor.ndim > 2 else tensor


def _infer(state: State, convolutions: bool, where: str, given: dict[str, Any]) -> NetworkConfig:
    needed = (
        "patch_embed.proj_conv.weight",
        "patch_embed.rpe_conv.weight",
        "head.weight",
        "block.0.mlp.fc1_linear.weight",
    )
    for name in needed:
        if name not in state:
            raise ContractError(
                f"{where}: tensor {name} is missing; "
                "this is no Spikformer or SparseSpikformer checkpoint"
            )
    stem = [
        state[f"patch_embed.proj_conv{i}.weight"]
        for i in ("", 1, 2, 3)
        if f"patch_embed.proj_conv{i}.weight" in state
    ]
    if stem[0].shape[1] != 3 or len(stem) != 4:
        raise ContractError(
            f"{where}: patch_embed has {len(stem)} convolutions on "
            f"{stem[0].shape[1]} channels; only RGB images (3 channels, the same "
            "at every step) and 4 convolutions are supported, not DVS frames"
        )
    dim = int(state["patch_embed.rpe_conv.weight"].shape[0])
    selectors = {name.split(".")[1] for name in state if name.startswith("predictor.")}
    values = {
        "dim": dim,
        "in_channels": 3,
        "stem_channels": tuple(int(w.shape[0]) for w in stem),
        "depth": 1 + max(int(n.split(".")[1]) for n in state if n.startswith("block.")),
        "mlp_ratio": int(state["block.0.mlp.fc1_linear.weight"].shape[0]) // dim,
        "classes": int(state["head.weight"].shape[0]),
        "stem_pools": (True,) * 4 if convolutions else (False, False, True, True),
        "selector_blocks": tuple(range(1, 1 + len(selectors))),
        **given,
    }
    return NetworkConfig.from_json(json.dumps(values))


def _add_biases(state: State, config: NetworkConfig) -> None:
    """Q, K and V without a bias have one of zero."""
    for block in range(config.depth):
        for part in ("q", "k", "v"):
            name = f"block.{block}.attn.{part}_linear"
            if f"{name}.weight" in state:
                state.setdefault(f"{name}.bias", torch.zeros(config.dim))


def _round_mean(
    network: Spikformer, means: tuple[float, ...], deviations: tuple[float, ...]
) -> PixelScale:
    """Round the channel means to pixels; the first batch norm's mean takes up the difference.

    Exact but for the border, which is padded by the rounded mean: less than half a grey level.
    """
    pixels = PixelScale(tuple(round(255 * m) for m in means), tuple(255 * d for d in deviations))
    shift = torch.tensor(
        [
            (whole - 255 * mean) / deviation
            for whole, mean, deviation in zip(pixels.mean, means, pixels.std, strict=True)
        ]
    )
    stem = network.patch_embed
    moved = (stem.conv(0).weight.detach().sum((2, 3)) * shift).sum(1)
    running = stem.norm(0).running_mean
    if running is not None:
        running.sub_(moved)
    return pixels
