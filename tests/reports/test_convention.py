"""The papers' convention from counters, against hand arithmetic on the spikes themselves."""

import numpy as np
import pytest

from model import zoo
from reports.convention import paper_energy
from reports.summary import counter_frame
from reports.technology import load_technology
from reports.workload import dense_operations, layer_work
from sim import simulate
from sparsespike.cli.inputs import load_images
from sparsespike.cli.variants import with_keep_ratio, without_weight_skipping
from sparsespike.contract.config import load_engine
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

AC, MAC = 0.9e-12, 4.6e-12
# Layer -> the layer whose stored output it reads.
SOURCES = {"conv1": "conv0", "conv2": "conv1", "conv3": "conv2", "rpe": "conv3"}
BLOCK = {"qkv": None, "proj": "attn", "fc1": "proj", "fc2": "fc1"}


@pytest.fixture(scope="module", params=["tiny", "nano"])
def dense(request):
    """A network without selectors, its zero weights stored and added, and its run."""
    network = with_keep_ratio(zoo.load_integer(request.param), 1.0)
    pixels = load_images(None, 1, network.config).images
    program = without_weight_skipping(network, load_engine("small"))
    return network, simulate(program, pixels, keep_tensors=True)


def _inputs(network, tensors):
    """Layer -> its input (T, tokens, channels)."""
    pairs = dict(SOURCES)
    before = "rpe"
    for block in range(network.config.depth):
        names = {part: f"block.{block}.{part}" for part in ("qkv", "attn", "proj", "fc1", "fc2")}
        pairs |= {names[part]: names.get(source, before) for part, source in BLOCK.items()}
        before = names["fc2"]
    return {layer: tensors[source][0] for layer, source in pairs.items()}


def _bits(x):
    return sum((x >> bit) & 1 for bit in range(8))


def _taps(size):
    """How many of the 9 neighbours of a position are inside: what an input is used for."""
    inside = np.minimum(np.minimum(np.arange(size), np.arange(size)[::-1]) + 2, 3)
    return np.outer(inside, inside).ravel()


def test_every_addition_is_that_of_hand_arithmetic(dense):
    network, run = dense
    counters = dict(zip(run.layers, run.counters[0, :, COUNTERS.index("additions")], strict=True))
    for name, x in _inputs(network, run.tensors).items():
        ones = _bits(x).sum((0, 2))
        out = len(network.layer(name).weight)
        if network.config.layer_kind(name) == "conv":
            ones = ones * _taps(round(len(ones) ** 0.5))
        assert counters[name] == out * ones.sum(), name


@pytest.mark.parametrize("dense", ["nano"], indirect=True)
def test_the_formula_is_within_two_percent_of_rate_times_dense_work(dense):
    network, run = dense
    work = layer_work(network.config).set_index("layer")
    steps = network.config.time_steps
    hand = work.at["conv0", "macs"] * MAC
    for name, x in _inputs(network, run.tensors).items():
        rate = _bits(x).sum((0, 2)).astype(float)
        uses = _taps(round(len(rate) ** 0.5)) if name in SOURCES else np.ones(len(rate))
        mean = (rate * uses).sum() / uses.sum() / (steps * x.shape[2])
        hand += mean * work.at[name, "macs"] * steps * AC
    counted = paper_energy(counter_frame(run.layers, run.counters), network.config, images=1)
    assert counted.formula_joule == pytest.approx(hand, rel=0.02)


def test_spikformer_4_384_by_hand():
    network = NetworkConfig(time_steps=4, image_size=32, dim=384, depth=4, heads=12)
    first = 32 * 32 * 27 * 48
    rest = dense_operations(network) - 4 * first
    assert (rest, first) == (3_730_833_408, 1_327_104)
    joule = 0.1492 * rest * AC + first * MAC
    assert joule == pytest.approx(0.507e-3, rel=1e-3)


def test_twice_an_operation_is_twice_its_share(dense):
    network, run = dense
    frame = counter_frame(run.layers, run.counters)
    table = load_technology("paper-convention")

    def energy(operations):
        changed = table.model_copy(update={"operations": operations})
        return paper_energy(frame, network.config, images=1, technology=changed)

    once = energy(table.operations)
    for kind, share in (("ac", once.accumulates * AC), ("mac", once.macs * MAC)):
        cost = table.operations[kind]
        doubled = cost.model_copy(update={"picojoule": 2 * cost.picojoule})
        twice = energy(table.operations | {kind: doubled})
        assert twice.counted_joule - once.counted_joule == pytest.approx(share)


def test_another_table_cannot_stand_in(dense):
    network, run = dense
    frame = counter_frame(run.layers, run.counters)
    with pytest.raises(ContractError, match="paper-convention"):
        paper_energy(frame, network.config, images=1, technology=load_technology("horowitz-45nm"))
