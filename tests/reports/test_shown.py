"""Shown figures add up to their total, to the last digit."""

from decimal import Decimal

import numpy as np
import pytest

from reports.shown import shown_parts


def _value(text):
    return Decimal(text.replace(",", ""))


@pytest.mark.parametrize("digits", [0, 2, 5])
def test_shown_parts_add_up_exactly(digits):
    rng = np.random.default_rng(digits)
    for count in (1, 2, 9, 40):
        values = rng.lognormal(0, 3, count).tolist()
        parts, total = shown_parts(values, digits)
        assert sum(map(_value, parts)) == _value(total)
        for text, value in zip(parts, values, strict=True):
            assert abs(_value(text) - Decimal(value)) < Decimal(1).scaleb(-digits)


def test_plain_rounding_would_not_add_up():
    parts, total = shown_parts([1 / 3, 1 / 3, 1 / 3], 2)
    assert total == "1.00"
    assert parts == ["0.34", "0.33", "0.33"]


def test_nothing_is_nothing():
    assert shown_parts([], 2) == ([], "0.00")
    assert shown_parts([1234.5], 1) == (["1,234.5"], "1,234.5")
