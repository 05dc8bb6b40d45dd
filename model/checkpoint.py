"""Float checkpoints: safetensors with the config inside; every tensor accounted for by name."""

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from model.network import Spikformer
from model.pixels import PixelScale
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network in evaluation mode and the pixel scale that its images need."""

    network: Spikformer
    pixels: PixelScale


def save_checkpoint(checkpoint: Checkpoint, path: Path | str) -> None:
    """Write tensors by their official names; config and pixel scale go into the metadata."""
    state = {
        name: tensor.contiguous()
        for name, tensor in checkpoint.network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    pixels = checkpoint.pixels
    metadata = {
        "config": checkpoint.network.config.model_dump_json(),
        "mean": json.dumps(pixels.mean),
        "std": json.dumps(pixels.std),
    }
    save_file(state, path, metadata)


def holds_config(path: Path | str) -> bool:
    """Whether the file is a safetensors file with a config of ours inside."""
    try:
        with safe_open(path, framework="pt") as file:
            return "config" in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Read a file written by `save_checkpoint`; ContractError if it is anything else."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ContractError(f"{path}: no such checkpoint; name a .safetensors file") from None
    except (OSError, SafetensorError) as error:
        raise ContractError(f"{path}: not a readable safetensors file; save it again") from error
    if not {"config", "mean", "std"} <= metadata.keys():
        raise ContractError(
            f"{path}: holds no sparsespike config; "
            "convert an official checkpoint with 'sparsespike import'"
        )
    network = Spikformer(NetworkConfig.from_json(metadata["config"]))
    fill(network, state, str(path))
    return Checkpoint(network.eval(), _pixel_scale(metadata, str(path)))


def _pixel_scale(metadata: dict[str, str], where: str) -> PixelScale:
    try:
        return PixelScale(tuple(json.loads(metadata["mean"])), tuple(json.loads(metadata["std"])))
    except (TypeError, ValueError) as error:
        raise ContractError(
            f"{where}: mean or std of its pixels is damaged ({error}); save it again"
        ) from error


def fill(
    network: Spikformer,
    state: dict[str, Tensor],
    where: str,
    *,
    spell: Callable[[str], str] = str,
) -> None:
    """Load `state` into `network`; ContractError for a missing, unknown or misshapen tensor.

    spell: our name of a tensor to the one that the user knows it by.
    """
    wanted = {
        name: tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    state = {n: t for n, t in state.items() if not n.endswith("num_batches_tracked")}
    strangers = [spell(name) for name in state if name not in wanted]
    for name in wanted:
        if name not in state:
            match = nearest(spell(name), strangers) or nearest(spell(name), [*map(spell, state)])
            raise ContractError(
                f"{where}: tensor {spell(name)} is missing{match}; "
                "check depth, selectors and tensor names"
            )
    for name, tensor in state.items():
        if name not in wanted:
            raise ContractError(
                f"{where}: tensor {spell(name)} is unknown"
                f"{nearest(spell(name), [*map(spell, wanted)])}; remove or rename it"
            )
        if tensor.shape != wanted[name].shape:
            raise ContractError(
                f"{where}: tensor {spell(name)} has shape {tuple(tensor.shape)}, the "
                f"config needs {tuple(wanted[name].shape)}; correct the config"
            )
    network.load_state_dict(state, strict=False)


def nearest(name: str, names: list[str]) -> str:
    """Says which of `names` is most like `name`; nothing if none is."""
    match = difflib.get_close_matches(name, names, n=1)
    return f" (nearest: {match[0]})" if match else ""
