"""The float network against an independent one built on SpikingJelly's neurons, in float64."""

import pytest
import torch

from model import zoo
from model.checkpoint import load_checkpoint
from model.network import Spikformer
from model.pixels import CIFAR_PIXELS, PixelScale
from model.selector import top_tokens
from sparsespike.contract.network import NetworkConfig
from tests.model.float_oracle import FloatOracle, Observed

IMAGES = 16
SMALL = {"time_steps": 2, "image_size": 32, "dim": 16, "depth": 1, "heads": 2}
CASES = {
    "one-step": {"time_steps": 1},
    "no-selector": {"depth": 2, "mlp_ratio": 2},
    "scale": {"time_steps": 4, "attention_scale": 0.3, "stem_channels": (4, 6, 10, 16)},
    "small-scale": {"time_steps": 4, "attention_scale": 0.0625, "dim": 32, "heads": 1},
    "early-pools": {"stem_pools": (True, True, True, True), "attention_scale": 1.0},
    "selector": {"selector_blocks": (0,), "keep_ratio": 0.7},
    "late-selector": {"depth": 2, "selector_blocks": (1,), "keep_ratio": 0.9, "time_steps": 4},
    "selectors": {"depth": 2, "selector_blocks": (0, 1), "keep_ratio": 0.5, "attention_scale": 0.5},
    "events": {
        "varying_input": True,
        "in_channels": 2,
        "time_steps": 5,
        "stem_pools": (True, True, True, False),
        "attention_scale": 0.25,
    },
    "few-tokens": {"selector_blocks": (0,), "keep_ratio": 0.05, "attention_scale": 1.0},
}


def inputs(config: NetworkConfig, pixels: PixelScale = CIFAR_PIXELS) -> torch.Tensor:
    """Sample images (B, C, H, W); for a network of event frames moving ones, (T, B, C, H, W)."""
    raw = torch.from_numpy(zoo.sample_images().first(IMAGES).images)
    still = pixels.normalize(raw).double()[:, : config.in_channels]
    if not config.varying_input:
        return still
    return torch.stack([still.roll(3 * step, 3) for step in range(config.time_steps)])


def random_network(case: str) -> Spikformer:
    """A network of random weights whose batch norms know the images, so that it really fires."""
    torch.manual_seed(list(CASES).index(case))
    network = Spikformer(NetworkConfig(**{**SMALL, **CASES[case]})).double().eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "_bn" in name:
                low, high = (1.0, 2.0) if name.endswith("weight") else (-0.2, 0.8)
                parameter.uniform_(low, high)
            elif parameter.ndim == 1:
                parameter.normal_(std=0.3)
            elif name.startswith("predictor"):
                parameter.normal_(std=0.5)
    oracle = FloatOracle(network.state_dict(), network.config)
    network.load_state_dict(oracle.calibrate(inputs(network.config)))
    return network


def run_ours(network: Spikformer, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits, and per selector the original indices of the tokens it kept."""
    scores: list[torch.Tensor] = []
    hooks = [
        predictor.register_forward_hook(lambda _module, _given, score: scores.append(score))
        for predictor in network.predictors()
    ]
    with torch.no_grad():
        logits = network(images).logits
    for hook in hooks:
        hook.remove()
    kept = []
    for index, score in enumerate(scores):
        chosen = top_tokens(score, network.config.selector_keep(index))
        kept.append(kept[-1].gather(1, chosen) if kept else chosen)
    return logits, kept


def differences(network: Spikformer, images: torch.Tensor) -> tuple[float, bool, Observed]:
    """Largest difference of logits, whether the same tokens stay, and what the oracle saw."""
    expected = FloatOracle(network.state_dict(), network.config).run(images)
    logits, kept = run_ours(network, images)
    same = len(kept) == len(expected.kept) and all(map(torch.equal, kept, expected.kept))
    return float((logits - expected.logits).abs().max()), same, expected


def assert_fires(seen: Observed) -> None:
    asleep = {name: rate for name, rate in seen.rates().items() if not 0.02 < rate < 0.98}
    assert not asleep


@pytest.mark.parametrize("case", CASES)
def test_random_networks_equal_the_oracle(case):
    network = random_network(case)
    error, same_tokens, seen = differences(network, inputs(network.config))
    assert_fires(seen)
    assert error < 1e-6
    assert same_tokens
    assert float(seen.logits.std(0).min()) > 1e-3


def test_nano_equals_the_oracle():
    checkpoint = load_checkpoint(zoo.float_path("nano"))
    network = checkpoint.network.double()
    images = inputs(network.config, checkpoint.pixels)
    error, same_tokens, seen = differences(network, images)
    assert_fires(seen)
    assert error < 1e-6
    assert same_tokens
    assert len(seen.kept) == len(network.config.selector_blocks) > 0


def test_the_comparison_notices_a_changed_network():
    network = random_network("selectors")
    images = inputs(network.config)
    expected = FloatOracle(network.state_dict(), network.config).run(images)
    network.predictor[0].linear[2].weight.data.neg_()
    logits, kept = run_ours(network, images)
    assert not torch.equal(kept[0], expected.kept[0])
    assert float((logits - expected.logits).abs().max()) > 1e-3
