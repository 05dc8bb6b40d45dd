"""What does not fit is refused in one line: layer, buffer, need, stock, remedy."""

from dataclasses import replace

import numpy as np
import pytest

from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import IntegerNetwork

# Engine fields, network fields, and the beginning and the remedy of the message.
TOO_SMALL = {
    "mask memory": ({"mask_depth": 8}, {}, "layer conv0: mask memory (mask_depth, words) needs 9, "
                    "the engine has 8; raise mask_depth to 9"),
    "weight memory": ({"weight_depth": 32}, {"density": 1.0},
                      "layer conv2: weight memory (weight_depth) needs 40, the engine has 32; "
                      "raise weight_depth to 40"),
    "spike memory": ({"spike_depth": 100}, {}, "layer conv0: spike memory (spike_depth, words) "
                     "needs 192, the engine has 100; raise spike_depth to 192"),
    "count memory": ({"count_depth": 31}, {}, "layer rpe: count memory (count_depth, words) "
                     "needs 32, the engine has 31; raise count_depth to 32"),
    "count bits": ({"count_bits": 2}, {}, "layer block.1.fc2: count bits (count_bits) needs 3, "
                   "the engine has 2; raise count_bits to 3"),
    "tokens": ({"max_tokens": 15}, {}, "layer rpe: token list (max_tokens) needs 16, the engine "
               "has 15; raise max_tokens to 16"),
    "layers": ({"max_layers": 17}, {}, "network: descriptor memory (max_layers) needs 18, "
               "the engine has 17; raise max_layers to 18"),
    "classes": ({"max_classes": 9}, {}, "layer head: logit memory (max_classes) needs 10, "
                "the engine has 9; raise max_classes to 10"),
    "head slots": ({"head_slots": 15}, {}, "layer block.0.attn: head slots (head_slots) needs 16, "
                   "the engine has 15; raise head_slots to 16"),
    "counters": ({"attention_depth": 31}, {"time_steps": 8}, "layer block.0.attn: K^T V counters "
                 "(attention_depth) needs 32, the engine has 31; raise attention_depth to 32"),
    "accumulator": ({"accumulator_bits": 12, "lanes": 1, "mask_depth": 512}, {"density": 1.0},
                    "layer conv0: accumulator (accumulator_bits), bits, needs 16, the engine "
                    "has 12; raise accumulator_bits to 16"),
    "membrane": ({"membrane_bits": 25}, {"time_steps": 16, "density": 1.0, "attention": 1024},
                 "layer conv0: membrane (membrane_bits), bits, needs 35, the engine has 25; "
                 "raise membrane_bits to 35"),
    "weight bits": ({"weight_bits": 6}, {}, "network: weights (weight_bits) needs 8, the engine "
                    "has 6; raise weight_bits to 8"),
    "channels": ({}, {"in_channels": 5}, "layer conv0: pixel channels needs 5, the engine has 4; "
                 "use at most 4 in_channels"),
    "steps": ({"attention_depth": 1024}, {"time_steps": 17}, "network: time_steps needs 17, "
              "the engine has 16; train with fewer time_steps"),
}  # fmt: skip


@pytest.mark.parametrize("case", TOO_SMALL)
def test_too_small(random_network, case):
    engine, network, message = TOO_SMALL[case]
    depth = {"attention_depth": 256} if "attention" in network else {}
    net = random_network(**{k: v for k, v in network.items() if k != "attention"})
    with pytest.raises(ContractError) as error:
        compile_network(net, load_engine("small", **depth | engine))
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def _with_layer(net, name, **fields):
    layers = tuple(replace(y, **fields) if y.name == name else y for y in net.layers)
    return IntegerNetwork(net.config, net.pixel_pad, layers)


@pytest.mark.parametrize("name", ["conv1", "selector.0", "head"])
def test_bias_wider_than_the_accumulator(random_network, name):
    net = random_network()
    bias = net.layer(name).bias.copy()
    bias[0] = 2**23
    message = rf"layer {name}: accumulator \(accumulator_bits\), bits, needs 25, the engine has 22"
    with pytest.raises(ContractError, match=message):
        compile_network(_with_layer(net, name, bias=bias), load_engine("small"))


def test_threshold_that_is_not_positive(random_network):
    net = random_network()
    threshold = net.layer("rpe").threshold * 0
    with pytest.raises(ContractError, match="layer rpe: threshold 0 is not positive"):
        compile_network(_with_layer(net, "rpe", threshold=threshold), load_engine("small"))


def test_threshold_out_of_reach_is_clamped_and_not_refused(random_network, decode):
    net = random_network()
    threshold = np.full_like(net.layer("conv1").threshold, 2**60)
    program = compile_network(_with_layer(net, "conv1", threshold=threshold), load_engine("small"))
    for tile in decode(program)["conv1"]:
        for lane in tile.lanes:
            reach = max(0, lane.bias + sum(max(0, w) for *_, w in lane.weights)) * 15
            assert lane.threshold in (reach + 1, 1)


def test_a_map_too_large_for_its_field_names_layer_and_field(random_network):
    net = random_network(0.01, image_size=264, stem_pools=(True, True, True, True))
    engine = load_engine("small", spike_depth=1 << 19, count_depth=1 << 14, max_tokens=1024)
    with pytest.raises(ContractError, match="layer conv0: descriptor field tokens = 69696"):
        compile_network(net, engine)


def test_exactly_enough_is_enough(random_network):
    engine = load_engine("small", mask_depth=12, spike_depth=192, count_depth=32, count_bits=3,
                         max_tokens=16, max_layers=18, max_classes=10, head_slots=16,
                         attention_depth=16)  # fmt: skip
    assert compile_network(random_network(), engine).header["layers"] == 18
