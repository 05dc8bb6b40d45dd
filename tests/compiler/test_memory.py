"""Tensors in the activation memories: inside, line-aligned, and never overwritten while needed."""

import pytest

from sparsespike.compiler import compile_network
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine

ENGINES = [
    ("small", {}),
    ("micro", {}),
    ("large", {}),
    ("small", {"lanes": 12, "chunk": 4, "spike_depth": 16384, "count_depth": 8192}),
    ("small", {"lanes": 3, "chunk": 64}),
    ("small", {"lanes": 64, "chunk": 16, "spike_depth": 8192}),
    ("small", {"time_steps": 3, "spike_depth": 8192, "count_depth": 2048, "attention_depth": 128}),
]


def _program(random_network, nano, preset, fields):
    engine = load_engine(preset, **fields | {"mask_depth": 512})
    return compile_network(random_network(0.1, **nano), engine)


def _written(program, layer):
    """(first word, end) of what a layer writes."""
    engine, field = program.engine, layer.descriptor
    pitch = derived.lane_pitch(engine)
    base = field.destination_base * pitch
    size = layer.tensor_tokens * field.groups * field.destination_rows * pitch
    assert base % derived.line_slots(engine) == 0
    assert (field.destination_rows * pitch) % derived.line_slots(engine) == 0
    return base // engine.chunk, (base + size) // engine.chunk


def _read(program, layer):
    """(first word, end) of what a layer may read; convolutions read the whole map."""
    field = layer.descriptor
    tokens = field.tokens if field.convolution else program.network.tokens()
    groups = 1 if field.pixel else field.groups
    return field.source_base, field.source_base + tokens * groups * field.source_stride


def _overlap(a, b):
    return a[0] < b[1] and b[0] < a[1]


@pytest.mark.parametrize("preset, fields", ENGINES)
def test_a_layer_reads_what_its_source_wrote_and_overwrites_nothing(
    random_network, nano, preset, fields
):
    program = _program(random_network, nano, preset, fields)
    engine = program.engine
    lines = {0: derived.spike_lines(engine), 1: derived.count_lines(engine)}
    layers = {layer.name: layer for layer in program.layers}
    x = _written(program, layers["rpe"])
    for layer in program.layers:
        field, read = layer.descriptor, _read(program, layer)
        from_counts = field.source_counts
        assert read[1] <= lines[from_counts] * derived.words_per_line(engine)
        if from_counts and layer.name != "rpe":
            assert read == x
        if not field.destination_rows:
            continue
        to_counts = int(field.output == 1)
        written = _written(program, layer)
        assert written[1] <= lines[to_counts] * derived.words_per_line(engine)
        if to_counts and layer.name != "conv3":
            assert written == x
        if to_counts == from_counts:
            assert not _overlap(read, written)


@pytest.mark.parametrize("preset, fields", ENGINES)
def test_every_source_is_the_tensor_written_before(random_network, nano, preset, fields):
    program = _program(random_network, nano, preset, fields)
    layers = {layer.name: layer for layer in program.layers}
    pairs = [("conv0", "conv1"), ("conv1", "conv2"), ("conv2", "conv3"), ("conv3", "rpe")]
    for block in ("block.0", "block.1"):
        pairs += [(f"{block}.{a}", f"{block}.{b}") for a, b in
                  (("qkv", "attn"), ("attn", "proj"), ("fc1", "fc2"))]  # fmt: skip
    for writer, reader in pairs:
        assert _written(program, layers[writer]) == _read(program, layers[reader])
    assert layers["conv0"].descriptor.source_base == program.header["pixel_base"]
    rpe = layers["rpe"].descriptor
    assert rpe.residual_base == layers["conv3"].descriptor.destination_base
    assert rpe.residual_base != rpe.destination_base
    for name in ("block.0.proj", "block.1.fc2"):
        field = layers[name].descriptor
        assert field.residual_base == field.destination_base == rpe.destination_base


@pytest.mark.parametrize("lanes", range(1, 33))
def test_small_holds_a_dense_nano_for_every_lane_count(random_network, nano, lanes):
    program = compile_network(random_network(0.9, **nano), load_engine("small", lanes=lanes))
    assert program.layers[-1].name == "head"


@pytest.mark.parametrize("preset", ["micro", "small"])
def test_presets_hold_nano_at_ten_per_cent(random_network, nano, preset):
    program = compile_network(random_network(0.1, **nano), load_engine(preset))
    assert len(program.layers) == program.header["layers"] == 17


def test_large_holds_the_published_network(random_network, nano):
    published = nano | {"dim": 384, "depth": 4, "heads": 12, "keep_ratio": 0.9}
    net = random_network(0.1, **published | {"selector_blocks": (1, 2, 3)})
    program = compile_network(net, load_engine("large"))
    assert [layer.descriptor.tokens for layer in program.layers if "qkv" in layer.name] == [
        64, 57, 51, 46]  # fmt: skip
