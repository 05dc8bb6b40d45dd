"""AXI4 and AXI4-Lite as the engine uses them: bus signatures, and the join of reader and writer."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from sparsespike.contract import derived

ADDRESS_BITS = 64
ID_BITS = 1
PAGE_BITS = exact_log2(derived.PAGE_BYTES)
"""A burst must not cross a page."""
INCREMENTING = 1
"""AxBURST of incrementing addresses."""
CACHEABLE = 0b0011
"""AxCACHE: normal, non-cacheable, bufferable memory."""


def axi4_read(*, data_bits: int) -> wiring.Signature:
    """Read address and read data channels, seen from the manager."""
    return wiring.Signature(
        {
            **_address_channel("ar"),
            "rid": In(ID_BITS),
            "rdata": In(data_bits),
            "rresp": In(2),
            "rlast": In(1),
            "rvalid": In(1),
            "rready": Out(1),
        }
    )


def axi4_write(*, data_bits: int) -> wiring.Signature:
    """Write address, write data and response channels, seen from the manager."""
    return wiring.Signature(
        {
            **_address_channel("aw"),
            "wdata": Out(data_bits),
            "wstrb": Out(data_bits // 8),
            "wlast": Out(1),
            "wvalid": Out(1),
            "wready": In(1),
            "bid": In(ID_BITS),
            "bresp": In(2),
            "bvalid": In(1),
            "bready": Out(1),
        }
    )


def axi4(*, data_bits: int) -> wiring.Signature:
    """All five channels, seen from the manager."""
    reads, writes = axi4_read(data_bits=data_bits), axi4_write(data_bits=data_bits)
    return wiring.Signature({**dict(reads.members), **dict(writes.members)})


def axi4_lite(*, address_bits: int) -> wiring.Signature:
    """A 32-bit AXI4-Lite bus, seen from the manager."""
    return wiring.Signature(
        {
            "awaddr": Out(address_bits),
            "awprot": Out(3),
            "awvalid": Out(1),
            "awready": In(1),
            "wdata": Out(32),
            "wstrb": Out(4),
            "wvalid": Out(1),
            "wready": In(1),
            "bresp": In(2),
            "bvalid": In(1),
            "bready": Out(1),
            "araddr": Out(address_bits),
            "arprot": Out(3),
            "arvalid": Out(1),
            "arready": In(1),
            "rdata": In(32),
            "rresp": In(2),
            "rvalid": In(1),
            "rready": Out(1),
        }
    )


def join(m: Module, port: wiring.PureInterface, *parts: wiring.PureInterface) -> None:
    """Drives the manager `port` from parts that each own some of its channels."""
    for part in parts:
        for name, member in part.signature.members.items():
            if member.flow == Out:
                m.d.comb += getattr(port, name).eq(getattr(part, name))
            else:
                m.d.comb += getattr(part, name).eq(getattr(port, name))


def _address_channel(prefix: str) -> dict[str, wiring.Member]:
    return {
        f"{prefix}id": Out(ID_BITS),
        f"{prefix}addr": Out(ADDRESS_BITS),
        f"{prefix}len": Out(8),
        f"{prefix}size": Out(3),
        f"{prefix}burst": Out(2),
        f"{prefix}lock": Out(1),
        f"{prefix}cache": Out(4),
        f"{prefix}prot": Out(3),
        f"{prefix}valid": Out(1),
        f"{prefix}ready": In(1),
    }
