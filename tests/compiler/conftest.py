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


def _constants(stream, engine, count):
    """Bias, threshold, place and weight lines of each channel; whole beats."""
    lines = (
        engine.weight_depth * (4 if engine.weight_bits == 4 else 8) - 1
    ) // engine.axi_data_bits
    slots = engine.lanes * engine.lane_channels
    places = (slots - 1).bit_length() if engine.lane_channels > 1 else 0
    widths = (
        engine.accumulator_bits,
        max(engine.membrane_bits - 1, 23),
        places,
        (lines + 1).bit_length(),
    )
    size = 64 if sum(widths) <= 64 else 128
    block = stream.beats(-(-count * size // engine.axi_data_bits))
    assert block >> (count * size) == 0
    records = [_cut(block, i * size, size) for i in range(count)]
    bias, threshold, place, last = widths
    return [
        SimpleNamespace(
            bias=_signed(_cut(record, 0, bias), bias),
            threshold=_cut(record, bias, threshold),
            multiplier=_cut(record, bias, 15),
            score_weight=_signed(_cut(record, bias + 15, 8), 8),
            place=_cut(record, size - last - place, place) if place else i,
            lines=record >> (size - last),
        )
        for i, record in enumerate(records)
    ]


def _payload(stream, engine, lines, nibble_beats, weight_beats, size):
    """Mask lines of `size` nibbles each, and the beats of weights, as the loader gets them."""
    axi = engine.axi_data_bits
    made, flags, nibbles, weights = [], [], [], []
    while len(made) < lines or weight_beats or nibble_beats:
        here = len(nibbles)
        makes = len(made) < lines and bool(flags) and here >= flags[0].bit_count()
        line = None
        if makes:
            own = flags.pop(0)
            line = sum((nibbles.pop(0) if own >> i & 1 else 0) << 4 * i for i in range(size))
        if len(made) + makes < lines and not flags:
            beat = stream.beats(1)
            flags = [_cut(beat, low, size) for low in range(0, axi, size)]
        elif nibble_beats and here <= axi // 4:
            beat = stream.beats(1)
            nibbles += [_cut(beat, low, 4) for low in range(0, axi, 4)]
            nibble_beats -= 1
        elif weight_beats:
            weights.append(stream.beats(1))
            weight_beats -= 1
        else:
            assert makes, "nibbles are missing"
        if makes:
            made.append(line)
    assert not any(nibbles)
    return made, weights


def _masks(engine, lines, lanes, words):
    """(lanes) of (words) mask words, of lines with a word of each of as many lanes as fit."""
    side = _side(engine)
    found = [[] for _ in range(-(-lanes // side) * side)]
    for number, line in enumerate(lines):
        for i in range(side):
            word = _cut(line, i * engine.chunk, engine.chunk)
            found[number * side % len(found) + i].append(word)
    assert not any(any(lane) for lane in found[lanes:])
    assert all(len(lane) == words for lane in found)
    return found[:lanes]


def _side(engine):
    side = 1
    while side < min(engine.lanes * engine.lane_channels, engine.axi_data_bits // engine.chunk):
        side *= 2
    return side


def _lane(engine, constants, beats, per_word):
    width, axi = 4 if engine.weight_bits == 4 else 8, engine.axi_data_bits
    payload = sum(beat << i * axi for i, beat in enumerate(beats))
    weights, index = [], 0
    for word, mask in enumerate(per_word):
        for slot in range(engine.chunk):
            if mask >> slot & 1:
                weights.append((word, slot, _signed(_cut(payload, index * width, width), width)))
                index += 1
    assert payload >> (index * width) == 0
    assert len(beats) == max(1, -(-index * width // axi))
    constants.weights = weights
    return constants


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
                count, side = _cut(header, 15, 7), _side(engine)
                assert _cut(header, 35, 13) == words
                constants = _constants(stream, engine, count)
                lines, beats = _payload(
                    stream,
                    engine,
                    words * -(-count // side),
                    header >> 48,
                    sum(lane.lines for lane in constants),
                    side * engine.chunk // 4,
                )
                lanes = []
                for own, masks in zip(constants, _masks(engine, lines, count, words), strict=True):
                    lanes.append(_lane(engine, own, beats[: own.lines], masks))
                    del beats[: own.lines]
                tile = SimpleNamespace(
                    cluster=_cut(header, 8, 5),
                    row=_cut(header, 22, 13),
                    split=_cut(header, 13, 2),
                    lanes=lanes,
                )
                tiles.append(tile)
            layers[layer.name] = tiles
        assert stream.at == len(stream.data)
        return layers

    return run
