"""The FPGA families that an engine can be synthesised for, and how their cells are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sparsespike.contract.errors import ContractError

_LUTS = {f"LUT{inputs}": 1.0 for inputs in range(1, 7)}
# Distributed memory and shift registers take the LUTs of their slices (AMD UG474, table 2-3).
_XILINX_LUTS = _LUTS | {
    "LUT6_2": 1.0,
    "RAM32X1S": 1.0,
    "RAM64X1S": 1.0,
    "RAM32X1D": 2.0,
    "RAM64X1D": 2.0,
    "RAM128X1S": 2.0,
    "RAM128X1D": 4.0,
    "RAM256X1S": 4.0,
    "RAM32M": 4.0,
    "RAM64M": 4.0,
    "RAM32M16": 8.0,
    "RAM64M8": 8.0,
    "SRL16E": 1.0,
    "SRLC32E": 1.0,
}
_XILINX_FFS = {
    f"{cell}{edge}": 1.0 for cell in ("FDRE", "FDSE", "FDCE", "FDPE") for edge in ("", "_1")
}


@dataclass(frozen=True, kw_only=True)
class Target:
    """A family: its synthesis and what each of its cells counts as.

    Attributes:
        commands: Yosys commands for a design that has been read; `{top}` is its top.
        route: those that make one flat netlist to place; none where nothing can place.
        lut_inputs: inputs of the LUTs that are counted.
        bram_kbit: bits of one block RAM, in units of 1,024.
        cells: for lut, ff, bram and dsp, what one cell of a type counts.
        device: option of nextpnr-ecp5; luts, brams, dsps: what the device has of them.
        speed: speed grade.
    """

    name: str
    description: str
    commands: tuple[str, ...]
    lut_inputs: int
    bram_kbit: float
    cells: Mapping[str, Mapping[str, float]]
    route: tuple[str, ...] = ()
    device: str = ""
    speed: str = "6"
    available: Mapping[str, int] = field(default_factory=dict)

    @property
    def routable(self) -> bool:
        """Whether an open tool can place and route for it."""
        return bool(self.device)


def _xilinx(name: str, family: str, bram: str, dsp: str, description: str) -> Target:
    return Target(
        name=name,
        description=description,
        # The steps of synth_xilinx, with abc for abc9, which cannot map part of a hierarchy.
        commands=(
            f"synth_xilinx -family {family} -noiopad -noclkbuf -top {{top}} -run begin:map_luts",
            "opt_expr -mux_undef -noclkinv",
            "abc -luts 2:2,3,6:5,10,20",
            "clean",
            "xilinx_srl -fixed -minlen 3",
            "techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6",
            "xilinx_dffopt",
            "opt_lut_ins -tech xilinx",
            "clean",
        ),
        lut_inputs=6,
        bram_kbit=36.0,
        cells={
            "lut": _XILINX_LUTS,
            "ff": _XILINX_FFS,
            "bram": {f"RAMB36{bram}": 1.0, f"RAMB18{bram}": 0.5},
            "dsp": {dsp: 1.0},
        },
    )


def _apart(change: str) -> tuple[str, ...]:
    """Sets or unsets what keeps clusters, and their registers of buses, from being merged.

    In one flat design Yosys merges equal registers: what clusters at opposite ends of a chip have
    of their own, so that nothing wide has far to go in a cycle, would be one again.
    """
    return tuple(f"setattr -mod -{change} {name}" for name in ("*cluster", "*cluster_*_bus"))


def _ecp5(size: str, luts: int, brams: int, dsps: int) -> Target:
    return Target(
        name=f"ecp5-{size}",
        description=f"Lattice LFE5U-{size.upper()}F, speed grade 6",
        # Hierarchical: blocks stay apart, so that they can be counted; abc for abc9, which cannot
        # map part of a hierarchy.
        commands=(
            "synth_ecp5 -noflatten -top {top} -run begin:map_luts",
            "abc -lut 4:7",
            "clean",
            "synth_ecp5 -noflatten -top {top} -run map_cells:check",
        ),
        route=(
            *_apart("set keep_hierarchy 1"),
            "synth_ecp5 -nowidelut -top {top} -run begin:map_luts",
            # Names of parts that are left over would mislead abc9: it takes bit 0 of a wire called
            # `sums[1]` for bit 1 of a wire called `sums`, and drives that twice.
            "opt_clean -purge",
            "synth_ecp5 -nowidelut -top {top} -run map_luts:json",
            *_apart("unset keep_hierarchy"),
            "flatten",
            "opt_clean -purge",
            "check -assert",
            "write_json {netlist}",
        ),
        lut_inputs=4,
        bram_kbit=18.0,
        cells={
            # A carry cell uses both LUTs of its slice; a 16x4 memory three slices less half
            # of the last (Lattice FPGA-TN-02204).
            "lut": {"LUT4": 1.0, "CCU2C": 2.0, "TRELLIS_DPR16X4": 6.0},
            "ff": {"TRELLIS_FF": 1.0},
            "bram": {"DP16KD": 1.0, "PDPW16KD": 1.0},
            "dsp": {"MULT18X18D": 1.0},
        },
        device=f"--{size}",
        available={"lut": luts, "ff": luts, "bram": brams, "dsp": dsps},
    )


_ALL = (
    Target(
        name="generic",
        description="any FPGA with 6-input LUTs; multipliers in LUTs, memories as bits",
        commands=(
            "synth -run begin:fine -top {top}",
            "opt -fast -full",
            "opt -undriven -fine",
            "techmap",
            "opt -fast",
            "abc -lut 6",
            "opt -fast",
        ),
        lut_inputs=6,
        bram_kbit=36.0,
        cells={"lut": {"$lut": 1.0}, "ff": {"$_DFF": 1.0, "$_SDFF": 1.0}, "bram": {}, "dsp": {}},
    ),
    # Data sheet FPGA-DS-02012, table 1.1: LUTs, 18-kbit blocks, 18x18 multipliers.
    _ecp5("25k", 24_288, 56, 28),
    _ecp5("45k", 43_848, 108, 72),
    _ecp5("85k", 83_640, 208, 156),
    _xilinx("xc7", "xc7", "E1", "DSP48E1", "AMD 7 series"),
    _xilinx("xcup", "xcup", "E2", "DSP48E2", "AMD UltraScale+"),
)
TARGETS: Mapping[str, Target] = {target.name: target for target in _ALL}


def find_target(name: str) -> Target:
    """The target of that name. Raises ContractError."""
    if name not in TARGETS:
        known = ", ".join(TARGETS)
        raise ContractError(f"target '{name}' is not one of {known}: choose one of these")
    return TARGETS[name]
