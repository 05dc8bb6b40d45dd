# ruff: noqa: D103
"""Trace files and memory images, by hand-made examples."""

import numpy as np
import pytest

from cocotb_tests.memory_image import MemoryImage, pixel_bytes
from cocotb_tests.trace import read_trace

TRACE = """\
S 100
R 110 0 5 0a
R 112 1 7 f1
P 115 3 -12
K 120 0 9
L 150 0
R 160 0 6 01
L 170 1
A 171 20480 2
W 172 0 00000000fffffffe
W 173 1 0000000100000000
I 180 40 3 2
S 200
V 201 AR changed before ARREADY
L 210 0
"""


def test_frames_layers_and_events(tmp_path):
    path = tmp_path / "trace.txt"
    path.write_text(TRACE)
    first, second = read_trace(path, row_bits=8)
    assert [(layer.index, layer.last_cycle) for layer in first.layers] == [(0, 50), (1, 70)]
    rows = first.layers[0].rows
    assert rows.cycle.tolist() == [10, 12]
    assert rows.memory.tolist() == [0, 1]
    assert rows.address.tolist() == [5, 7]
    assert rows.bits.tolist() == [[0, 1, 0, 1, 0, 0, 0, 0], [1, 0, 0, 0, 1, 1, 1, 1]]
    assert first.layers[0].scores == [(15, 3, -12)]
    assert first.layers[0].keep == [(20, 0, 9)]
    assert (first.irq_cycle, first.read_beats, first.read_bursts) == (80, 40, 3)
    assert first.write_bursts == [(71, 20480, 2)]
    data = b"".join(beat for _, beat in first.write_beats)
    assert np.frombuffer(data, "<i4").tolist() == [-2, 0, 0, 1]
    assert second.irq_cycle == -1
    assert second.violations == ["cycle 1: AR changed before ARREADY"]
    assert second.layers[0].rows.bits.shape == (0, 8)


def test_an_undefined_bit_is_named(tmp_path):
    path = tmp_path / "trace.txt"
    path.write_text("S 0\nR 4 0 12 0x\nL 9 0\n")
    with pytest.raises(ValueError, match="row 12 of cycle 4 has undefined bits: 0x"):
        read_trace(path, row_bits=8)


def test_memory_image(tmp_path):
    memory = MemoryImage(beat_bytes=8)
    first, second = memory.add(b"abcdefgh" + b"ijk"), memory.add(bytes(4096))
    assert (first, second) == (4096, 12288)
    assert memory.content()[first : first + 11] == b"abcdefghijk"
    memory.write(tmp_path)
    lines = (tmp_path / "memory.hex").read_text().splitlines()
    assert len(lines) == memory.beats
    assert lines[first // 8] == b"hgfedcba".hex()
    assert (tmp_path / "memory.bin").read_bytes() == memory.content()


def test_pixels_take_four_bytes_each():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert pixel_bytes(image) == bytes([0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0])
