"""Golden model == simulator == RTL, element by element; the first difference has an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cocotb_tests.observe import Observation, stores_counts
from sparsespike.contract.counters import COUNTERS
from sparsespike.contract.program import Program


class Golden(Protocol):
    """What the golden model returns (see `model.integer.GoldenTrace`)."""

    layers: dict[str, NDArray[np.integer]]
    kept: dict[str, NDArray[np.int64]]


class Simulated(Protocol):
    """What the simulator returns (see `sim.result.SimulationResult`)."""

    counters: NDArray[np.int64]
    logits: NDArray[np.int64]
    kept: dict[str, NDArray[np.int64]]
    scores: dict[str, NDArray[np.int64]]
    tensors: dict[str, NDArray[np.int64]] | None


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """One value that differs. `where` names token, channel and time step, as far as they apply."""

    image: int
    layer: str
    kind: str
    where: str
    golden: int | None
    simulator: int | None
    rtl: int | None
    cycle: int | None = None

    def __str__(self) -> str:
        values = [
            f"{name} {value}"
            for name, value in (
                ("golden", self.golden),
                ("simulator", self.simulator),
                ("RTL", self.rtl),
            )
            if value is not None
        ]
        when = "" if self.cycle is None else f"; RTL wrote it at cycle {self.cycle}"
        when = "; RTL never wrote it" if self.cycle == -1 else when
        where = f" at {self.where}" if self.where else ""
        return f"image {self.image}, {self.layer}: {self.kind}{where}: {', '.join(values)}{when}"


@dataclass
class LayerCheck:
    """Differences of one layer in one frame; `golden`, `simulator`: RTL against it, `model`:
    simulator against golden."""

    name: str
    golden: int = 0
    simulator: int = 0
    model: int = 0
    counters_equal: bool = True
    first: Mismatch | None = None
    first_counter: Mismatch | None = None

    @property
    def mismatches(self) -> int:
        """Elements that differ between RTL and golden model, or simulator and golden model."""
        return self.golden + self.model


@dataclass
class _Triple:
    """The same values from three machines, (T, tokens, channels) or a vector."""

    golden: NDArray[np.int64]
    simulator: NDArray[np.int64]
    rtl: NDArray[np.int64]
    cycle: NDArray[np.int64]
    tokens: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def check_frame(
    program: Program,
    image: int,
    golden: Golden,
    simulated: Simulated,
    seen: Observation,
    counters: NDArray[np.int64],
) -> list[LayerCheck]:
    """Every layer of frame `image`. counters: (layers, counters) read from the RTL."""
    checks = []
    walked = np.arange(program.network.tokens())
    for index, layer in enumerate(program.layers):
        name = layer.name
        check = LayerCheck(name)
        if layer.descriptor.destination_rows:
            tokens = walked if layer.descriptor.use_list else np.arange(layer.tensor_tokens)
            kind = "count" if stores_counts(layer) else "spike"
            assert simulated.tensors is not None
            triple = _Triple(
                golden.layers[name][image],
                simulated.tensors[name][image][:, tokens],
                _get(seen.tensors, name, simulated.tensors[name][image])[:, tokens],
                _get(seen.cycles, name, simulated.tensors[name][image], -1)[:, tokens],
                tokens,
            )
            _compare(check, image, kind, triple)
        elif name in golden.kept:
            none = np.full(layer.descriptor.tokens, -1)
            triple = _Triple(
                golden.layers[name][image],
                simulated.scores[name][image],
                seen.scores.get(name, none * 0),
                seen.score_cycles.get(name, none),
                walked,
            )
            _compare(check, image, "score", triple)
            kept = golden.kept[name][image]
            _compare(
                check,
                image,
                "kept token",
                _vector(kept, simulated.kept[name][image], seen.kept.get(name)),
            )
            walked = kept
        else:
            logits = golden.layers[name][image]
            _compare(check, image, "logit", _vector(logits, simulated.logits[image], seen.logits))
        _compare_counters(check, image, simulated.counters[image, index], counters[index])
        checks.append(check)
    return checks


def _get(
    values: Mapping[str, NDArray[np.int64]], name: str, like: NDArray[np.int64], fill: int = 0
) -> NDArray[np.int64]:
    return values[name] if name in values else np.full_like(like, fill)


def _vector(
    golden: NDArray[np.int64], simulator: NDArray[np.int64], rtl: NDArray[np.int64] | None
) -> _Triple:
    """Three vectors, the RTL's cut or filled with -1 to the length of the golden one."""
    filled = np.full(len(golden), -1, np.int64)
    if rtl is not None:
        filled[: min(len(rtl), len(golden))] = rtl[: len(golden)]
        if len(rtl) > len(golden):
            filled[:] = -1
    return _Triple(golden, simulator, filled, np.full(len(golden), -2))


def _compare(check: LayerCheck, image: int, kind: str, values: _Triple) -> None:
    against_golden = values.rtl != values.golden
    against_simulator = values.rtl != values.simulator
    model = values.simulator != values.golden
    check.golden += int(against_golden.sum())
    check.simulator += int(against_simulator.sum())
    check.model += int(model.sum())
    wrong = against_golden | against_simulator | model
    if check.first is not None or not wrong.any():
        return
    place = _first(wrong)
    cycle = int(values.cycle[place])
    check.first = Mismatch(
        image=image,
        layer=check.name,
        kind=kind,
        where=_where(place, values.tokens),
        golden=int(values.golden[place]),
        simulator=int(values.simulator[place]),
        rtl=int(values.rtl[place]),
        cycle=None if cycle == -2 else cycle,
    )


def _first(wrong: NDArray[np.bool_]) -> tuple[int, ...]:
    """Lowest token, then channel, then step that is wrong."""
    if wrong.ndim == 1:
        return (int(np.argmax(wrong)),)
    token, channel, step = np.argwhere(wrong.transpose(1, 2, 0))[0]
    return (int(step), int(token), int(channel))


def _where(place: tuple[int, ...], tokens: NDArray[np.int64]) -> str:
    if len(place) == 1:
        return f"token {tokens[place[0]]}" if len(tokens) else f"index {place[0]}"
    step, token, channel = place
    return f"token {tokens[token]}, channel {channel}, time step {step}"


def _compare_counters(
    check: LayerCheck, image: int, simulator: NDArray[np.int64], rtl: NDArray[np.int64]
) -> None:
    wrong = np.flatnonzero(simulator != rtl)
    if not wrong.size:
        return
    check.counters_equal = False
    cycles = len(COUNTERS) - 1
    place = cycles if simulator[cycles] != rtl[cycles] else int(wrong[0])
    check.first_counter = Mismatch(
        image=image,
        layer=check.name,
        kind="cycles" if place == cycles else f"counter {COUNTERS[place]}",
        where="",
        golden=None,
        simulator=int(simulator[place]),
        rtl=int(rtl[place]),
    )
