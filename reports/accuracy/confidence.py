"""How far a share measured on few images may be off."""

import math

_SCORE = 1.959964
"""97.5 % point of the normal distribution."""


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """95 % interval of a share: Wilson's score interval (JASA 22, 1927), lower and upper, 0..1."""
    share, z2 = correct / total, _SCORE**2 / total
    center = share + z2 / 2
    reach = _SCORE * math.sqrt(share * (1 - share) / total + z2 / (4 * total))
    return (center - reach) / (1 + z2), (center + reach) / (1 + z2)
