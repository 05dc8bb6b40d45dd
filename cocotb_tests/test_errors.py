# ruff: noqa: D103
"""Faults of program, bus and memory: a code within bounded time, and the next frame works."""

import dataclasses

import pytest

from cocotb_tests import corrupt
from cocotb_tests.case import place_frames
from cocotb_tests.cosim import judge
from cocotb_tests.launch import launch
from cocotb_tests.memory_image import MemoryImage
from cocotb_tests.registers import bench_registers, decode_status
from cocotb_tests.rtl import engine_build, row_bits
from sparsespike.contract import derived
from sparsespike.contract.derived import PAGE_BYTES

WATCHDOG = 20_000
BOUND = 60_000
"""Cycles from start to the interrupt of an error, at most."""


def _image_faults(program):
    """name -> (error, layer of the error or None, image)."""
    packets = {}
    for place in corrupt.lane_places(program):
        packets.setdefault(place.header, place)
    headers = list(packets)
    faults = {
        f"header {field}": (
            "HEADER",
            None,
            corrupt.flip_bit(program, corrupt.header_byte(field), 0),
        )
        for field in ("magic", "version", "engine", "checksum", "pixels")
    }
    faults["header layers"] = (
        "HEADER",
        None,
        corrupt.flip_bit(program, corrupt.header_byte("layers") + 1, 7),
    )
    last = len(program.layers) - 1
    for layer in (0, 3, last):
        for field in ("magic", "checksum", "threshold"):
            image = corrupt.flip_bit(program, corrupt.descriptor_byte(layer, field), 0)
            faults[f"descriptor {layer} {field}"] = ("DESCRIPTOR", layer, image)
    for field in ("operation", "tokens", "groups"):
        image = corrupt.with_descriptor_field(program, 2, field, 0)
        faults[f"descriptor 2 {field} 0"] = ("DESCRIPTOR", 2, image)
    for number in (0, 5, len(headers) - 1):
        image = corrupt.flip_bit(program, headers[number], 0)
        faults[f"tile {number} magic"] = ("STREAM", None, image)
    faults["tile 1 cluster"] = ("STREAM", None, corrupt.flip_bit(program, headers[1] + 1, 4))
    faults["tile 1 lanes"] = ("STREAM", None, corrupt.flip_bit(program, headers[1] + 2, 5))
    faults["tile 1 mask words"] = ("STREAM", None, corrupt.flip_bit(program, headers[1] + 5, 7))
    faults["tile 1 nibbles"] = ("STREAM", None, corrupt.flip_bit(program, headers[1] + 6, 0))
    end = packets[headers[2]].record + derived.record_bits(program.engine) // 8
    faults["lane weight lines"] = ("STREAM", None, corrupt.flip_bit(program, end - 1, 7))
    return faults


BUS_FAULTS = {
    "RRESP in the header": ("READ", {"fault_read_beat": 3}),
    "RRESP in the descriptors": ("READ", {"fault_read_beat": 20}),
    "RRESP in the image": ("READ", {"fault_read_beat": 120}),
    "RRESP in the weights": ("READ", {"fault_read_beat": 400}),
    "BRESP": ("WRITE", {"fault_write": 1}),
    "silent from the start": ("TIMEOUT", {"silent_beat": 1}),
    "silent in the descriptors": ("TIMEOUT", {"silent_beat": 30}),
    "silent in the image": ("TIMEOUT", {"silent_beat": 125}),
    "silent in the weights": ("TIMEOUT", {"silent_beat": 300}),
    "silent near the end": ("TIMEOUT", {"silent_beat": 700}),
}


def _run(case, faulty, memory):
    """Each faulty frame, each followed by the case's own two frames."""
    engine = case.program.engine
    good = [dataclasses.replace(frame, watchdog=WATCHDOG) for frame in case.frames]
    frames = [frame for fault in faulty for frame in (fault, *good)]
    made = engine_build(engine, memory_beats=memory.beats)
    results = launch(made, frames, memory, registers=bench_registers(), row_bits=row_bits(engine))
    step = 1 + len(good)
    return made, results[::step], [results[i + 1 : i + step] for i in range(0, len(results), step)]


def _assert_error(name, result, error, layer):
    status = decode_status(result.status)
    assert result.finished, name
    assert status.error == error, name
    assert result.trace.irq_cycle < BOUND, name
    if layer is not None:
        assert status.layer == layer, name
    idle = decode_status(result.idle_status)
    assert (idle.busy, idle.error) == (False, "NONE"), name


def _assert_recovered(name, case, made, results):
    judged = judge(case, results, made=made)
    assert judged.first_mismatch == "", name
    assert judged.bit_exact, name
    assert judged.cycle_exact, name


@pytest.fixture
def placed(tiny_case):
    memory = MemoryImage(beat_bytes=tiny_case.program.engine.axi_data_bits // 8)
    place_frames(memory, tiny_case)
    return tiny_case, memory


def test_corrupt_programs(placed):
    case, memory = placed
    faults = _image_faults(case.program)
    faulty = [
        dataclasses.replace(
            case.frames[0],
            program_address=memory.add(image.tobytes()),
            watchdog=WATCHDOG,
            limit_cycles=BOUND,
        )
        for _, _, image in faults.values()
    ]
    made, results, after = _run(case, faulty, memory)
    for (name, (error, layer, _)), result, good in zip(faults.items(), results, after, strict=True):
        _assert_error(name, result, error, layer)
        _assert_recovered(name, case, made, good)


def test_bus_faults_and_silent_memory(placed):
    case, memory = placed
    faulty = [
        dataclasses.replace(case.frames[0], watchdog=WATCHDOG, limit_cycles=BOUND, **fault)
        for _, fault in BUS_FAULTS.values()
    ]
    made, results, after = _run(case, faulty, memory)
    for (name, (error, _)), result, good in zip(BUS_FAULTS.items(), results, after, strict=True):
        _assert_error(name, result, error, None)
        _assert_recovered(name, case, made, good)


def test_unaligned_and_absent_addresses(placed):
    case, memory = placed
    frame = dataclasses.replace(case.frames[0], watchdog=WATCHDOG, limit_cycles=BOUND)
    beyond = memory.beats * memory.beat_bytes + PAGE_BYTES
    faults = {
        "program not aligned": ("HEADER", {"program_address": frame.program_address + 64}),
        "input not aligned": ("HEADER", {"input_address": frame.input_address + 8}),
        "output not aligned": ("HEADER", {"output_address": frame.output_address + 8}),
        "no memory at the program": ("READ", {"program_address": beyond}),
        "no memory at the input": ("READ", {"input_address": beyond}),
    }
    faulty = [dataclasses.replace(frame, **change) for _, change in faults.values()]
    made, results, after = _run(case, faulty, memory)
    for (name, (error, _)), result, good in zip(faults.items(), results, after, strict=True):
        _assert_error(name, result, error, None)
        _assert_recovered(name, case, made, good)
