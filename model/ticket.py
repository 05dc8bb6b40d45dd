"""A lottery ticket on disk: early weights and the masks that pruning found for them."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from model.train import Masks
from sparsespike.contract.errors import ContractError
from sparsespike.contract.files import write_atomically

_MASK = "mask."


@dataclass(frozen=True, eq=False)
class Ticket:
    """early: state dict that training rewinds to. masks: per weight name, True where it stays."""

    early: dict[str, Tensor]
    masks: Masks


def save_ticket(ticket: Ticket, path: Path) -> None:
    """Write both into one safetensors file; masks are named `mask.` and the weight's name."""
    tensors = {name: tensor.contiguous() for name, tensor in ticket.early.items()}
    tensors |= {f"{_MASK}{name}": mask.to(torch.uint8) for name, mask in ticket.masks.items()}
    write_atomically(path, save(tensors))


def load_ticket(path: Path) -> Ticket:
    """The ticket at `path`; ContractError if there is none."""
    try:
        tensors = load(path.read_bytes())
    except (FileNotFoundError, SafetensorError) as error:
        raise ContractError(
            f"{path}: no readable ticket; run `sparsespike prune` into this folder first"
        ) from error
    masks = {n.removeprefix(_MASK): t.bool() for n, t in tensors.items() if n.startswith(_MASK)}
    return Ticket({n: t for n, t in tensors.items() if not n.startswith(_MASK)}, masks)
