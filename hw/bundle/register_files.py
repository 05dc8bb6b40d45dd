"""The register map as SystemRDL and as a C header."""

from __future__ import annotations

from hw import register_map
from hw.register_map import Field, Register
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.counters import COUNTER_MEANINGS, COUNTERS

_SOFTWARE = {"ro": "r", "rw": "rw", "wo": "w", "w1c": "rw"}


def as_system_rdl(engine: EngineConfig) -> str:
    """SystemRDL 2.0 (Accellera) of the map, with the values of this engine."""
    fixed = register_map.constants(engine)
    lines = [
        "addrmap sparsespike_engine {",
        '  name = "sparsespike engine"; default regwidth = 32; default hw = rw;',
    ]
    for entry in register_map.REGISTERS:
        lines += [f'  reg {{ name = "{entry.name}"; desc = "{entry.meaning}";']
        fields = entry.fields or (Field("value", 0, 32, entry.meaning),)
        lines += [_rdl_field(entry, field, fixed.get(entry.name, entry.reset)) for field in fields]
        lines += [f"  }} {entry.name} @ 0x{entry.address:04X};"]
    lines += ['  regfile { name = "counters of a layer";']
    for index, name in enumerate(COUNTERS):
        lines.append(
            f'    reg {{ desc = "{COUNTER_MEANINGS[name]}"; '
            f"field {{ sw = r; }} value[31:0]; }} {name} @ 0x{4 * index:02X};"
        )
    lines += [
        f"  }} LAYER[{engine.max_layers}] @ 0x{register_map.COUNTER_BASE:04X} "
        f"+= 0x{register_map.COUNTER_STRIDE:X};",
        "};",
    ]
    return "\n".join(lines) + "\n"


def as_c_header(engine: EngineConfig) -> str:
    """Offsets, masks and shifts as C macros."""
    fixed = register_map.constants(engine)
    lines = [
        "/* Registers of sparsespike_engine; 32-bit, little-endian. Belongs to its user. */",
        "#ifndef SPARSESPIKE_ENGINE_H",
        "#define SPARSESPIKE_ENGINE_H",
        "",
    ]
    for entry in register_map.REGISTERS:
        lines.append(
            f"#define SPARSESPIKE_{entry.name} 0x{entry.address:04X}u /* {entry.meaning} */"
        )
        if entry.access == "ro" and entry.name in fixed:
            lines.append(f"#define SPARSESPIKE_{entry.name}_VALUE 0x{fixed[entry.name]:08X}u")
        for field in entry.fields:
            stem = f"SPARSESPIKE_{entry.name}_{field.name.upper()}"
            mask = ((1 << field.bits) - 1) << field.low
            lines += [f"#define {stem}_SHIFT {field.low}", f"#define {stem}_MASK 0x{mask:08X}u"]
    lines += [""]
    lines += [
        f"#define SPARSESPIKE_ERROR_{name} {code}"
        for name, code in register_map.ERROR_CODES.items()
    ]
    lines += [
        "",
        f"#define SPARSESPIKE_LAYERS {engine.max_layers}u",
        f"#define SPARSESPIKE_COUNTER(layer, counter) \\\n  (0x{register_map.COUNTER_BASE:04X}u + "
        f"(layer) * {register_map.COUNTER_STRIDE}u + (counter) * 4u)",
    ]
    lines += [f"#define SPARSESPIKE_COUNTER_{name.upper()} {i}u" for i, name in enumerate(COUNTERS)]
    return "\n".join([*lines, "", "#endif"]) + "\n"


def _rdl_field(entry: Register, field: Field, reset: int) -> str:
    access = f"sw = {_SOFTWARE[entry.access]};"
    if entry.access == "w1c":
        access += " woclr;"
    value = reset >> field.low & ((1 << field.bits) - 1)
    span = f"[{field.low + field.bits - 1}:{field.low}]"
    initial = "" if entry.access == "wo" else f" = 0x{value:X}"
    # A field may not have the name of a keyword of the language.
    name = f"{field.name}_" if field.name in ("field", "reg", "default") else field.name
    return f'    field {{ desc = "{field.meaning}"; {access} }} {name}{span}{initial};'
