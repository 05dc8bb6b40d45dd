"""A file as a classifier: what its images must look like, whatever scale it was trained at."""

import subprocess
import sys

import pytest
import torch

import model
from model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from model.network import Spikformer
from model.normalization import NORMALIZATIONS
from model.official import ImportOptions, import_official
from model.pixels import CIFAR_PIXELS, PixelScale
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig
from tests.model.official_files import official_state

CONFIG = NetworkConfig(time_steps=2, image_size=8, dim=8, depth=1, heads=2, selector_blocks=(0,))


def make() -> Spikformer:
    torch.manual_seed(1)
    return Spikformer(CONFIG)


def test_importing_the_package_stays_cheap():
    code = "import model, sys; print('torch' in sys.modules, hasattr(model, 'absent'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def raw_images(size=8):
    random = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (4, size, size, 3), dtype=torch.uint8, generator=random)


def as_the_authors(raw, name="cifar10"):
    """Images (B, C, H, W) as torchvision's ToTensor and Normalize would give them."""
    known = NORMALIZATIONS[name]
    mean, std = (torch.tensor(x, dtype=torch.float64) for x in (known.mean, known.std))
    return ((raw.double() / 255 - mean) / std).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("pixels", "name"),
    [
        (CIFAR_PIXELS, "cifar10"),
        (PixelScale((125, 123, 114), (40.0, 50.0, 60.0)), "cifar10"),
        (NORMALIZATIONS["cifar100"].pixels(), "cifar100"),
        (NORMALIZATIONS["imagenet"].pixels(), "imagenet"),
    ],
)
def test_a_classifier_takes_what_the_authors_normalise(tmp_path, pixels, name):
    torch.save(official_state("CIFAR", depth=1), tmp_path / "n.pth")
    options = ImportOptions(heads=2, image_size=16)
    network = import_official(tmp_path / "n.pth", options).checkpoint.network
    save_checkpoint(Checkpoint(network, pixels), tmp_path / "n.safetensors")
    classifier = model.load_checkpoint(tmp_path / "n.safetensors").double()
    assert classifier.normalization == NORMALIZATIONS[name]
    assert not classifier.training
    raw = raw_images(16)
    with torch.no_grad():
        logits = classifier(as_the_authors(raw, name))
        mean, std = (torch.tensor(x, dtype=torch.float64) for x in (pixels.mean, pixels.std))
        exact = ((raw.double() - mean) / std).permute(0, 3, 1, 2)
        expected = network.double().eval()(exact).logits
    assert type(logits) is torch.Tensor
    assert float(expected.std(0).min()) > 1e-4
    torch.testing.assert_close(logits, expected, rtol=1e-9, atol=1e-9)


def test_other_means_than_the_authors_are_the_files_own(tmp_path):
    path = tmp_path / "n.safetensors"
    save_checkpoint(Checkpoint(make(), PixelScale((51, 102, 0), (25.5, 51.0, 255.0))), path)
    own = model.load_checkpoint(path).normalization
    assert own.mean == pytest.approx((0.2, 0.4, 0))
    assert own.std == pytest.approx((0.1, 0.2, 1))


def test_single_precision_stays_single(tmp_path):
    path = tmp_path / "n.safetensors"
    save_checkpoint(Checkpoint(make(), CIFAR_PIXELS), path)
    with torch.no_grad():
        logits = model.load_checkpoint(path)(as_the_authors(raw_images()).float())
    assert logits.dtype == torch.float32
    assert logits.shape == (4, 10)


def test_an_imported_file_classifies_like_the_official_one(tmp_path):
    """Away from the border, which is padded by the rounded mean: most logits are equal."""
    torch.save(official_state("CIFAR", depth=1), tmp_path / "n.pth")
    checkpoint = import_official(tmp_path / "n.pth", ImportOptions(heads=2)).checkpoint
    save_checkpoint(checkpoint, tmp_path / "n.safetensors")
    official = model.load_checkpoint(tmp_path / "n.pth", heads=2)
    ours = model.load_checkpoint(tmp_path / "n.safetensors")
    assert ours.normalization == official.normalization == NORMALIZATIONS["cifar10"]
    images = as_the_authors(raw_images(32)).float()
    with torch.no_grad():
        expected = official(images)
        difference = (ours(images) - expected).abs()
    assert float(difference.max()) < 0.02 * float(expected.std(0).mean())


def test_event_frames_make_the_round_trip(tmp_path):
    torch.save(official_state("DVS"), tmp_path / "n.pth")
    checkpoint = import_official(tmp_path / "n.pth", ImportOptions(heads=4)).checkpoint
    save_checkpoint(checkpoint, tmp_path / "n.safetensors")
    assert load_checkpoint(tmp_path / "n.safetensors").pixels == PixelScale((0, 0), (1.0, 1.0))
    frames = torch.poisson(torch.full((16, 3, 2, 16, 16), 0.7))
    ours = model.load_checkpoint(tmp_path / "n.safetensors")
    official = model.load_checkpoint(tmp_path / "n.pth", heads=4)
    assert ours.normalization is official.normalization is None
    with torch.no_grad():
        assert torch.equal(ours(frames), official(frames))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"heads": 4}, "heads is 2 in the file, not 4"),
        ({"keep_ratio": 0.5}, r"keep_ratio is 1\.0 in the file, not 0\.5"),
        ({"time_steps": 4}, "time_steps is 2 in the file"),
        ({"image_size": 32}, "image_size is 8 in the file"),
        ({"selector_blocks": [1]}, r"selector_blocks is \(0,\) in the file"),
    ],
)
def test_arguments_may_not_contradict_the_file(tmp_path, arguments, message):
    path = tmp_path / "n.safetensors"
    save_checkpoint(Checkpoint(make(), CIFAR_PIXELS), path)
    assert model.load_checkpoint(path, heads=2, keep_ratio=1, selector_blocks=[0])
    with pytest.raises(ContractError, match=message):
        model.load_checkpoint(path, **arguments)


@pytest.mark.parametrize(
    "shape", [(3, 8, 8), (1, 3, 9, 9), (1, 2, 8, 8), (2, 1, 3, 8, 8), (1, 8, 8, 3), ()]
)
def test_images_of_another_shape_are_refused(tmp_path, shape):
    save_checkpoint(Checkpoint(make(), CIFAR_PIXELS), tmp_path / "n.safetensors")
    classifier = model.load_checkpoint(tmp_path / "n.safetensors")
    with pytest.raises(ContractError, match=r"expected \(B, 3, 8, 8\)"):
        classifier(torch.zeros(shape))
