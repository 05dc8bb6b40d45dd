"""Network config and the integer network's file."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerLayer, IntegerNetwork, NetworkConfig

CONFIG = NetworkConfig(
    time_steps=2,
    image_size=7,
    dim=8,
    depth=2,
    heads=2,
    selector_blocks=(1,),
    keep_ratio=0.7,
    stem_pools=(False, False, False, True),
)


def make(config: NetworkConfig = CONFIG) -> IntegerNetwork:
    rng = np.random.default_rng(0)
    layers = []
    for name in config.layer_names():
        shape, kind = config.weight_shape(name), config.layer_kind(name)
        out = shape[0]
        selector = kind == "selector"
        size = {"attention": 1, "selector": 0, "head": 0}.get(kind, out)
        layers.append(
            IntegerLayer(
                name,
                kind,
                rng.integers(-127, 128, shape).astype(np.int8),
                rng.integers(-9, 9, out),
                rng.integers(1, 99, size),
                np.ones(out),
                multiplier=rng.integers(0, 32768, out if selector else 0),
                shift=9 * selector,
                score_weight=rng.integers(-9, 9, out if selector else 0).astype(np.int8),
                keep=config.selector_keep(0) if selector else 0,
            )
        )
    return IntegerNetwork(config, np.array([125, 123, 114], np.uint8), tuple(layers))


def test_sizes_of_the_cifar_preset():
    config = NetworkConfig(
        time_steps=4,
        image_size=32,
        dim=384,
        depth=4,
        heads=12,
        selector_blocks=(1, 2, 3),
        keep_ratio=0.9,
    )
    assert config.stem_channels == (48, 96, 192, 384)
    assert config.feature_sizes() == ((32, 32), (32, 32), (32, 16), (16, 8))
    assert config.tokens() == 64
    assert config.kept_tokens() == (64, 57, 51, 46)
    assert config.layer_names()[:6] == ("conv0", "conv1", "conv2", "conv3", "rpe", "block.0.qkv")
    assert config.layer_names()[9:12] == ("block.0.fc2", "selector.0", "block.1.qkv")
    assert config.layer_names()[-1] == "head"
    assert len(config.layer_names()) == 5 + 4 * 5 + 3 + 1


def test_odd_sizes():
    assert CONFIG.stem_channels == (1, 2, 4, 8)
    assert CONFIG.feature_sizes() == ((7, 7), (7, 7), (7, 7), (7, 4))
    assert CONFIG.kept_tokens() == (16, 11)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"heads": 3}, "heads must divide dim"),
        ({"selector_blocks": (2,)}, "selector_blocks must ascend within"),
        ({"selector_blocks": (1, 0)}, "selector_blocks must ascend within"),
        ({"stem_channels": (1, 2, 4, 9)}, "must be positive and end with dim=8"),
        ({"keep_ratio": 0.0}, "greater than 0"),
        ({"weight_bits": 5}, "4, 6 or 8"),
        ({"time_steps": "4"}, "valid integer"),
        ({"timesteps": 4}, "not permitted"),
    ],
)
def test_bad_configs_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        NetworkConfig(**{**CONFIG.model_dump(), **change})


def test_config_survives_json_and_names_a_bad_field():
    assert NetworkConfig.from_json(CONFIG.model_dump_json()) == CONFIG
    text = json.dumps({**json.loads(CONFIG.model_dump_json()), "depth": 0})
    with pytest.raises(
        ContractError, match=r"network depth: .* greater than or equal to 1, not 0; correct"
    ):
        NetworkConfig.from_json(text)


def test_network_survives_its_file(tmp_path):
    network = make()
    network.save(tmp_path / "n.npz")
    again = IntegerNetwork.load(tmp_path / "n.npz")
    assert again.config == network.config
    assert again.content_hash() == network.content_hash()
    for a, b in zip(network.layers, again.layers, strict=True):
        assert (a.name, a.kind, a.shift, a.keep) == (b.name, b.kind, b.shift, b.keep)
        for key in ("weight", "bias", "threshold", "scale", "multiplier", "score_weight"):
            np.testing.assert_array_equal(getattr(a, key), getattr(b, key))
            assert getattr(a, key).dtype == getattr(b, key).dtype


def test_saving_twice_gives_the_same_bytes(tmp_path):
    make().save(tmp_path / "a.npz")
    make().save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    "key",
    ["conv1/weight", "block.0.qkv/bias", "rpe/threshold", "selector.0/multiplier", "pixel_pad"],
)
def test_a_changed_array_is_refused(tmp_path, key):
    make().save(tmp_path / "n.npz")
    with np.load(tmp_path / "n.npz") as file:
        arrays = {name: file[name].copy() for name in file.files}
    arrays[key].flat[0] ^= 1
    np.savez(tmp_path / "n.npz", **arrays)
    with pytest.raises(ContractError, match="content hash differs"):
        IntegerNetwork.load(tmp_path / "n.npz")


def test_a_changed_header_is_refused(tmp_path):
    make().save(tmp_path / "n.npz")
    with np.load(tmp_path / "n.npz") as file:
        arrays = {name: file[name] for name in file.files}
    header = json.loads(arrays["header"].tobytes())
    header["config"]["attention_scale"] = 0.25
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(tmp_path / "n.npz", **arrays)
    with pytest.raises(ContractError, match="content hash differs"):
        IntegerNetwork.load(tmp_path / "n.npz")


def test_other_files_are_refused_in_one_line(tmp_path):
    (tmp_path / "text.npz").write_text("not a network")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name, message in (
        ("text.npz", "not a readable"),
        ("other.npz", "not a readable"),
        ("absent.npz", "no such network"),
    ):
        with pytest.raises(ContractError, match=message) as caught:
            IntegerNetwork.load(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_hash_sees_every_weight():
    network = make()
    before = network.content_hash()
    network.layers[3].weight[0, 0, 0, 0] ^= 1
    assert network.content_hash() != before


def test_sparsity_counts_tensors_of_two_or_more_dimensions():
    network = make()
    total = sum(x.weight.size for x in network.layers)
    for layer in network.layers:
        layer.weight[...] = 0
    network.layer("head").weight[:, 0] = 1
    assert network.weight_sparsity() == pytest.approx(1 - 10 / total)


def test_wrong_layers_are_refused():
    layers = make().layers
    with pytest.raises(ContractError, match="does not fit the config"):
        IntegerNetwork(CONFIG, np.zeros(3, np.uint8), layers[:-1])
    with pytest.raises(ContractError, match="exceeds"):
        IntegerNetwork(CONFIG.model_copy(update={"weight_bits": 4}), np.zeros(3, np.uint8), layers)
    with pytest.raises(ContractError, match="no layer 'conv9'"):
        make().layer("conv9")
