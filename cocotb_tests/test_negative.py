# ruff: noqa: D103
"""The check must fail: one flipped bit, one edited token or counter, one late cycle."""

import copy
import dataclasses

import numpy as np
import pytest
from amaranth.hdl import Module, Signal

from cocotb_tests import corrupt
from cocotb_tests.cosim import judge, run_cases
from cocotb_tests.engine_run import run_frames
from cocotb_tests.rtl import verilog_files
from hw.generate import write_verilog
from hw.lane_queue import LaneQueue
from sim.simulate import simulate
from sparsespike.contract import derived
from sparsespike.contract.counters import COUNTERS


def _first_wrong_layer(case, image):
    """Where the simulator says that the changed program image first shows, None if nowhere."""
    program = dataclasses.replace(case.program, image=image)
    wrong = simulate(program, case.images, keep_tensors=True)
    for name in wrong.layers:
        pairs = [
            (part[name], good[name])
            for part, good in (
                (wrong.tensors, case.simulated.tensors),
                (wrong.scores, case.simulated.scores),
                (wrong.kept, case.simulated.kept),
            )
            if name in part
        ]
        if any(not np.array_equal(a, b) for a, b in pairs):
            return name
    return "head" if not np.array_equal(wrong.logits, case.simulated.logits) else None


def _flips(case):
    """(what, layer where it must show, image), one of each kind in several layers."""
    makers = {
        "weight": corrupt.flip_weight,
        "mask bit": corrupt.flip_mask,
        "threshold": lambda program, place: corrupt.flip_threshold(program, place, 8),
    }
    wanted = {
        "weight": ("conv0", "block.0.fc1", "head"),
        "mask bit": ("conv1", "block.0.qkv"),
        "threshold": ("conv2", "block.0.proj"),
    }
    for what, layers in wanted.items():
        for layer in layers:
            places = (p for p in corrupt.lane_places(case.program) if p.layer == layer and p.mask)
            images = (makers[what](case.program, place) for place in places)
            yield next(
                (what, layer, image) for image in images if _first_wrong_layer(case, image) == layer
            )


def test_one_flipped_bit_is_found_in_its_layer(tiny_case):
    flips = list(_flips(tiny_case))
    cases = [dataclasses.replace(tiny_case, frames=[]) for _ in flips]
    results = run_cases(cases, program_images=[image.tobytes() for _, _, image in flips])
    for (what, layer, _), result in zip(flips, results, strict=True):
        assert not result.bit_exact, what
        wrong = [entry.name for entry in result.layers if entry.mismatches]
        assert wrong[0] == layer, what
        assert f", {layer}: " in result.first_mismatch
        if layer != "head":
            assert "token" in result.first_mismatch
            assert "RTL wrote it at cycle" in result.first_mismatch


@pytest.fixture
def tiny_run(tiny_case):
    """A good run of `tiny`, to be edited."""
    run = run_frames([tiny_case])
    return run.build, run.frames[0]


def _judge(tiny_case, tiny_run, edit):
    made, frames = tiny_run
    assert judge(tiny_case, frames, made=made).cycle_exact
    edited = copy.deepcopy(frames)
    edit(edited)
    return judge(tiny_case, edited, made=made)


def test_edited_traces_and_counters_are_found(tiny_case, tiny_run):
    names = [layer.name for layer in tiny_case.program.layers]

    def keep(frames):
        layer = frames[1].trace.layers[names.index("selector.0")]
        cycle, index, token = layer.keep[-1]
        layer.keep[-1] = (cycle, index, token + 1)

    result = _judge(tiny_case, tiny_run, keep)
    assert not result.bit_exact
    last = tiny_case.golden.kept["selector.0"].shape[1] - 1
    place = f"image 1, selector.0: kept token at index {last}: golden"
    assert result.first_mismatch.startswith(place)

    def spike(frames):
        frames[0].trace.layers[names.index("conv2")].rows.bits[-1, 0] ^= 1

    result = _judge(tiny_case, tiny_run, spike)
    assert not result.bit_exact
    assert result.first_mismatch.startswith("image 0, conv2: spike at token")

    def row(frames):
        frames[0].trace.layers[0].rows.address[0] += 1 << 20

    result = _judge(tiny_case, tiny_run, row)
    assert not result.bit_exact
    assert any("lies outside the layer's tensor" in text for text in result.bus_problems)

    for name in COUNTERS:
        place = COUNTERS.index(name)

        def count(frames, place=place):
            frames[0].counters[4][place] += 1

        result = _judge(tiny_case, tiny_run, count)
        assert result.bit_exact
        assert not result.cycle_exact
        assert f"image 0, rpe: {'cycles' if name == 'cycles' else f'counter {name}'}:" in (
            result.first_mismatch
        )

    def logit(frames):
        cycle, data = frames[0].trace.write_beats[0]
        frames[0].trace.write_beats[0] = (cycle, bytes([data[0] ^ 1]) + data[1:])

    result = _judge(tiny_case, tiny_run, logit)
    assert result.first_mismatch.startswith("image 0, head: logit at index 0: golden")

    def beat(frames):
        frames[0].trace.read_beats -= 1

    result = _judge(tiny_case, tiny_run, beat)
    assert result.bit_exact
    assert not result.cycle_exact
    assert "beats read" in result.first_mismatch


class _PromptQueue(LaneQueue):
    """The lane queue as it is, whatever its parent is patched to do."""

    elaborate = LaneQueue.elaborate


def _late_queue(self, platform):
    """A lane queue that offers each entry one cycle late."""
    m = Module()
    m.submodules.queue = queue = _PromptQueue(self._shape, depth=self._depth)
    seen = Signal()
    m.d.sync += seen.eq(queue.o.valid & ~(self.o.valid & self.o.ready))
    m.d.comb += [
        queue.push.eq(self.push),
        queue.i.eq(self.i),
        self.full.eq(queue.full),
        self.o.p.eq(queue.o.p),
        self.o.valid.eq(queue.o.valid & seen),
        queue.o.ready.eq(self.o.ready & seen),
    ]
    return m


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("sparsespike.contract.derived.DRAIN_CYCLES", derived.DRAIN_CYCLES + 1),
        ("hw.lane_queue.LaneQueue.elaborate", _late_queue),
    ],
    ids=["drain", "lane queue"],
)
def test_one_late_cycle_in_the_hardware_is_found(tiny_case, tmp_path, target, value):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, value)
        write_verilog(tiny_case.program.engine, tmp_path)
    case = tiny_case.pick([0])
    (result,) = run_cases([case], verilog=verilog_files(tmp_path))
    assert result.bit_exact
    assert not result.cycle_exact
    assert "image 0, conv0: cycles: simulator" in result.first_mismatch
