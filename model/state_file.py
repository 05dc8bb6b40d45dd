"""The tensors of a checkpoint file, read without running anything that the file holds."""

import argparse
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sparsespike.contract.errors import ContractError

State = dict[str, Tensor]

_WRAPPERS = ("state_dict", "model")
_ALONE = "give its state_dict() alone: torch.save(network.state_dict(), FILE)"


def read_state(path: Path) -> State:
    """Tensors by name of a .pth, .pth.tar, .pt or .safetensors file, on the CPU.

    Undone are a dict around them (state_dict, model), the prefix that data-parallel training puts
    before every name, and the pairs that torch.nn.utils.prune makes of a pruned tensor.
    ContractError if the file is absent, damaged, needs code to load or holds something else.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such checkpoint"
        raise ContractError(f"{path}: {what}; give a .pth, .pth.tar or .safetensors file")
    content = _load_safetensors(path) if _is_safetensors(path) else _unpickle(path)
    return _merge_masks(_plain_names(_unwrap(content, path), path), path)


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        return path.suffix == ".safetensors" or file.read(9)[8:] == b"{"


def _load_safetensors(path: Path) -> Any:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ContractError(f"{path}: not a whole safetensors file; save it again") from error


def _unpickle(path: Path) -> Any:
    """What torch.load gives when it may build nothing but tensors, containers and options."""
    # Training scripts put their command line's Namespace beside the tensors: a bag of values.
    try:
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can raise anything
        needed = _code_needed(path)
        if needed:
            raise ContractError(
                f"{path}: needs code to load ({needed}), which is never run; {_ALONE}"
            ) from error
        raise ContractError(
            f"{path}: not a whole checkpoint of plain tensors ({type(error).__name__}); "
            f"check that the file is complete, or {_ALONE}"
        ) from error


def _code_needed(path: Path) -> str:
    """The first function or class that the file wants to call, without calling it; or nothing."""
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            names = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # not a file that torch can take apart
        return ""
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "") if names else ""


def _unwrap(content: Any, path: Path) -> State:
    for key in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content:
        raise ContractError(f"{path}: holds no state_dict; {_ALONE}")
    for name, value in content.items():
        if not (isinstance(name, str) and isinstance(value, Tensor)):
            raise ContractError(
                f"{path}: holds no state_dict: {str(name)!r} is {type(value).__name__}, "
                f"not a tensor; {_ALONE}"
            )
    return content


def _plain_names(state: State, path: Path) -> State:
    plain: State = {}
    for name, tensor in state.items():
        short = name.removeprefix("module.").removeprefix("model.")
        if short in plain:
            raise ContractError(
                f"{path}: tensor {short} is there twice, with and without a prefix; remove one"
            )
        plain[short] = tensor
    return plain


def _merge_masks(state: State, path: Path) -> State:
    """A pruned tensor is the product of its stored pair."""
    merged: State = {}
    for name, tensor in state.items():
        base = name.removesuffix("_orig")
        if base != name:
            merged[base] = _masked(tensor, state.get(f"{base}_mask"), base, path)
        elif not (name.endswith("_mask") and f"{name.removesuffix('_mask')}_orig" in state):
            merged[name] = tensor
    return merged


def _masked(tensor: Tensor, mask: Tensor | None, name: str, path: Path) -> Tensor:
    if mask is None:
        raise ContractError(
            f"{path}: tensor {name}_mask is missing beside {name}_orig; add it, or call "
            "torch.nn.utils.prune.remove before saving"
        )
    if mask.shape != tensor.shape:
        raise ContractError(
            f"{path}: tensor {name}_mask has shape {tuple(mask.shape)}, not the "
            f"{tuple(tensor.shape)} of {name}_orig; save the pair again"
        )
    return tensor * mask
