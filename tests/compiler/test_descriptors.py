"""Descriptors of a small case, field by field, worked out by hand."""

import pytest

from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import DESCRIPTOR_FIELDS, HEADER_FIELDS, unpack_words

# 8 lanes, chunk 16, 4 adders, T = 4; image 8x8x3, 16 tokens, dim 16 (stem 2, 4, 8, 16),
# 2 heads of 8 channels.
EXPECTED = {
    "conv0": {"pixel": 1, "convolution": 1, "tokens": 64, "height": 8, "width": 8, "chunks": 2,
              "source_stride": 2, "destination_rows": 2, "tiles": 2, "planes": 1},
    "conv1": {"convolution": 1, "tokens": 64, "chunks": 1, "source_stride": 1, "tiles": 2},
    "conv3": {"convolution": 1, "pool": 1, "output": 1, "residual": 0, "tokens": 64, "tiles": 2},
    "rpe": {"source_counts": 1, "planes": 1, "output": 1, "residual": 1, "tokens": 16, "height": 4,
            "pool": 0, "pixel": 0, "use_list": 0},
    "selector.0": {"source_counts": 1, "planes": 2, "accumulate": 1, "output": 2, "tokens": 16,
                   "use_list": 0, "keep": 11, "shift": 17, "tiles": 1, "destination_rows": 0},
    "block.0.qkv": {"planes": 2, "tokens": 11, "use_list": 1, "output": 0, "accumulate": 0,
                    "destination_rows": 12, "tiles": 12},
    "block.0.attn": {"operation": 2, "heads": 2, "head_words": 1, "key_offset": 2,
                     "value_offset": 4, "source_stride": 6, "destination_rows": 4, "tiles": 0,
                     "threshold": 64, "tokens": 11, "use_list": 1},
    "block.0.proj": {"source_counts": 0, "planes": 1, "output": 1, "residual": 1, "chunks": 2},
    "block.0.fc1": {"source_counts": 1, "planes": 2, "output": 0, "destination_rows": 8},
    "block.0.fc2": {"chunks": 4, "source_stride": 4, "output": 1, "residual": 1, "tiles": 2},
    "selector.1": {"planes": 3, "use_list": 1, "tokens": 11, "keep": 7},
    "block.1.fc1": {"planes": 3, "tokens": 7, "use_list": 1},
    "head": {"planes": 3, "output": 3, "accumulate": 2, "classes": 10, "tiles": 2, "last": 1,
             "tokens": 7, "use_list": 1},
}  # fmt: skip


@pytest.fixture(scope="module")
def program(random_network):
    return compile_network(random_network(), load_engine("small"))


@pytest.mark.parametrize("name", EXPECTED)
def test_fields(program, name):
    layer = next(layer for layer in program.layers if layer.name == name)
    found = {field: getattr(layer.descriptor, field) for field in EXPECTED[name]}
    assert found == EXPECTED[name]


def test_the_image_holds_the_descriptors_that_the_program_lists(program):
    for index, layer in enumerate(program.layers):
        data = program.image[64 * (index + 1) : 64 * (index + 2)].tobytes()
        fields = unpack_words(data, DESCRIPTOR_FIELDS)
        for name in DESCRIPTOR_FIELDS.keys() - {"magic", "checksum"}:
            assert fields[name] == getattr(layer.descriptor, name), (layer.name, name)
        assert fields["layer"] == index
        assert fields["last"] == (index == len(program.layers) - 1)
        assert program.image[64 * (index + 1) :][:64].view("<u4").sum(dtype="u4") == 0x53504B45


def test_header(program):
    fields = unpack_words(program.image[:64].tobytes(), HEADER_FIELDS)
    assert fields == program.header
    assert fields["engine"] == int(program.engine.hash, 16) % 2**32
    assert (fields["layers"], fields["pixels"]) == (18, 64)
    assert fields["weight_offset"] == 4096
    assert program.image.size == 4096 + fields["weight_beats"] * 8
    assert program.image[:64].view("<u4").sum(dtype="u4") == 0x53504B45


def test_pad_byte_c_is_channel_c(random_network):
    net = random_network(in_channels=3)
    program = compile_network(net, load_engine("small"))
    a, b, c = net.pixel_pad.tolist()
    assert program.layers[0].descriptor.pad == a + (b << 8) + (c << 16)
    assert all(layer.descriptor.pad == 0 for layer in program.layers[1:])


def test_without_selectors_every_layer_walks_all_tokens_without_a_list(random_network):
    program = compile_network(random_network(selector_blocks=()), load_engine("small"))
    assert all(layer.descriptor.use_list == 0 for layer in program.layers)
    assert {layer.descriptor.tokens for layer in program.layers} == {64, 16}


def test_compiling_twice_gives_the_same_hash(random_network):
    engine = load_engine("small")
    first = compile_network(random_network(), engine).hash
    assert compile_network(random_network(), engine).hash == first
    assert compile_network(random_network(seed=2), engine).hash != first
    assert compile_network(random_network(), load_engine("micro")).hash != first


def test_heads_share_orders_where_they_must(random_network):
    net = random_network(dim=48, heads=4)
    layers = {layer.name: layer for layer in compile_network(net, load_engine("small")).layers}
    query, key, value = layers["block.0.qkv"].slot_channel.reshape(3, 4, -1)
    assert ((query < 0) == (key < 0)).all()
    assert (key[key >= 0] - query[query >= 0] == 48).all()
    output = layers["block.0.attn"].slot_channel.reshape(4, -1)
    assert (value[value >= 0] - output[output >= 0] == 96).all()
    assert ((value < 0) == (output < 0)).all()
    for head in range(4):
        own = sorted(query[head][query[head] >= 0])
        assert own == list(range(12 * head, 12 * head + 12))


def test_writers_of_x_share_one_order(random_network):
    layers = {y.name: y for y in compile_network(random_network(), load_engine("micro")).layers}
    names = ["conv3", "block.0.proj", "block.0.fc2", "block.1.proj", "block.1.fc2"]
    for name in names:
        assert (layers[name].slot_channel == layers["rpe"].slot_channel).all()
