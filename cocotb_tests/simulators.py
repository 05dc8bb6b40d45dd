"""cocotb's runners, changed where their defaults cost time."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from cocotb_tools.runner import Icarus, Runner, Verilator

ICARUS_WAVES = "waves.fst"
"""File in the folder of the run."""
_RUNTIME_OBJECTS = "verilated*.o"
_SAIF = ("--trace-saif", "--trace-max-width", "65536")
"""Activity instead of waves, of words as wide as a line of the activation memories."""


class LeanVerilator(Verilator):
    """Verilator without `--public-flat-rw`: a control file makes the ports of the top public.

    The objects of Verilator's runtime, the same in every build with the same options, come from
    folder `runtime` if it exists; `keep_runtime` fills it. With `activity`, waves are a SAIF file.
    """

    def __init__(self, runtime: Path, *, activity: bool = False) -> None:
        super().__init__()
        self._runtime = runtime
        self._trace = _SAIF if activity else ("--trace",)

    def _build_command(self) -> list[list[str]]:
        verilate, *make = super()._build_command()
        verilate = [word for word in verilate if word != "--public-flat-rw"]
        if "--trace" in verilate:
            place = verilate.index("--trace")
            verilate[place : place + 1] = self._trace
        objects = [str(path) for path in sorted(self._runtime.glob(_RUNTIME_OBJECTS))]
        reuse = [["cp", *objects, str(self.build_dir)]] if objects else []
        return [verilate, *reuse, *make]

    def keep_runtime(self) -> None:
        """Copies the runtime's objects of a finished build to the folder, unless it has them."""
        if self._runtime.is_dir():
            return
        fresh = Path(tempfile.mkdtemp(dir=self._runtime.parent))
        for path in self.build_dir.glob(_RUNTIME_OBJECTS):
            shutil.copy2(path, fresh)
        try:
            os.rename(fresh, self._runtime)
        except OSError:  # another process was faster
            shutil.rmtree(fresh, ignore_errors=True)


class Verilog2005Icarus(Icarus):
    """Icarus in Verilog-2005 mode.

    In SystemVerilog mode an initialiser runs before `always @*` waits, and the blocks that Yosys
    writes to be woken by one never run until an input changes: their outputs stay X.
    """

    def _create_iverilog_dump_file(self) -> None:
        self.iverilog_dump_file.write_text(
            "module cocotb_iverilog_dump;\n"
            "  initial begin\n"
            f'    $dumpfile("{ICARUS_WAVES}");\n'
            f"    $dumpvars(0, {self.hdl_toplevel});\n"
            "  end\n"
            "endmodule\n"
        )

    def _build_command(self) -> list[list[str]]:
        commands = super()._build_command()
        return [["-g2005" if word == "-g2012" else word for word in line] for line in commands]


def make_runner(simulator: str, runtime: Path, *, activity: bool = False) -> Runner:
    """A fresh runner for `simulator`, 'verilator' or 'icarus'; `activity` is Verilator's."""
    if simulator == "verilator":
        return LeanVerilator(runtime, activity=activity)
    return Verilog2005Icarus()
