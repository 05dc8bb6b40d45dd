"""Checkpoint files: what is undone around the tensors, and what is refused without being run."""

import argparse
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.utils import prune

from model.state_file import read_state
from sparsespike.contract.errors import ContractError
from tests.model.official_files import official_state


def _assert_equal(found, expected):
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor)


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model."])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_wrappers_and_prefixes_are_undone(tmp_path, prefix, wrapper):
    state = official_state("CIFAR", depth=1)
    saved = {f"{prefix}{name}": tensor for name, tensor in state.items()}
    if wrapper:
        # What timm and the authors' DVS script put beside the tensors.
        options = argparse.Namespace(lr=5e-4, opt="adamw", betas=None)
        saved = {"epoch": 3, "arch": "spikformer", wrapper: saved, "args": options}
    torch.save(saved, tmp_path / "best.pth.tar")
    _assert_equal(read_state(tmp_path / "best.pth.tar"), state)


@pytest.mark.parametrize("name", ["n.safetensors", "n.bin"])
def test_safetensors_are_known_by_their_content(tmp_path, name):
    state = official_state("DVS")
    save_file(state, tmp_path / name)
    _assert_equal(read_state(tmp_path / name), state)


def test_old_pickles_are_read(tmp_path):
    state = official_state("CIFAR")
    torch.save(state, tmp_path / "n.pth", _use_new_zipfile_serialization=False)
    _assert_equal(read_state(tmp_path / "n.pth"), state)


def test_pruned_pairs_become_their_product(tmp_path):
    layer = torch.nn.Linear(8, 4)
    prune.l1_unstructured(layer, "weight", amount=0.5)
    torch.save(layer.state_dict(), tmp_path / "n.pth")
    assert {"weight_orig", "weight_mask"} < set(layer.state_dict())
    state = read_state(tmp_path / "n.pth")
    assert set(state) == {"weight", "bias"}
    assert torch.equal(state["weight"], layer.weight)
    assert int((state["weight"] == 0).sum()) == 16


class _Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_refused_and_not_run(tmp_path, zipped):
    trace, path = tmp_path / "trace", tmp_path / "n.pth"
    saved = {"state_dict": official_state("CIFAR"), "x": _Harmful(str(trace))}
    torch.save(saved, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ContractError, match=r"needs code to load|plain tensors") as caught:
        read_state(path)
    assert "\n" not in str(caught.value)
    assert not trace.exists()
    path.write_bytes(pickle.dumps(_Harmful(str(trace))))  # no file of torch's at all
    with pytest.raises(ContractError):
        read_state(path)
    assert not trace.exists()


def test_a_whole_pickled_network_is_refused_by_the_code_it_needs(tmp_path):
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), tmp_path / "n.pth")
    with pytest.raises(ContractError, match=r"needs code to load \(.* and \d+ more\)"):
        read_state(tmp_path / "n.pth")


@pytest.mark.parametrize("kind", ["zip", "old", "safetensors"])
def test_truncated_files_are_refused(tmp_path, kind):
    path = tmp_path / ("n.safetensors" if kind == "safetensors" else "n.pth")
    state = official_state("CIFAR", depth=1)
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")
    whole = path.read_bytes()
    for length in {0, 1, 8, 9, 100, *range(0, len(whole), len(whole) // 60)}:
        path.write_bytes(whole[:length])
        with pytest.raises(ContractError) as caught:
            read_state(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.pth").write_text("no tensors")
    (tmp_path / "folder.pth").mkdir()
    torch.save({"epoch": 3}, tmp_path / "number.pth")
    torch.save({"state_dict": {}}, tmp_path / "empty.pth")
    torch.save([torch.ones(1)], tmp_path / "list.pth")
    torch.save({3: torch.ones(1)}, tmp_path / "names.pth")
    for name, message in (
        ("text.pth", "not a whole checkpoint"),
        ("folder.pth", "is a folder"),
        ("number.pth", "holds no state_dict: 'epoch' is int"),
        ("empty.pth", "holds no state_dict"),
        ("list.pth", "holds no state_dict"),
        ("names.pth", "holds no state_dict: '3'"),
        ("absent.pth", "no such checkpoint"),
    ):
        with pytest.raises(ContractError, match=message):
            read_state(tmp_path / name)
