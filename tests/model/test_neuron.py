"""LIF against SpikingJelly, values and gradients."""

import pytest
import torch
from spikingjelly.activation_based import neuron, surrogate

from model.neuron import lif


def oracle(threshold: float) -> neuron.LIFNode:
    return neuron.LIFNode(
        tau=2.0,
        v_threshold=threshold,
        detach_reset=True,
        step_mode="m",
        backend="torch",
        surrogate_function=surrogate.ATan(alpha=2.0),
    )


@pytest.mark.parametrize("steps", [1, 2, 4, 16])
@pytest.mark.parametrize("threshold", [1.0, 0.5])
def test_spikes_and_gradients_equal_spikingjelly(steps, threshold):
    torch.manual_seed(steps)
    ours = torch.randn(steps, 3, 500, dtype=torch.float64).mul(2).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    weight = torch.randn(steps, 3, 500, dtype=torch.float64)
    spikes, expected = lif(ours, threshold), oracle(threshold)(theirs)
    assert torch.equal(spikes, expected)
    assert 0.02 < float(spikes.detach().mean()) < 0.98
    (spikes * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_ties_fire():
    assert lif(torch.tensor([[2.0], [2.0], [1.0], [2.5]]))[:, 0].tolist() == [1, 1, 0, 1]
