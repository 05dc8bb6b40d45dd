"""The weight stream, decoded, is the network: every weight, bias and threshold at its place."""

import numpy as np
import pytest

from sparsespike.compiler import compile_network
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine

ENGINES = {
    "small": {},
    "micro": {"preset": "micro"},
    "large": {"preset": "large"},
    "lanes 3": {"lanes": 3, "clusters": 3, "attention_units": 2},
    "lanes 5, axi 128, chunk 4": {"lanes": 5, "axi_data_bits": 128, "chunk": 4, "mask_depth": 512},
    "lanes 16, chunk 8": {"lanes": 16, "chunk": 8, "mask_depth": 128},
    "lanes 12, chunk 4": {"lanes": 12, "chunk": 4, "clusters": 2, "attention_units": 1},
    "lanes 1, chunk 64": {"lanes": 1, "chunk": 64, "clusters": 5, "attention_units": 5},
    "lanes 6, chunk 32, axi 128": {"lanes": 6, "chunk": 32, "axi_data_bits": 128},
    "3 adders": {"time_steps": 3, "lanes": 4},
    "1 adder": {"time_steps": 1, "spike_depth": 65536, "count_depth": 8192, "head_slots": 16},
    "7 adders": {"time_steps": 7, "lanes": 7},
}
SOURCES = {"conv1": "conv0", "conv2": "conv1", "conv3": "conv2", "rpe": "conv3"}
DEEP = {"spike_depth": 16384, "count_depth": 8192, "mask_depth": 1024}
DEEP |= {"attention_depth": 1024}


def _engine(preset="small", **fields):
    return load_engine(preset, **DEEP | fields)


def _source_slots(program, name):
    slots = {layer.name: layer.slot_channel for layer in program.layers}
    if name == "conv0":
        return np.arange(program.engine.chunk)
    block, _, part = name.rpartition(".")
    inside = {"proj": f"{block}.attn", "fc2": f"{block}.fc1"}
    return slots[SOURCES.get(name) or inside.get(part, "rpe")]


def _dense(program, layer, lane):
    """(in, 9 or 1) weights of a decoded lane."""
    slots = _source_slots(program, layer.name)
    channels = program.network.weight_shape(layer.name)[1]
    dense = np.zeros((channels, 9 if layer.descriptor.convolution else 1), int)
    chunks = 1 if layer.descriptor.pixel else layer.descriptor.chunks
    for word, slot, weight in lane.weights:
        neighbour, chunk = divmod(word, chunks)
        channel = slots[chunk * program.engine.chunk + slot]
        assert channel >= 0
        assert dense[channel, neighbour] == 0
        dense[channel, neighbour] = weight
    return dense


def _check_stored(program, layer, tiles, source):
    """Stored rows: each is written once, by the lanes that its slots name."""
    pitch = derived.lane_pitch(program.engine)
    rows = layer.slot_channel.reshape(-1, pitch)
    assert sorted(tile.row for tile in tiles) == list(range(len(rows)))
    seen = []
    for tile in tiles:
        assert sorted(lane.place for lane in tile.lanes) == list(range(len(tile.lanes)))
        for lane in tile.lanes:
            channel = rows[tile.row, lane.place]
            if channel < 0:
                assert lane.weights == []
                assert (lane.bias, lane.threshold) == (0, 1)
                continue
            seen.append(channel)
            expected = source.weight[channel].reshape(source.weight.shape[1], -1)
            assert np.array_equal(_dense(program, layer, lane), expected)
            assert lane.bias == source.bias[channel]
            _check_threshold(program, layer, lane, source.threshold[channel])
        assert (rows[tile.row, len(tile.lanes) :] == -1).all()
    assert sorted(seen) == list(range(len(source.weight)))


def _check_threshold(program, layer, lane, threshold):
    """Kept, unless no membrane reaches it: then it is the first value out of reach."""
    current = lane.bias + _highest_input(layer) * sum(max(w, 0) for *_, w in lane.weights)
    reach = max(current, 0) * (2**program.network.time_steps - 1)
    assert lane.threshold == min(threshold, reach + 1)


def _highest_input(layer):
    """255 for pixels, 1 for spikes; x is at most 2 after the stem, 1 more after each addition."""
    *_, block, part = ("0", *layer.name.split("."))
    x = {"qkv": 2 + 2 * int(block), "fc1": 3 + 2 * int(block), "conv0": 255}
    return x.get(part, 1)


def _check_unstored(program, layer, tiles, source):
    """Selector and head: every channel once; the head's classes at row * tile_channels + slot."""
    found = []
    for tile in tiles:
        for slot, lane in enumerate(tile.lanes):
            key = (lane.bias, lane.multiplier, lane.score_weight)
            place = (
                tile.row * derived.tile_channels(program.engine) + slot
                if layer.name == "head"
                else 0
            )
            found.append((place, key, _dense(program, layer, lane)[:, 0].tolist()))
    head = layer.name == "head"
    multiplier = [0] * len(source.weight) if head else source.multiplier.tolist()
    score = [0] * len(source.weight) if head else source.score_weight.tolist()
    expected = [
        (i if head else 0, key, source.weight[i].tolist())
        for i, key in enumerate(zip(source.bias.tolist(), multiplier, score, strict=True))
    ]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("time_steps", [4, 7])
def test_decoded_stream_is_the_network(random_network, decode, engine, time_steps):
    net = random_network(time_steps=time_steps, in_channels=2, classes=11)
    program = compile_network(net, _engine(**engine))
    decoded = decode(program)
    for layer in program.layers:
        tiles = decoded[layer.name]
        if layer.name.endswith(".attn"):
            assert tiles == []
        elif layer.descriptor.destination_rows:
            _check_stored(program, layer, tiles, net.layer(layer.name))
        else:
            _check_unstored(program, layer, tiles, net.layer(layer.name))
        split = layer.descriptor.split
        teams = program.engine.clusters >> split
        assert [tile.cluster for tile in tiles] == [i % teams for i in range(len(tiles))]
        assert {tile.split for tile in tiles} <= {split}
        assert [(t.cluster, t.row) for t in tiles] == [tuple(m[:2]) for m in layer.mapping]


@pytest.mark.parametrize("bits", [4, 6, 8])
@pytest.mark.parametrize("density", [0.0, 1.0])
def test_every_weight_width_at_both_ends_of_density(random_network, decode, bits, density):
    net = random_network(density, weight_bits=bits)
    engine = _engine(weight_bits=bits)
    program = compile_network(net, engine)
    decoded = decode(program)
    for layer in program.layers:
        if layer.descriptor.destination_rows and decoded[layer.name]:
            _check_stored(program, layer, decoded[layer.name], net.layer(layer.name))


def test_narrow_weights_run_on_a_wider_engine(random_network, decode):
    net = random_network(weight_bits=4)
    program = compile_network(net, _engine(weight_bits=8))
    layer = program.layers[1]
    _check_stored(program, layer, decode(program)["conv1"], net.layer("conv1"))


def test_selector_lanes_carry_their_constants_by_hand(random_network, decode):
    net = random_network(1.0, dim=2, heads=1, depth=1, selector_blocks=(0,))
    lane = decode(compile_network(net, _engine()))["selector.0"][0].lanes[0]
    source = net.layer("selector.0")
    assert lane.multiplier == source.multiplier[0]
    assert lane.score_weight == source.score_weight[0]
    assert [w for *_, w in lane.weights] != []
