"""Checkpoints: round trip, and every tensor accounted for by name."""

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from model.checkpoint import Checkpoint, fill, holds_config, load_checkpoint, save_checkpoint
from model.network import Spikformer
from model.official import ImportOptions, import_official
from model.pixels import CIFAR_PIXELS
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

CONFIG = NetworkConfig(time_steps=2, image_size=8, dim=8, depth=1, heads=2, selector_blocks=(0,))


def make() -> Spikformer:
    torch.manual_seed(1)
    return Spikformer(CONFIG)


def test_round_trip(tmp_path):
    network = make()
    save_checkpoint(Checkpoint(network, CIFAR_PIXELS), tmp_path / "n.safetensors")
    again = load_checkpoint(tmp_path / "n.safetensors")
    assert again.network.config == CONFIG
    assert again.pixels == CIFAR_PIXELS
    assert not again.network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, again.network.state_dict()[name])


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda s: s.pop("block.0.mlp.fc2_bn.running_var"),
            r"tensor block\.0\.mlp\.fc2_bn\.running_var is missing",
        ),
        (
            lambda s: s.update(
                {"block.0.attn.q_lineer.weight": s.pop("block.0.attn.q_linear.weight")}
            ),
            r"q_linear\.weight is missing \(nearest: block\.0\.attn\.q_lineer\.weight\)",
        ),
        (
            lambda s: s.update({"head.weigth": torch.zeros(1)}),
            r"tensor head\.weigth is unknown \(nearest: head\.weight\)",
        ),
        (
            lambda s: s.update({"head.bias": torch.zeros(11)}),
            r"head\.bias has shape \(11,\), the config needs \(10,\)",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_refused_by_name(change, message):
    state = make().state_dict()
    change(state)
    with pytest.raises(ContractError, match=message) as caught:
        fill(make(), state, "file")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_checkpoint_are_refused(tmp_path):
    (tmp_path / "text").write_text("no tensors here")
    save_file({"a": torch.zeros(1)}, tmp_path / "bare")
    for name, message in (
        ("text", "not a readable"),
        ("absent", "no such checkpoint"),
        ("bare", "holds no sparsespike config"),
    ):
        with pytest.raises(ContractError, match=message):
            load_checkpoint(tmp_path / name)


def test_a_missing_tensor_in_a_file_is_refused(tmp_path):
    path = tmp_path / "n.safetensors"
    save_checkpoint(Checkpoint(make(), CIFAR_PIXELS), path)
    state = load_file(path)
    del state["predictor.0.linear.2.bias"]
    metadata = {"config": CONFIG.model_dump_json(), "mean": "[1,2,3]", "std": "[1.0,1.0,1.0]"}
    save_file(state, path, metadata)
    with pytest.raises(ContractError, match=r"predictor\.0\.linear\.2\.bias is missing"):
        load_checkpoint(path)


@pytest.mark.parametrize("mean", ["[1, 2", "3", "[300, 1, 1]", "[1.5, 1, 1]", "[1, 2]"])
def test_a_damaged_pixel_scale_is_refused(tmp_path, mean):
    path = tmp_path / "n.safetensors"
    metadata = {"config": CONFIG.model_dump_json(), "mean": mean, "std": "[1.0,1.0,1.0]"}
    save_file(make().state_dict(), path, metadata)
    with pytest.raises(ContractError, match="mean or std of its pixels is damaged"):
        load_checkpoint(path)


def test_the_field_for_event_frames_stands_only_where_it_is_true(tmp_path):
    """Networks, programs and checkpoints of still images keep their text and their hashes."""
    assert "varying_input" not in CONFIG.model_dump()
    assert "varying_input" not in CONFIG.model_dump_json()
    path = tmp_path / "n.safetensors"
    save_checkpoint(Checkpoint(make(), CIFAR_PIXELS), path)
    with safe_open(path, framework="pt") as file:
        assert "varying_input" not in file.metadata()["config"]
    events = CONFIG.model_copy(update={"varying_input": True})
    assert events.model_dump()["varying_input"] is True
    assert NetworkConfig.from_json(events.model_dump_json()) == events


def test_a_file_of_ours_needs_no_import(tmp_path):
    path = tmp_path / "n.safetensors"
    save_checkpoint(Checkpoint(make(), CIFAR_PIXELS), path)
    assert holds_config(path)
    assert not holds_config(tmp_path / "absent")
    with pytest.raises(ContractError, match="is a sparsespike checkpoint already"):
        import_official(path, ImportOptions(heads=2))
