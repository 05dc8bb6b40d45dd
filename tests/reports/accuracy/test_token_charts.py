"""Dropped tokens in pictures."""

import numpy as np
from PIL import Image

from reports.accuracy.token_charts import dim_dropped, token_pictures


def _image():
    return np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def test_kept_patches_stay_and_dropped_ones_are_grey():
    image, kept = _image(), np.array([[True, False], [False, True]])
    shown = dim_dropped(image, kept)
    assert np.array_equal(shown[:4, :4], image[:4, :4])
    assert np.array_equal(shown[4:, 4:], image[4:, 4:])
    dropped = shown[:4, 4:].astype(int)
    assert (dropped == dropped[..., :1]).all()
    assert dropped.min() >= 60
    assert dropped.max() <= 145


def test_pixels_are_enlarged_without_smoothing(tmp_path):
    image, path = _image(), tmp_path / "tokens.png"
    token_pictures(image[None], {"selector.0": np.ones((1, 2, 2), bool)}, ["cat"], path)
    drawn = np.array(Image.open(path).convert("RGB"))
    for top in (38, 38 + 128 + 8):  # below the label: the image, then all of it kept
        assert np.array_equal(drawn[top : top + 128 : 16, 96 : 96 + 128 : 16], image)
        assert np.array_equal(drawn[top + 15 : top + 128 : 16, 111 : 96 + 128 : 16], image)
