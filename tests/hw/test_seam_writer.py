"""SeamWriter: which lines it clears, and for how many cycles it makes the layer wait."""

import pytest

from hw.layouts import MemoryKind
from hw.seam_writer import SeamWriter
from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.program import Descriptor, Output


@pytest.mark.parametrize(
    "fields, cleared, cycles",
    [
        ({"height": 8}, [], 0),
        ({"height": 8, "split": 1, "seam_lines": 3}, [0, 1, 2], 3),
        ({"height": 5, "split": 2, "seam_lines": 1}, [0], 1),
    ],
)
@pytest.mark.parametrize("output", [Output.SPIKE, Output.COUNT])
def test_seams(clocked, fields, cleared, cycles, output):
    engine = load_engine("micro")
    rows = derived.rows_per_line(engine)
    layer = Descriptor(operation=1, tokens=1, groups=1, time_steps=4, layer=0, pool=1,
                       output=int(output), destination_base=10 * rows, **fields)  # fmt: skip
    dut = SeamWriter(engine)
    begins = (3, 20)
    written, waited = [], []

    def step(ctx, cycle):
        ctx.set(dut.descriptor, vars(layer) | {"magic": 0, "checksum": 0})
        prepare = any(begin <= cycle <= begin + cycles for begin in begins)
        ctx.set(dut.prepare, prepare)
        waited.append(ctx.get(dut.waits) and prepare)
        if ctx.get(dut.write.valid):
            kind = MemoryKind.COUNT if output == Output.COUNT else MemoryKind.SPIKE
            assert ctx.get(dut.write.memory) == kind
            assert ctx.get(dut.write.data) == 0
            assert ctx.get(dut.write.enable) == (1 << len(dut.write.enable)) - 1
            written.append(ctx.get(dut.write.address) - 10)
        return cycle == 40

    clocked(dut, step, 50)
    assert written == 2 * cleared
    seen = [cycle for cycle, waits in enumerate(waited) if waits]
    assert seen == [begin + i for begin in begins for i in range(cycles)]
