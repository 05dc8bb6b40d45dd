"""One layer of the network -> its descriptor, its tiles and its part of the weight stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler.bounds import attention_threshold, lane_thresholds
from sparsespike.compiler.dataflow import Flow
from sparsespike.compiler.order import lane_loads
from sparsespike.compiler.pack import Lanes, pack_lanes, pack_tile, spread_weights
from sparsespike.compiler.plan import Plan, nonzeros
from sparsespike.compiler.refuse import require
from sparsespike.compiler.tiles import Tile, layer_tiles
from sparsespike.contract import derived, numeric
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.network import IntegerLayer, IntegerNetwork
from sparsespike.contract.program import Descriptor, Layer, Operation


@dataclass(frozen=True, eq=False)
class Lowering:
    """What is common to the layers of one compilation."""

    net: IntegerNetwork
    engine: EngineConfig
    plan: Plan
    cycles: Mapping[str, NDArray[np.int64]]
    bands: Mapping[str, int]

    def lower(self, index: int, flow: Flow) -> tuple[Layer, bytes]:
        """The layer and its packets. Raises ContractError if it does not fit the engine."""
        tiles, split, stream = ([], 0, b"") if flow.kind == "attention" else self._tiles(flow)
        descriptor = Descriptor(
            operation=int(Operation.ATTENTION if flow.kind == "attention" else Operation.MATMUL),
            layer=index,
            last=int(flow.name == "head"),
            tokens=flow.tokens,
            groups=derived.step_groups(self.engine, self.net.config.time_steps),
            time_steps=self.net.config.time_steps,
            use_list=int(flow.use_list),
            tiles=len(tiles),
            **self._source(flow),
            **self._target(flow),
            **self._operator(flow),
            split=split,
            seam_lines=self._seam_lines(flow) if split else 0,
        )
        stored = self.plan.storage[flow.target].slot_channel if flow.target else np.zeros(0)
        layer = Layer(
            name=flow.name,
            descriptor=descriptor,
            slot_channel=stored.astype(np.int64),
            tensor_tokens=flow.stored,
            mapping=self._mapping(flow, tiles),
        )
        return layer, stream

    def _source(self, flow: Flow) -> dict[str, int]:
        source = self.plan.storage[flow.source]
        chunks = source.words if flow.pixel else source.chunks
        planes = numeric.unsigned_bits(flow.input_max) if flow.source_counts else 1
        return {
            "pixel": int(flow.pixel),
            "source_counts": int(flow.source_counts),
            "planes": planes,
            "chunks": 0 if flow.kind == "attention" else chunks,
            "source_stride": source.words,
            "source_base": self.plan.base[flow.source],
        }

    def _target(self, flow: Flow) -> dict[str, int]:
        fields = {"output": int(flow.output), "accumulate": int(flow.accumulate)}
        if flow.target is None:
            return fields
        base = self._row(flow.target)
        # rpe adds the stem's counts, which it must not overwrite: neighbours still read them.
        added = self._row(flow.source if flow.source_counts else flow.target)
        return fields | {
            "destination_base": base,
            "destination_rows": len(self.plan.storage[flow.target].rows),
            "pool": int(flow.pool),
            "residual": int(flow.residual),
            "residual_base": added if flow.residual else 0,
        }

    def _row(self, tensor: str) -> int:
        return self.plan.base[tensor] * self.engine.chunk // derived.lane_pitch(self.engine)

    def _operator(self, flow: Flow) -> dict[str, int]:
        config, layer = self.net.config, self.net.layer(flow.name)
        if flow.kind == "conv":
            pad = int.from_bytes(self.net.pixel_pad.tobytes(), "little") if flow.pixel else 0
            return {"convolution": 1, "height": flow.size, "width": flow.size, "pad": pad}
        if flow.kind == "selector":
            return {"keep": layer.keep, "shift": layer.shift}
        if flow.kind == "head":
            return {"classes": config.classes}
        if flow.kind == "attention":
            return self._attention(flow, layer)
        return {}

    def _attention(self, flow: Flow, layer: IntegerLayer) -> dict[str, int]:
        config = self.net.config
        section = self.plan.storage[flow.source].words // 3
        threshold = attention_threshold(
            self.engine, flow, layer, config.time_steps, config.dim // config.heads
        )
        return {
            "heads": config.heads,
            "head_words": section // config.heads,
            "key_offset": section,
            "value_offset": 2 * section,
            "threshold": threshold,
        }

    def _tiles(self, flow: Flow) -> tuple[list[Tile], int, bytes]:
        """Tiles, split and packets."""
        source, layer = self.plan.storage[flow.source], self.net.layer(flow.name)
        slots = source.slot_channel[: source.chunks * self.engine.chunk]
        weights = spread_weights(self.engine, layer.weight, slots)
        self._check_masks(flow, weights.shape[1])
        lanes = pack_lanes(self.engine, weights)
        storage = self.plan.storage[flow.target] if flow.target else None
        split, tiles = layer_tiles(
            self.engine,
            flow,
            storage,
            self.cycles[flow.name],
            mask_words=weights.shape[1],
            bands=self.bands.get(flow.name),
        )
        self._check_weights(flow, lanes, tiles)
        return tiles, split, self._packets(flow, layer, lanes, tiles)

    def _check_masks(self, flow: Flow, mask_words: int) -> None:
        engine, where = self.engine, f"layer {flow.name}"
        require(where, "mask memory (mask_depth, words)", mask_words, engine.mask_depth,
                f"raise mask_depth to {mask_words} or chunk")  # fmt: skip

    def _check_weights(self, flow: Flow, lanes: Lanes, tiles: list[Tile]) -> None:
        engine, where = self.engine, f"layer {flow.name}"
        lines = np.diff(lanes.first)
        heaviest = max(int(lane_loads(lines, t.channels, engine.lanes).max()) for t in tiles)
        most = heaviest * derived.weights_per_beat(engine)
        weights = derived.weight_lines(engine) * derived.weights_per_beat(engine)
        require(where, "weight memory (weight_depth)", most, weights,
                f"raise weight_depth to {most} or prune the layer")  # fmt: skip

    def _packets(self, flow: Flow, layer: IntegerLayer, lanes: Lanes, tiles: list[Tile]) -> bytes:
        thresholds = lane_thresholds(self.engine, flow, layer, self.net.config.time_steps)
        constants = [
            {"bias": bias, "threshold": threshold}
            for bias, threshold in zip(layer.bias.tolist(), thresholds.tolist(), strict=True)
        ]
        if flow.kind == "selector":
            pairs = zip(layer.multiplier.tolist(), layer.score_weight.tolist(), strict=True)
            for record, (multiplier, weight) in zip(constants, pairs, strict=True):
                record |= {"multiplier": multiplier, "score_weight": weight}
        # The silent lane must not fire: its current is 0, its threshold 1.
        constants.append({"bias": 0, "threshold": 1})
        return b"".join(pack_tile(self.engine, lanes, tile, constants) for tile in tiles)

    def _mapping(self, flow: Flow, tiles: list[Tile]) -> np.ndarray:
        """(tiles, 3): first cluster, row, additions of one adder if every input were 1."""
        count = nonzeros(self.net, flow) * flow.tokens if tiles else np.zeros(0, np.int64)
        entries = [(t.cluster, t.row, count[t.channels[t.channels >= 0]].sum()) for t in tiles]
        return np.array(entries, np.int64).reshape(-1, 3)

    def _seam_lines(self, flow: Flow) -> int:
        """Memory lines of the pooled map, which bands share; 0 without a pool."""
        if not flow.pool or flow.target is None:
            return 0
        lines = self.plan.storage[flow.target].words // derived.words_per_line(self.engine)
        return flow.stored * derived.step_groups(self.engine, self.net.config.time_steps) * lines
