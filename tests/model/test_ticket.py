"""Tickets come back from their file as they were."""

import pytest
import torch

from model.network import Spikformer
from model.prune import magnitude_masks
from model.ticket import Ticket, load_ticket, save_ticket
from sparsespike.contract.errors import ContractError
from tests.model.tiny_training import make_recipe


def test_round_trip(tmp_path):
    network = Spikformer(make_recipe(tmp_path).network)
    network.patch_embed.to_channels_last()
    ticket = Ticket(network.state_dict(), magnitude_masks(network, 0.8))
    save_ticket(ticket, tmp_path / "t.safetensors")
    again = load_ticket(tmp_path / "t.safetensors")
    for one, other in ((ticket.early, again.early), (ticket.masks, again.masks)):
        assert one.keys() == other.keys()
        for name, tensor in one.items():
            assert torch.equal(tensor, other[name])
            assert tensor.dtype == other[name].dtype
    network.load_state_dict(again.early)


@pytest.mark.parametrize("content", [None, b"", b"not a ticket"])
def test_anything_else_is_refused(tmp_path, content):
    path = tmp_path / "t.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ContractError, match="no readable ticket; run `sparsespike prune`"):
        load_ticket(path)
