"""The opaque max-pool against torch's own, in value and gradient."""

import pytest
import torch
from torch.nn import functional

from model.pool import max_pool


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (1, 1, 1, 1), (3, 2, 7, 5), (1, 4, 2, 9)])
@pytest.mark.parametrize("spikes", [True, False])
def test_equals_torch(shape, spikes):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(shape, generator=generator)
    x = (x > 0).float() if spikes else x
    slopes = []
    for pool in (max_pool, lambda y: functional.max_pool2d(y, 3, stride=2, padding=1)):
        given = x.clone().requires_grad_()
        pooled = pool(given)
        weight = torch.arange(pooled.numel(), dtype=torch.float32).view(pooled.shape)
        (pooled * weight).sum().backward()
        slopes.append((pooled.detach(), given.grad))
    assert torch.equal(slopes[0][0], slopes[1][0])
    assert torch.equal(slopes[0][1], slopes[1][1])


def test_its_registrations_are_consistent():
    x = torch.randn(2, 3, 6, 7).contiguous(memory_format=torch.channels_last).requires_grad_()
    torch.library.opcheck(torch.ops.sparsespike.max_pool.default, (x,))
