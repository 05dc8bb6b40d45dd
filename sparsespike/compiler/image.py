"""The memory image: header, descriptors, and the weight stream on the next page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sparsespike.contract import derived
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.errors import ContractError
from sparsespike.contract.program import (
    FORMAT_VERSION,
    HEADER_FIELDS,
    HEADER_MAGIC,
    Layer,
    pack_words,
)


def memory_image(
    engine: EngineConfig, layers: Sequence[Layer], stream: bytes, *, pixels: int, pixel_base: int
) -> NDArray[np.uint8]:
    """uint8 bytes from PROGRAM_ADDR on. Raises ContractError if a field is too narrow."""
    table = b"".join(_pack_descriptor(layer) for layer in layers)
    offset = (
        derived.ceil_div(derived.DESCRIPTOR_BYTES + len(table), derived.PAGE_BYTES)
        * derived.PAGE_BYTES
    )
    header = {
        "magic": HEADER_MAGIC,
        "version": FORMAT_VERSION,
        "engine": int(engine.hash[-8:], 16),
        "layers": len(layers),
        "weight_offset": offset,
        "weight_beats": len(stream) // (engine.axi_data_bits // 8),
        "pixels": pixels,
        "pixel_base": pixel_base,
    }
    head = (pack_words(header, HEADER_FIELDS) + table).ljust(offset, b"\0")
    return np.frombuffer(head + stream, np.uint8)


def _pack_descriptor(layer: Layer) -> bytes:
    try:
        return layer.descriptor.pack()
    except ContractError as error:
        raise ContractError(f"layer {layer.name}: {error}") from None
