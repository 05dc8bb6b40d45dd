"""read32 and write32 over a UART, in the protocol of LiteX's UARTBone.

`send(data)` and `receive(count)` are coroutine functions that carry bytes: over a serial port of a
host, or over the pins of a simulated board.
"""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable, Sequence

Send = Callable[[bytes], Awaitable[None]]
Receive = Callable[[int], Awaitable[bytes]]

_WRITE, _READ = 1, 2
_MOST_WORDS = 255


class UartBus:
    """32-bit words at byte addresses, multiples of 4, behind a UART bridge."""

    def __init__(self, send: Send, receive: Receive) -> None:
        self._send, self._receive = send, receive

    async def read32(self, address: int) -> int:
        """The word at `address`."""
        return (await self.read_words(address, 1))[0]

    async def write32(self, address: int, value: int) -> None:
        """Writes the word at `address`; nothing is answered."""
        await self.write_words(address, [value])

    async def read_words(self, address: int, count: int) -> list[int]:
        """`count` words from `address` on."""
        words: list[int] = []
        while len(words) < count:
            part = min(_MOST_WORDS, count - len(words))
            await self._send(_request(_READ, part, address + 4 * len(words)))
            words += struct.unpack(f">{part}I", await self._receive(4 * part))
        return words

    async def write_words(self, address: int, words: Sequence[int]) -> None:
        """Writes words from `address` on."""
        for start in range(0, len(words), _MOST_WORDS):
            part = words[start : start + _MOST_WORDS]
            request = _request(_WRITE, len(part), address + 4 * start)
            await self._send(request + struct.pack(f">{len(part)}I", *part))


def _request(command: int, count: int, address: int) -> bytes:
    if address % 4:
        raise ValueError(f"address 0x{address:X} is not a multiple of 4")
    return struct.pack(">BBI", command, count, address // 4)
