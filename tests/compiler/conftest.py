"""Random integer networks, and a decoder of memory images that shares no code with the compiler."""

from types import SimpleNamespace

import numpy as np
import pytest

from sparsespike.contract.network import IntegerLayer, IntegerNetwork, NetworkConfig


def _weight(rng, config, name, density):
    shape = config.weight_shape(name)
    limit = 2 ** (config.weight_bits - 1) - 1
    uneven = density * rng.lognormal(0, 0.7, (shape[0],) + (1,) * (len(shape) - 1))
    kept = rng.random(shape) < (uneven if density < 1 else 1)
    sign = rng.choice([-1, 1], shape)
    return (rng.integers(1, limit + 1, shape) * sign * kept).astype(np.int8)


def _layer(rng, config, name, density):
    kind = config.layer_kind(name)
    empty = np.zeros(0, np.int64)
    if kind == "attention":
        threshold = np.array([2**config.time_steps * 4])
        return IntegerLayer(name, kind, np.zeros(0, np.int8), empty, threshold, np.zeros(0))
    weight = _weight(rng, config, name, density)
    out = len(weight)
    bias = rng.integers(-500, 500, out)
    if kind == "selector":
        return IntegerLayer(
            name,
            kind,
            weight,
            bias,
            empty,
            np.ones(out),
            multiplier=rng.integers(0, 32768, out),
            shift=17,
            score_weight=rng.integers(-128, 128, out).astype(np.int8),
            keep=config.selector_keep(int(name.split(".")[1])),
        )
    threshold = empty if kind == "head" else rng.integers(1, 5000, out)
    return IntegerLayer(name, kind, weight, bias, threshold, np.ones(out))


@pytest.fixture(scope="session")
def random_network():
    """(density, seed, **fields of NetworkConfig) -> IntegerNetwork; tiny unless told otherwise."""

    def make(density=0.2, seed=1, **fields):
        tiny = {"time_steps": 4, "image_size": 8, "dim": 16, "depth": 2, "heads": 2}
        tiny |= {"selector_blocks": (0, 1), "keep_ratio": 0.7}
        tiny |= {"stem_pools": (False, False, False, True)}
        config = NetworkConfig(**tiny | fields)
        rng = np.random.default_rng(seed)
        layers = tuple(_layer(rng, config, name, density) for name in config.layer_names())
        pad = rng.integers(0, 256, config.in_channels).astype(np.uint8)
        return IntegerNetwork(config, pad, layers)

    return make


@pytest.fixture(scope="session")
def nano():
    """Fields of the default network."""
    return {
        "time_steps": 4,
        "image_size": 32,
        "dim": 64,
        "depth": 2,
        "heads": 4,
        "selector_blocks": (1,),
        "keep_ratio": 0.7,
        "stem_pools": (False, False, True, True),
    }


class _Stream:
    """Numbers of `bits` bits from bytes, low bits first, one beat after the other."""

    def __init__(self, data, axi):
        self.data, self.beat, self.at = data, axi // 8, 0

    def beats(self, count):
        part = self.data[self.at : self.at + count * self.beat]
        assert len(part) == count * self.beat
        self.at += len(part)
        return int.from_bytes(part, "little")


def _cut(number, low, bits):
    return (number >> low) & ((1 << bits) - 1)


def _signed(number, bits):
    return number - (1 << bits) if number >> (bits - 1) else number


def _constants(stream, engine):
    """A lane's record and its weights, as numbers."""
    record = stream.beats(128 // engine.axi_data_bits)
    return record, stream.beats(_cut(record, 112, 16))


def _masks(stream, engine, lines, lanes, words):
    """(lanes) of (words) mask words: beats of as many lanes as fit, line by line."""
    fit = engine.axi_data_bits // engine.chunk
    side = 1
    while side < min(engine.lanes * engine.lane_channels, fit):
        side *= 2
    found = [[] for _ in range(-(-lanes // side) * side)]
    for _ in range(lines):
        for first in range(0, lanes, side):
            beat = stream.beats(1)
            for place in range(fit):
                word = _cut(beat, place * engine.chunk, engine.chunk)
                found[first + place % side].append(word)
    assert not any(any(lane) for lane in found[lanes:])
    assert not any(any(lane[words:]) for lane in found)
    return [lane[:words] for lane in found[:lanes]]


def _lane(engine, record, payload, per_word):
    width = 4 if engine.weight_bits == 4 else 8
    weights, index = [], 0
    for word, mask in enumerate(per_word):
        for slot in range(engine.chunk):
            if mask >> slot & 1:
                weights.append((word, slot, _signed(_cut(payload, index * width, width), width)))
                index += 1
    assert payload >> (index * width) == 0
    assert _cut(record, 112, 16) == -(-index * width // engine.axi_data_bits)
    return SimpleNamespace(
        bias=_signed(_cut(record, 0, 32), 32),
        multiplier=_cut(record, 32, 15),
        score_weight=_signed(_cut(record, 48, 8), 8),
        threshold=_cut(record, 64, 48),
        weights=weights,
    )


@pytest.fixture(scope="session")
def decode():
    """Program -> {layer name: tiles}; a tile has cluster, row and lanes, a lane its numbers."""

    def run(program):
        engine = program.engine
        stream = _Stream(program.weight_stream().tobytes(), engine.axi_data_bits)
        layers = {}
        for layer in program.layers:
            field = layer.descriptor
            words = field.chunks * (9 if field.convolution else 1)
            words = 9 if field.pixel else words
            tiles = []
            for _ in range(field.tiles):
                header = stream.beats(1)
                assert _cut(header, 0, 8) == 0xA5
                assert header >> 58 == 0
                count = _cut(header, 32, 8)
                constants = [_constants(stream, engine) for _ in range(count)]
                masks = _masks(stream, engine, _cut(header, 16, 16), count, words)
                lanes = [
                    _lane(engine, *own, mask) for own, mask in zip(constants, masks, strict=True)
                ]
                tile = SimpleNamespace(
                    cluster=_cut(header, 8, 8),
                    row=_cut(header, 40, 16),
                    split=_cut(header, 56, 2),
                    lanes=lanes,
                )
                tiles.append(tile)
            layers[layer.name] = tiles
        assert stream.at == len(stream.data)
        return layers

    return run
