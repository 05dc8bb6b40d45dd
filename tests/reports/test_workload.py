"""Dense work of known networks, and the papers' figures for it."""

import pytest

from reports.workload import dense_operations, layer_work
from sparsespike.contract.network import NetworkConfig

SPIKFORMER = NetworkConfig(time_steps=4, image_size=32, dim=384, depth=4, heads=12)


def test_spikformer_4_384_has_the_published_work():
    # SparseSpikformer (arXiv 2311.08806), table 1: 3.74 G without token selection.
    assert dense_operations(SPIKFORMER) == 3_736_141_824


@pytest.mark.parametrize("ratio, published", [(0.9, 3.44), (0.7, 3.04), (0.5, 2.75)])
def test_token_selection_saves_what_was_published(ratio, published):
    network = SPIKFORMER.model_copy(update={"selector_blocks": (1, 2, 3), "keep_ratio": ratio})
    work = layer_work(network)
    repeated = work["kind"].isin(["conv", "linear", "attention"])
    assert work.loc[repeated, "macs"].sum() * 4e-9 == pytest.approx(published, rel=0.01)


def test_layers_by_hand():
    work = layer_work(SPIKFORMER).set_index("layer")
    assert work.at["conv0", "macs"] == 32 * 32 * 27 * 48
    assert work.at["conv0", "taps"] == 94 * 94 * 3 * 48
    assert work.at["rpe", "macs"] == 64 * 9 * 384 * 384
    assert work.at["block.0.attn", "macs"] == 2 * 64 * 64 * 384
    assert work.at["block.3.fc1", "macs"] == 64 * 384 * 1536
    assert work.at["conv0", "steps"] == 1
    assert work.at["conv1", "steps"] == 4
    assert work.at["head", "steps"] == 1
