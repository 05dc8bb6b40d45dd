"""Small combinational trees on bit vectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from amaranth.hdl import Cat, Const, Value, ValueLike


def lowest_one(value: Value) -> Value:
    """One-hot: the lowest set bit of `value`, 0 if there is none; as wide as `value`."""
    # The same decrement as below: one carry chain serves all three.
    return (value & ~(value - 1))[: len(value)]


def below_lowest_one(value: Value) -> Value:
    """Ones below the lowest set bit of `value` (all ones if there is none); as wide as `value`."""
    return ((value - 1) & ~value)[: len(value)]


def at_most_one(value: Value) -> Value:
    """1 if `value` has no bit or a single bit set."""
    # Of each part: it has a bit, it has two. Four parts at a time fit the small LUTs of a family.
    level = [(value[bit], Const(0, 1)) for bit in range(len(value))]
    while len(level) > 1:
        parts = [level[low : low + 4] for low in range(0, len(level), 4)]
        level = [(Cat(one for one, _ in part).any(), _has_two(part)) for part in parts]
    return ~level[0][1]


def _has_two(parts: Sequence[tuple[Value, Value]]) -> Value:
    """A part has two bits, or two parts have one; parts: (has a bit, has two) of each."""
    pairs = [left & right for (left, _), (right, _) in combinations(parts, 2)]
    return Cat(two for _, two in parts).any() | Cat(pairs).any()


def at_most_two(value: Value) -> Value:
    """1 if `value` has no bit, one, or two set."""
    # Of each part: it has a bit, two, three. Shallower than clearing the lowest bit twice.
    level = [(value[bit], Const(0, 1), Const(0, 1)) for bit in range(len(value))]
    while len(level) > 1:
        pairs = [
            (a1 | b1, a2 | b2 | (a1 & b1), a3 | b3 | (a2 & b1) | (a1 & b2))
            for (a1, a2, a3), (b1, b2, b3) in zip(level[::2], level[1::2], strict=False)
        ]
        level = pairs + level[len(pairs) * 2 :]
    return ~level[0][2]


def tree_sum(values: Sequence[ValueLike]) -> Value:
    """Sum as a balanced tree, wide enough for every value."""
    level = [Value.cast(value) for value in values] or [Const(0, 1)]
    while len(level) > 1:
        pairs = [left + right for left, right in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def popcount(value: Value) -> Value:
    """Number of set bits, wide enough for all of them.

    Six bits at a time as logic, a LUT for each bit of their number: short carry chains take more.
    """
    bits = [value[bit] for bit in range(len(value))]
    count = tree_sum([_ones(*bits[low : low + 6]) for low in range(0, len(bits), 6)])
    return count[: len(value).bit_length()]


def _ones(*bits: Value) -> Value:
    """Number of ones among up to six bits, as logic."""
    a, b, c, d, e, f = [*bits, *(Const(0, 1) for _ in range(6 - len(bits)))]
    low, high = a ^ b ^ c, (a & b) | (c & (a ^ b))
    other_low, other_high = d ^ e ^ f, (d & e) | (f & (d ^ e))
    carry = low & other_low
    total = (high ^ other_high ^ carry, (high & other_high) | (carry & (high ^ other_high)))
    return Cat(low ^ other_low, *total)[: len(bits).bit_length()]


def encode(one_hot: Value) -> Value:
    """Index of the set bit of a one-hot vector; 0 for none."""
    width = max(1, (len(one_hot) - 1).bit_length())
    return Cat(
        (one_hot & sum(1 << i for i in range(len(one_hot)) if i >> bit & 1)).any()
        for bit in range(width)
    )


def step_major(word: Value, steps: int) -> Value:
    """Bits `slot*steps + step` reordered to `step*slots + slot`."""
    slots = len(word) // steps
    return Cat(word[slot * steps + step] for step in range(steps) for slot in range(slots))


def thermometer(count: Value, width: int) -> Value:
    """Bit i is 1 for i < count."""
    return Cat(count > i for i in range(width))


def union(vectors: Iterable[Value]) -> Value:
    """OR of vectors as a balanced tree."""
    level = list(vectors)
    while len(level) > 1:
        pairs = [left | right for left, right in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]
