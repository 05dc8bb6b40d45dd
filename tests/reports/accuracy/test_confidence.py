"""Wilson's interval, against values of the literature."""

import pytest

from reports.accuracy.confidence import wilson_interval


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 17 (1998), table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_values_of_newcombe(correct, total, low, high):
    found = wilson_interval(correct, total)
    assert (round(found[0], 4), round(found[1], 4)) == (low, high)
