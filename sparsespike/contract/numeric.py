"""Every rounding, clamp and table of the integer network, defined once.

NumPy and Python integers only. The golden model, the simulator and the hardware all follow these
functions; section numbers of the rules are in docs (integer semantics).
"""

import math
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

BIAS_LIMIT = 2**22
"""Every |b_c| of a LIF layer stays below this, so that accumulators have a known width."""

GELU_FRACTION_BITS = 4
"""The selector's hidden value q stands for q / 16, before and after the GELU."""


def lif_threshold(scale: float | Fraction, time_steps: int, threshold: float | Fraction = 1) -> int:
    """ceil(2**T * threshold / scale), exactly: both numbers are taken as the fractions they are."""
    if not scale > 0:
        raise ValueError(f"scale must be positive, not {scale}")
    exact: Fraction = Fraction(threshold) * 2**time_steps / Fraction(scale)
    return math.ceil(exact)


def lif_integer(
    currents: NDArray[np.integer], threshold: NDArray[np.integer] | int
) -> NDArray[np.uint8]:
    """Spikes of a leaky integrate-and-fire neuron (tau 2, hard reset) without any rounding.

    currents: integer (T, ...), a_t + b per step, in units of s_c.
    threshold: `lif_threshold`, broadcast against currents[0].
    Returns uint8 (T, ...). P_t = P_{t-1} + (a_t + b) << (t-1); it fires when
    P_t << (T-t) >= threshold, and then P_t = 0.
    """
    steps = len(currents)
    potential = np.zeros(currents.shape[1:], np.int64)
    spikes = np.zeros(currents.shape, np.uint8)
    for t in range(steps):
        potential = potential + (currents[t].astype(np.int64) << t)
        fired = (potential << (steps - 1 - t)) >= threshold
        spikes[t] = fired
        potential = np.where(fired, 0, potential)
    return spikes


def requantize(
    value: NDArray[np.integer] | int, multiplier: NDArray[np.integer] | int, shift: int
) -> NDArray[np.int64]:
    """clamp((value * multiplier + half) >> shift, -128, 127), half = 2**(shift-1), 0 at shift 0.

    An arithmetic shift: halves round towards plus infinity. The result is in units of 1/16.
    """
    half = 1 << (shift - 1) if shift > 0 else 0
    product = np.asarray(value, np.int64) * np.asarray(multiplier, np.int64)
    clamped: NDArray[np.int64] = np.clip((product + half) >> shift, -128, 127)
    return clamped


@cache
def _gelu_values() -> tuple[int, ...]:
    one = 1 << GELU_FRACTION_BITS
    values = []
    for byte in range(256):
        x = (byte - 256 if byte >= 128 else byte) / one
        gelu = 0.5 * x * (1.0 + math.erf(x / math.sqrt(2.0)))
        values.append(max(-128, min(127, round(gelu * one))))
    return tuple(values)


def gelu_table() -> NDArray[np.int8]:
    """int8 (256,): entry q & 0xFF is 16 * GELU(q / 16), halves to even, clamped to int8.

    GELU is the exact one, x * Phi(x) (Hendrycks and Gimpel 2016), as in torch.nn.GELU().
    """
    return np.array(_gelu_values(), np.int8)


def selector_score(
    hidden: NDArray[np.integer],
    multiplier: NDArray[np.integer],
    shift: int,
    score_weight: NDArray[np.integer],
) -> NDArray[np.int64]:
    """Token scores int64 (...,) from hidden sums int64 (..., channels), biases included.

    Each channel is requantised to 8 bits, looked up in the GELU table and weighted:
    score = sum_c table[q_c] * score_weight_c. Only the order of the scores matters.
    """
    index = requantize(hidden, multiplier, shift) & 0xFF
    scores: NDArray[np.int64] = gelu_table().astype(np.int64)[index] @ score_weight.astype(np.int64)
    return scores


def topk_keep(scores: NDArray[np.integer], k: int) -> NDArray[np.int64]:
    """Ascending positions int64 (k,) of the k best of scores (N,); the lower position wins ties."""
    if not 1 <= k <= len(scores):
        raise ValueError(f"k must be in 1..{len(scores)}, not {k}")
    best = np.argsort(-np.asarray(scores, np.int64), kind="stable")[:k]
    return np.sort(best)


def pool_size(size: int) -> int:
    """Edge length after a 3x3 max-pool of stride 2 and padding 1."""
    return (size - 1) // 2 + 1


def signed_bits(low: int, high: int) -> int:
    """Bits of the narrowest two's complement number that holds low..high."""
    return 1 + max(max(high, 0).bit_length(), (-min(low, 0) - 1).bit_length() if low < 0 else 0)


def unsigned_bits(high: int) -> int:
    """Bits of the narrowest unsigned number that holds 0..high, at least 1."""
    return max(1, high.bit_length())


def accumulator_bounds(
    weight: NDArray[np.integer], bias: NDArray[np.integer], input_max: int
) -> tuple[int, int]:
    """Lowest and highest a + b over all channels, for any inputs in 0..input_max.

    weight: (out, ...); bias: (out,).
    """
    flat = weight.reshape(len(weight), -1).astype(np.int64)
    low = np.minimum(flat, 0).sum(1) * input_max + bias
    high = np.maximum(flat, 0).sum(1) * input_max + bias
    return int(low.min()), int(high.max())


def membrane_bounds(low: int, high: int, time_steps: int) -> tuple[int, int]:
    """Lowest and highest P_t while every step's a + b lies in low..high (before the reset)."""
    total = 2**time_steps - 1
    return min(0, low) * total, max(0, high) * total


def residual_max(blocks_done: int) -> int:
    """Highest residual count x after the stem (2) and `blocks_done` blocks (2 each)."""
    return 2 + 2 * blocks_done
