"""Derived widths, depths and latencies, by hand."""

from __future__ import annotations

import pytest

from sparsespike.contract import derived
from sparsespike.contract.config import load_engine


@pytest.mark.parametrize(
    ("lanes", "chunk", "pitch", "line", "unit", "words", "rows"),
    [
        (1, 4, 1, 4, 1, 1, 4),
        (3, 8, 4, 8, 4, 1, 2),
        (8, 16, 8, 16, 8, 1, 2),
        (9, 4, 16, 16, 4, 4, 1),
        (16, 16, 16, 16, 16, 1, 1),
    ],
)
def test_storage_units(lanes, chunk, pitch, line, unit, words, rows):
    engine = load_engine("small", lanes=lanes, chunk=chunk)
    assert derived.lane_pitch(engine) == pitch
    assert derived.line_slots(engine) == line
    assert derived.unit_slots(engine) == unit
    assert derived.words_per_line(engine) == words
    assert derived.rows_per_line(engine) == rows


@pytest.mark.parametrize(
    ("count_bits", "digit_bits", "digits"), [(1, 1, 1), (6, 1, 6), (4, 2, 2), (5, 2, 3), (6, 2, 3)]
)
def test_digits_of_a_count(count_bits, digit_bits, digits):
    engine = load_engine("small", count_bits=count_bits, digit_bits=digit_bits)
    assert derived.count_digits(engine) == digits


@pytest.mark.parametrize(
    ("axi", "chunk", "weight_bits", "nibbles", "weights", "descriptor"),
    [(64, 16, 8, 16, 8, 8), (128, 64, 4, 32, 32, 4), (64, 4, 6, 16, 8, 8)],
)
def test_stream_beats(axi, chunk, weight_bits, nibbles, weights, descriptor):
    engine = load_engine("small", axi_data_bits=axi, chunk=chunk, weight_bits=weight_bits)
    assert derived.beat_nibbles(engine) == nibbles
    assert derived.weights_per_beat(engine) == weights
    assert derived.descriptor_beats(engine) == descriptor


@pytest.mark.parametrize(
    ("axi", "accumulator", "membrane", "depth", "bits", "per_beat", "beats", "three"),
    [(64, 24, 32, 1024, 64, 1, 1, 3), (128, 24, 32, 4096, 64, 2, 1, 2),
     (64, 24, 33, 1024, 64, 1, 1, 3), (64, 24, 34, 1024, 128, 1, 2, 6),
     (128, 32, 48, 65536, 128, 1, 1, 3), (64, 12, 16, 1, 64, 1, 1, 3)],
)  # fmt: skip
def test_constants(axi, accumulator, membrane, depth, bits, per_beat, beats, three):
    engine = load_engine(
        "small",
        axi_data_bits=axi,
        accumulator_bits=accumulator,
        membrane_bits=membrane,
        weight_depth=depth,
    )
    assert derived.record_bits(engine) == bits
    assert derived.records_per_beat(engine) == per_beat
    assert derived.record_beats(engine) == beats
    assert derived.constants_beats(engine, 3) == three
    fields = derived.record_fields(engine)
    lines = fields.pop("weight_lines")
    assert sum(lines) == bits
    assert 1 << lines[1] > derived.weight_lines(engine)
    assert max(map(sum, fields.values())) <= lines[0]
    assert fields["threshold"] == (accumulator, max(membrane - 1, 23))
    # A selector's constants stand in the threshold's place.
    assert fields["score_weight"][0] + 8 <= sum(fields["threshold"])


@pytest.mark.parametrize(
    ("lanes", "side", "nibbles", "lines", "one", "all_lanes"),
    [(8, 4, 16, 4, 1, 2), (3, 4, 16, 4, 1, 1), (2, 2, 8, 8, 1, 1), (1, 1, 4, 16, 1, 1),
     (12, 4, 16, 4, 1, 3)],
)  # fmt: skip
def test_mask_lines(lanes, side, nibbles, lines, one, all_lanes):
    engine = load_engine("small", lanes=lanes)
    assert derived.mask_lanes(engine) == side
    assert derived.line_nibbles(engine) == nibbles
    assert derived.lines_per_presence(engine) == lines
    assert derived.mask_groups(engine, 1) == one
    assert derived.mask_groups(engine, lanes) == all_lanes


@pytest.mark.parametrize(("words", "places"), [(1, 1), (2, 2), (3, 4), (72, 128), (128, 128)])
def test_a_half_is_a_power_of_two(words, places):
    assert derived.half_words(words) == places


@pytest.mark.parametrize(("steps", "passes"), [(1, 8), (2, 4), (3, 3), (4, 2), (8, 1), (16, 1)])
def test_pixel_passes(steps, passes):
    assert derived.pixel_passes(load_engine("small", time_steps=steps)) == passes


def test_bursts_end_at_pages():
    engine = load_engine("small")
    assert derived.burst_sizes(engine, 0, 70) == [32, 32, 6]
    # 504 beats of 8 bytes are left in the page behind byte 64
    assert derived.burst_sizes(engine, 64, 520) == [32] * 15 + [24, 16]
    assert derived.burst_sizes(engine, 0, 0) == []


def test_cycles_of_blocks():
    engine = load_engine("small")
    assert derived.write_slots(load_engine("small", clusters=2)) == 4
    assert derived.write_slots(load_engine("small", clusters=24)) == 24
    assert derived.attention_slots(load_engine("large")) == 12
    assert derived.attention_slots(load_engine("micro")) == 4
    assert [derived.neuron_gap(engine, takes) for takes in (1, 4, 8)] == [6, 3, 1]
    assert derived.neuron_latency(engine) == 10
    # two groups of candidates: 2 * (8 + 10 + 1) + 10 of compaction + 1
    assert derived.topk_cycles(10) == 50
    assert derived.topk_comparisons(10) == 160
    # ten logits on a 64-bit bus: 5 beats of 2 + 1 cycles, then latency 20 and 1
    assert derived.logit_cycles(engine, 10) == 36
