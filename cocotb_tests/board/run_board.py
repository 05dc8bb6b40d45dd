"""Runs the frames of this folder on a board and compares: python run_board.py /dev/ttyUSB0.

Logits, cycles and every activity counter must be those of expected.json. Exit code 0: they are,
1: they are not, or the board does not answer, 2: there is no such port.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import struct
import sys
import termios
import tty
from pathlib import Path
from typing import Any

from sparsespike_host import EngineError, SparsespikeHost, run_now
from uart_bus import Receive, Send, UartBus

HERE = Path(__file__).resolve().parent
_PATIENCE_SECONDS = 5.0


async def run_frames(send: Send, receive: Receive, folder: Path) -> list[str]:
    """Loads the program, runs every frame; returns what differs, a line each.

    Raises EngineError where the engine is another one or stops with an error.
    """
    expected = json.loads((folder / "expected.json").read_text())
    base, addresses = expected["registers_base"], expected["addresses"]
    bus = UartBus(send, receive)

    async def read32(address: int) -> int:
        return await bus.read32(base + address)

    async def write32(address: int, value: int) -> None:
        await bus.write32(base + address, value)

    host = SparsespikeHost(read32, write32, folder / "registers.json")
    await host.identify()
    await bus.write_words(addresses["program"], _words(folder / "program.bin"))
    wrong = []
    for number, frame in enumerate(expected["frames"]):
        await bus.write_words(addresses["image"], _words(folder / frame["image"]))
        cycles = await host.run(**addresses)
        found = await bus.read_words(addresses["logits"], len(frame["logits"]))
        logits = [word - (word >> 31 << 32) for word in found]
        wrong += _differences(f"frame {number}: logits", logits, frame["logits"])
        wrong += _differences(f"frame {number}: cycles", cycles, frame["cycles"])
        for layer, counters in enumerate(frame["counters"]):
            what = f"frame {number}, layer {layer}: counters"
            wrong += _differences(what, await host.counters(layer), counters)
        print(f"frame {number}: {cycles} cycles, class {logits.index(max(logits))}", flush=True)
    return wrong


def _differences(what: str, found: Any, wanted: Any) -> list[str]:
    return [] if found == wanted else [f"{what}: {found}, not {wanted}"]


def _words(path: Path) -> list[int]:
    content = path.read_bytes()
    content += bytes(-len(content) % 4)
    return list(struct.unpack(f"<{len(content) // 4}I", content))


class SerialPort:
    """A serial port, raw: eight data bits, no parity. Raises OSError, termios.error."""

    def __init__(self, path: str, baud: int) -> None:
        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise OSError(f"this system has no speed of {baud} baud")
        self._port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._port)
        settings = termios.tcgetattr(self._port)
        settings[4] = settings[5] = speed
        termios.tcsetattr(self._port, termios.TCSANOW, settings)
        termios.tcflush(self._port, termios.TCIOFLUSH)

    async def send(self, data: bytes) -> None:
        """Writes all of it."""
        while data:
            data = data[os.write(self._port, data) :]

    async def receive(self, count: int) -> bytes:
        """So many bytes. Raises TimeoutError if none comes for some seconds."""
        data = b""
        while len(data) < count:
            if not select.select([self._port], [], [], _PATIENCE_SECONDS)[0]:
                raise TimeoutError(f"the board sent {len(data)} of {count} bytes")
            data += os.read(self._port, count - len(data))
        return data


def main() -> int:
    """Runs the frames on the board at the port that is named."""
    expected = json.loads((HERE / "expected.json").read_text())
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("port", help="serial port of the board, such as /dev/ttyUSB0")
    parser.add_argument("--baud", type=int, default=expected["baud"])
    options = parser.parse_args()
    try:
        port = SerialPort(options.port, options.baud)
    except (OSError, termios.error) as error:
        print(f"error: {options.port}: {error}", file=sys.stderr)
        return 2
    try:
        wrong = run_now(run_frames(port.send, port.receive, HERE))
    except (EngineError, TimeoutError) as error:
        wrong = [str(error)]
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    print("as expected" if not wrong else "not as expected")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
