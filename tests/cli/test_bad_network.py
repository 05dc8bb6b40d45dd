"""Damaged networks and checkpoints are refused like any bad input."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from model import zoo
from model.checkpoint import Checkpoint, save_checkpoint
from model.network import Spikformer
from model.pixels import PixelScale
from sparsespike.contract.network import NetworkConfig

CONFIG = NetworkConfig(
    time_steps=4, image_size=8, dim=16, depth=1, heads=2, stem_pools=(False, False, False, True)
)


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(zoo.integer_path("tiny").read_bytes())
    return path


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    scale = PixelScale(mean=(125, 123, 114), std=(63.0, 62.1, 66.7))
    path = tmp_path / "net.safetensors"
    save_checkpoint(Checkpoint(Spikformer(CONFIG).eval(), scale), path)
    return path


def _rewrite(checkpoint, edit):
    from safetensors import safe_open

    with safe_open(checkpoint, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(checkpoint)
    edit(tensors, metadata)
    save_file(tensors, checkpoint, metadata)


def test_a_truncated_network(network, refused):
    network.write_bytes(network.read_bytes()[:1000])
    refused(["evaluate", "--network", network], ["{}/net.npz"])


def test_an_edited_network(network, refused):
    with np.load(network) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["head/weight"][0, 0] += 1
    np.savez(network, **arrays)
    refused(["evaluate", "--network", network], ["{}/net.npz", "hash"])


def test_a_network_that_is_something_else(network, refused):
    np.savez(network, a=np.zeros(3))
    refused(["evaluate", "--network", network], ["{}/net.npz"])


def test_a_text_file_as_network(network, refused):
    network.write_text("hello")
    refused(["evaluate", "--network", network], ["{}/net.npz"])


def test_a_checkpoint_with_a_missing_tensor(checkpoint, refused):
    _rewrite(checkpoint, lambda tensors, _: tensors.pop("head.weight"))
    refused(["quantize", checkpoint, "-o", "{}/out.npz"], ["{}/net.safetensors", "head.weight"])


def test_a_checkpoint_with_an_unknown_tensor(checkpoint, refused):
    _rewrite(checkpoint, lambda tensors, _: tensors.update(extra=torch.zeros(1)))
    refused(["quantize", checkpoint, "-o", "{}/out.npz"], ["{}/net.safetensors", "extra"])


def test_a_checkpoint_with_a_misshapen_tensor(checkpoint, refused):
    _rewrite(checkpoint, lambda tensors, _: tensors.update({"head.bias": torch.zeros(3)}))
    refused(["quantize", checkpoint, "-o", "{}/out.npz"], ["head.bias", "(3,)", "(10,)"])


def test_a_checkpoint_with_infinity(checkpoint, refused):
    _rewrite(checkpoint, lambda tensors, _: tensors["head.bias"].fill_(float("inf")))
    refused(["quantize", checkpoint, "-o", "{}/out.npz"], ["head.bias", "infinity"])


def test_a_checkpoint_without_config(checkpoint, refused):
    _rewrite(checkpoint, lambda _, metadata: metadata.clear())
    refused(["quantize", checkpoint, "-o", "{}/out.npz"], ["{}/net.safetensors", "config"])


def test_a_checkpoint_whose_config_has_an_unknown_field(checkpoint, refused):
    def edit(_, metadata):
        metadata["config"] = metadata["config"].replace('"depth"', '"deep"')

    _rewrite(checkpoint, edit)
    refused(["quantize", checkpoint, "-o", "{}/out.npz"], ["deep"])


def test_a_truncated_checkpoint(checkpoint, refused):
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    refused(["quantize", checkpoint, "-o", "{}/out.npz"], ["{}/net.safetensors"])


def test_a_folder_as_output(checkpoint, refused):
    refused(["quantize", checkpoint, "-o", "{}"], ["--output", "folder"])


def test_a_good_checkpoint_becomes_a_network(checkpoint, run, tmp_path):
    from sparsespike.contract.network import IntegerNetwork

    for bits in (4, 6, 8):
        path = tmp_path / f"w{bits}.npz"
        outcome = run("quantize", checkpoint, "--weight-bits", bits, "-o", path)
        assert outcome.code == 0, outcome
        network = IntegerNetwork.load(path)
        assert network.config.weight_bits == bits
        assert np.abs(network.layer("conv1").weight).max() == 2 ** (bits - 1) - 1
