"""Times before the first layer, counted by hand."""

import numpy as np
import pytest

from model.zoo import load_integer
from sim.frame import frame_start
from sparsespike.compiler import compile_network
from sparsespike.contract.config import load_engine


def start_of(**overrides):
    return frame_start(compile_network(load_integer("tiny"), load_engine("small", **overrides)))


def test_header_descriptors_and_image_from_a_fast_memory():
    # Header: command 1, address 2, beats 22..29. Twelve descriptors are 96 beats, three bursts:
    # command 31, addresses 32, 33 and 84 (one after the last beat of the first burst, 83).
    # Image: 32 beats of 2 pixels, 2 passes each: command 148, the first beat at 169.
    start = start_of(memory_latency=20)
    reads = start.reads
    assert reads[:8].tolist() == list(range(22, 30))
    assert reads[8:72].tolist() == list(range(52, 116))
    assert reads[72:104].tolist() == list(range(116, 148))
    # Two pixels of two words: a beat every 4 cycles.
    assert reads[104:].tolist() == list(range(169, 169 + 4 * 32, 4))
    assert start.weights == reads[-1] + 1
    assert start.first_layer == reads[-1] + 5


def test_a_burst_waits_for_the_one_before_the_last():
    # Latency 60: burst 2's address follows burst 0's last beat (cycle 163), beats 60 later.
    reads = start_of(memory_latency=60).reads
    assert reads[7] == 2 + 60 + 7
    assert reads[8] == 71 + 1 + 60
    assert reads[8 + 31] == 163
    assert reads[8 + 64] == 164 + 60


@pytest.mark.parametrize("interval", [2, 3])
def test_beats_keep_the_interval_of_the_memory(interval):
    reads = start_of(memory_latency=5, memory_interval=interval).reads
    assert np.diff(reads[:8]).tolist() == [interval] * 7
    assert np.diff(reads).min() == interval


def test_a_wide_bus_halves_the_beats():
    start = start_of(axi_data_bits=128)
    assert len(start.reads) == 4 + 12 * 4 + 16
    # Four pixels of two words a beat.
    assert start.first_layer == start.reads[-1] + 9
